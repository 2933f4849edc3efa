package io.rendezvous.net;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
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
      next(thread);
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
