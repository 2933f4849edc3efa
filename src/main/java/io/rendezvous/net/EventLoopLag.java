package io.rendezvous.net;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import org.xnio.XnioIoThread;

/**
 * Measures how late the I/O threads run their tasks, with a periodic task on each. Every connection
 * of a thread is as late as that task. Any thread may call.
 */
public final class EventLoopLag {
  /** Receives the measurements, each on the thread that was measured. It must not block. */
  public interface Listener {
    /** Handles that the task of a thread ran that late. Threads are numbered from 0. */
    void measured(int thread, Duration late);
  }

  private final List<XnioIoThread> threads;
  private final Duration every;
  private final Listener listener;
  private final AtomicLongArray due; // of each thread, in the time of System.nanoTime

  EventLoopLag(List<XnioIoThread> threads, Duration every, Listener listener) {
    this.threads = List.copyOf(threads);
    this.every = every;
    this.listener = listener;
    this.due = new AtomicLongArray(threads.size());
  }

  void start() {
    for (int thread = 0; thread < threads.size(); thread++) {
      measure(thread);
    }
  }

  /** Returns how many threads are measured. */
  public int threads() {
    return threads.size();
  }

  /**
   * Returns how long the task of a thread has been due, or zero if it is not. The time of a thread
   * that is blocked grows.
   */
  public Duration overdue(int thread) {
    return Duration.ofNanos(Math.max(0, System.nanoTime() - due.get(thread)));
  }

  private void measure(int thread) {
    Recurring.Timer timer =
        (delay, task) -> {
          due.set(thread, System.nanoTime() + delay.toNanos());
          Network.after(threads.get(thread), delay, task);
        };
    Recurring unused =
        new Recurring(
            timer,
            every,
            every,
            "measuring the lag of an I/O thread",
            () -> listener.measured(thread, overdue(thread)));
  }
}
