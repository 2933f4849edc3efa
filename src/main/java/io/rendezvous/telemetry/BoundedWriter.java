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
 * Takes things from threads that must not wait, those for I/O above all, and hands them to one
 * thread that may: to print them, for example. What that cannot keep up with is dropped and
 * counted. Any thread may call.
 *
 * @param <T> what it takes
 */
public final class BoundedWriter<T> implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(BoundedWriter.class);
  private static final Duration TIME_TO_END = Duration.ofSeconds(1);

  /**
   * Gets the things, in their order, all on one thread.
   *
   * @param <T> what they are
   */
  public interface Reader<T> {
    /** Gets the next one. */
    void read(T next);

    /** Runs from time to time. */
    default void pulse() {}

    /** There is nothing more. */
    default void end() {}
  }

  private final Reader<T> reader;
  private final long pulse;
  private final BlockingQueue<Optional<T>> queue; // what is empty is the end
  private final AtomicLong dropped = new AtomicLong();
  private final Thread thread;

  /**
   * Creates one without a pulse, whose thread is still to be started.
   *
   * @param name what the thread is called
   * @param most how many things may wait
   */
  public BoundedWriter(String name, int most, Reader<T> reader) {
    this(name, most, Duration.ofHours(1), reader);
  }

  /**
   * Creates one whose thread is still to be started.
   *
   * @param name what the thread is called
   * @param most how many things may wait
   * @param pulse how often {@link Reader#pulse} runs
   */
  public BoundedWriter(String name, int most, Duration pulse, Reader<T> reader) {
    this.reader = reader;
    this.pulse = pulse.toNanos();
    this.queue = new ArrayBlockingQueue<>(most);
    this.thread = new Thread(this::run, name);
    thread.setDaemon(true);
  }

  /** Starts the thread. */
  public void start() {
    thread.start();
  }

  /** Takes a thing, unless too many wait. Returns whether it was taken. */
  public boolean offer(T thing) {
    boolean taken = queue.offer(Optional.of(thing));
    if (!taken) {
      dropped.incrementAndGet();
    }
    return taken;
  }

  /** Returns how many things were dropped so far. */
  public long dropped() {
    return dropped.get();
  }

  /** Returns whether nothing waits. */
  public boolean isEmpty() {
    return queue.isEmpty();
  }

  private void run() {
    long next = System.nanoTime() + pulse;
    boolean over = false;
    try {
      while (!over) {
        Optional<T> thing = queue.poll(next - System.nanoTime(), TimeUnit.NANOSECONDS);
        over = thing != null && thing.isEmpty();
        if (thing != null && thing.isPresent()) {
          T present = thing.get();
          guarded(() -> reader.read(present));
        }
        if (System.nanoTime() - next >= 0) {
          next = System.nanoTime() + pulse;
          guarded(reader::pulse);
        }
      }
    } catch (InterruptedException e) {
      // It is over.
    }
    guarded(reader::end);
  }

  /** The next one may go better. */
  private static void guarded(Runnable step) {
    try {
      step.run();
    } catch (RuntimeException e) {
      LOG.error("Something was not written", e);
    }
  }

  /** Lets the thread finish what waits, but not for long, and end. */
  @Override
  public void close() {
    try {
      if (queue.offer(Optional.empty(), TIME_TO_END.toMillis(), TimeUnit.MILLISECONDS)) {
        thread.join(TIME_TO_END.toMillis());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
