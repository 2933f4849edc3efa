package io.rendezvous.net;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A task that runs again and again until it is closed: each time an interval after its last run has
 * ended. A run that fails is logged, and the next one comes all the same. Any thread may close.
 */
public final class Recurring implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Recurring.class);

  /** Runs tasks later. */
  interface Timer {
    /** Runs a task after a delay, or never if the process ends. */
    void after(Duration delay, Runnable task);
  }

  private final Timer timer;
  private final Duration interval;
  private final String name;
  private final Runnable task;
  private volatile boolean closed;
  private volatile boolean isFailing;

  /**
   * Creates a task and schedules its first run.
   *
   * @param first the delay of the first run
   * @param name what the task does, for the log
   */
  Recurring(Timer timer, Duration first, Duration interval, String name, Runnable task) {
    this.timer = timer;
    this.interval = interval;
    this.name = name;
    this.task = task;
    timer.after(first, this::run);
  }

  private void run() {
    if (closed) {
      return;
    }
    try {
      task.run();
      isFailing = false;
    } catch (RuntimeException | Error e) { // the next run may succeed
      if (!isFailing) { // logged once, since the next runs may fail as well
        LOG.error("An error of this program in {}: {}", name, e.toString(), e);
      }
      isFailing = true;
    } finally {
      if (!closed) {
        timer.after(interval, this::run);
      }
    }
  }

  /** Ends the task. A run that is under way ends by itself. */
  @Override
  public void close() {
    closed = true;
  }
}
