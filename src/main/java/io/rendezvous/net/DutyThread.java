package io.rendezvous.net;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * A thread for recurring tasks that may block. A task that blocks holds up only the others of the
 * same thread. Any thread may call.
 */
public final class DutyThread implements AutoCloseable {
  private static final Duration MAX_WAIT = Duration.ofSeconds(5);

  private final ScheduledThreadPoolExecutor executor;

  /** Creates a thread, which starts with its first task. */
  public DutyThread(String name) {
    executor =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, name);
              thread.setDaemon(true);
              return thread;
            });
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  /**
   * Runs a task again and again, first after an interval, and then each time an interval after its
   * last run has ended.
   *
   * @param duty what the task does, for the log
   */
  public Recurring every(Duration interval, String duty, Runnable task) {
    return new Recurring(this::after, interval, interval, duty, task);
  }

  /** Does the same as {@link #every}, but runs the task first now. */
  public Recurring nowAndEvery(Duration interval, String duty, Runnable task) {
    return new Recurring(this::after, Duration.ZERO, interval, duty, task);
  }

  private void after(Duration delay, Runnable task) {
    try {
      Future<?> unused = executor.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      // The thread has ended.
    }
  }

  /**
   * Ends the thread. A run that is under way is waited for, but not for long.
   *
   * @return whether the thread has ended
   */
  public boolean end() {
    executor.shutdown();
    try {
      return executor.awaitTermination(MAX_WAIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public void close() {
    end();
  }
}
