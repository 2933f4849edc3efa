package io.rendezvous;

import io.rendezvous.net.DutyThread;
import java.time.Duration;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * What a broker does periodically to end what is too old or stands still. The sweeps share the
 * thread {@code broker-tick}, and none of them blocks. One that fails is logged, and holds up
 * neither the others nor its own next run.
 */
final class Sweeps implements AutoCloseable {
  private static final Duration MAX_INTERVAL = Duration.ofSeconds(1);
  private static final Duration MIN_INTERVAL = Duration.ofMillis(20);

  /**
   * One sweep.
   *
   * @param name what it does, for the log
   * @param task is given the time in nanoseconds
   */
  record Sweep(String name, LongConsumer task) {}

  private final List<Sweep> sweeps;
  private final LongSupplier ticker;
  private final DutyThread thread = new DutyThread("broker-tick");

  /**
   * Creates the sweeps, which run from {@link #start} on.
   *
   * @param ticker tells nanoseconds, as {@link System#nanoTime} does
   */
  Sweeps(List<Sweep> sweeps, LongSupplier ticker) {
    this.sweeps = List.copyOf(sweeps);
    this.ticker = ticker;
  }

  /** Starts to run them, at an interval of a tenth of the shortest of some times, within bounds. */
  void start(Duration... times) {
    Duration tenth =
        Stream.of(times).map(time -> time.dividedBy(10)).reduce(MAX_INTERVAL, Sweeps::shorter);
    Duration interval = tenth.compareTo(MIN_INTERVAL) < 0 ? MIN_INTERVAL : tenth;
    for (Sweep sweep : sweeps) {
      thread.every(interval, sweep.name(), () -> sweep.task().accept(ticker.getAsLong()));
    }
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) <= 0 ? one : other;
  }

  /** Runs all of them once, at a time in nanoseconds. */
  void run(long now) {
    sweeps.forEach(sweep -> sweep.task().accept(now));
  }

  @Override
  public void close() {
    thread.close();
  }
}
