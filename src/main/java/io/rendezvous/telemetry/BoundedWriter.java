package io.rendezvous.telemetry;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A bounded queue with a thread that empties it. Threads that must not wait, such as I/O threads,
 * put in elements; the queue's own thread hands them to a {@link Reader}, which may block, for
 * example to print them. Elements that find the queue full are dropped and counted.
 *
 * <p>Any thread may call.
 *
 * @param <T> the type of the elements
 */
public final class BoundedWriter<T> implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(BoundedWriter.class);
  private static final Duration MAX_CLOSE_TIME = Duration.ofSeconds(1);

  /**
   * Receives the elements in order, all on the queue's thread.
   *
   * @param <T> the type of the elements
   */
  public interface Reader<T> {
    /** Handles the next element. It may block. */
    void read(T next);

    /** Runs periodically, between elements. */
    default void pulse() {}

    /** Runs once, after the last element. */
    default void end() {}
  }

  private final Reader<T> reader;
  private final long pulseNanos;
  private final BlockingQueue<Optional<T>> queue; // an empty element marks the end
  private final AtomicLong dropped = new AtomicLong();
  private final Thread thread;

  /**
   * Creates a queue without a pulse. {@link #start} starts its thread.
   *
   * @param name the name of the thread
   * @param maxElements the maximum number of elements that wait
   */
  public BoundedWriter(String name, int maxElements, Reader<T> reader) {
    this(name, maxElements, Duration.ofHours(1), reader);
  }

  /**
   * Creates a queue. {@link #start} starts its thread.
   *
   * @param name the name of the thread
   * @param maxElements the maximum number of elements that wait
   * @param pulse the time between two runs of {@link Reader#pulse}
   */
  public BoundedWriter(String name, int maxElements, Duration pulse, Reader<T> reader) {
    this.reader = reader;
    this.pulseNanos = pulse.toNanos();
    this.queue = new ArrayBlockingQueue<>(maxElements);
    this.thread = new Thread(this::run, name);
    thread.setDaemon(true);
  }

  /** Starts the thread. */
  public void start() {
    thread.start();
  }

  /** Adds an element if there is room for it. Returns whether it was added. */
  public boolean offer(T element) {
    boolean added = queue.offer(Optional.of(element));
    if (!added) {
      dropped.incrementAndGet();
    }
    return added;
  }

  /** Returns the number of elements that were dropped so far. */
  public long dropped() {
    return dropped.get();
  }

  /** Returns whether no element waits. */
  public boolean isEmpty() {
    return queue.isEmpty();
  }

  private void run() {
    long nextPulse = System.nanoTime() + pulseNanos;
    boolean ended = false;
    try {
      while (!ended) {
        Optional<T> element = queue.poll(nextPulse - System.nanoTime(), TimeUnit.NANOSECONDS);
        ended = element != null && element.isEmpty();
        if (element != null && element.isPresent()) {
          T present = element.get();
          guarded(() -> reader.read(present));
        }
        if (System.nanoTime() - nextPulse >= 0) {
          nextPulse = System.nanoTime() + pulseNanos;
          guarded(reader::pulse);
        }
      }
    } catch (InterruptedException e) {
      // The thread ends.
    }
    guarded(reader::end);
  }

  private static void guarded(Runnable step) {
    try {
      step.run();
    } catch (RuntimeException e) { // the next step may succeed
      LOG.error("Output could not be written", e);
    }
  }

  /** Handles the elements that wait, for up to two seconds, and ends the thread. */
  @Override
  public void close() {
    try {
      if (queue.offer(Optional.empty(), MAX_CLOSE_TIME.toMillis(), TimeUnit.MILLISECONDS)) {
        thread.join(MAX_CLOSE_TIME.toMillis());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
