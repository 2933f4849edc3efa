package io.rendezvous.tunnel;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** An I/O thread that runs when the test says so, on the test's clock. */
final class FakeEventLoop {
  private record Timer(long due, Runnable task) {}

  private final LongSupplier clock;
  private final Deque<Runnable> tasks = new ArrayDeque<>();
  private final List<Timer> timers = new ArrayList<>();

  FakeEventLoop(LongSupplier clock) {
    this.clock = clock;
  }

  synchronized void execute(Runnable task) {
    tasks.add(task);
  }

  synchronized void after(Duration delay, Runnable task) {
    timers.add(new Timer(clock.getAsLong() + delay.toNanos(), task));
  }

  /**
   * Runs the timers that are due and all tasks, until nothing is left to be done now.
   *
   * @return whether anything was done
   */
  boolean run() {
    boolean hasRun = false;
    for (Runnable next; (next = next()) != null; ) {
      next.run();
      hasRun = true;
    }
    return hasRun;
  }

  /** Runs several event loops, until nothing is left to be done on any of them. */
  static void runAll(FakeEventLoop... loops) {
    boolean hasRun = true;
    while (hasRun) {
      hasRun = false;
      for (FakeEventLoop loop : loops) {
        hasRun |= loop.run();
      }
    }
  }

  private synchronized @Nullable Runnable next() {
    for (Timer timer : timers) {
      if (timer.due() - clock.getAsLong() <= 0) {
        timers.remove(timer);
        return timer.task();
      }
    }
    return tasks.poll();
  }
}
