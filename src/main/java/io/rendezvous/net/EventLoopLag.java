package io.rendezvous.net;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import org.xnio.XnioIoThread;

/**
 * How late the I/O threads do what is due, measured by a task on each from time to time: what it is
 * late, so is every connection of that thread. Any thread may ask.
 */
public final class EventLoopLag {
  /** Hears of each measurement, on the thread that it is of. It must not block. */
  public interface Listener {
    /** The thread of that number, from 0 on, was that late. */
    void measured(int thread, Duration late);
  }

  private final List<XnioIoThread> threads;
  private final Duration every;
  private final Listener listener;
  private final AtomicLongArray due;

  EventLoopLag(List<XnioIoThread> threads, Duration every, Listener listener) {
    this.threads = List.copyOf(threads);
    this.every = every;
    this.listener = listener;
    this.due = new AtomicLongArray(threads.size());
  }

  void start() {
    for (int thread = 0; thread < threads.size(); thread++) {
      next(thread);
    }
  }

  /** Returns how many threads there are. */
  public int threads() {
    return threads.size();
  }

  /** Returns for how long a thread has not done what is due: that of one which hangs grows. */
  public Duration overdue(int thread) {
    return Duration.ofNanos(Math.max(0, System.nanoTime() - due.get(thread)));
  }

  private void next(int thread) {
    due.set(thread, System.nanoTime() + every.toNanos());
    try {
      threads.get(thread).executeAfter(() -> run(thread), every.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  private void run(int thread) {
    Duration late = overdue(thread);
    next(thread);
    listener.measured(thread, late);
  }
}
