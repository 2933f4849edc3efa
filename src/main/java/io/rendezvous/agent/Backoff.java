package io.rendezvous.agent;

import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * Chooses how long to wait before the next attempt: a random time between zero and a bound that
 * doubles with each failure, up to 30 s ("full jitter"). Many agents that lost their broker at the
 * same moment therefore do not return at the same moment.
 *
 * <p>While a broker cannot be reached, the bound stays at 4 s for the first minute, since a restart
 * takes no longer.
 *
 * <p>Not safe for use by several threads at a time.
 */
final class Backoff {
  private static final Duration FIRST = Duration.ofMillis(500);
  private static final Duration MAX = Duration.ofSeconds(30);
  private static final int MAX_DOUBLINGS = 6;
  private static final Duration RESTART = Duration.ofMinutes(1);
  private static final Duration MAX_WITHIN_RESTART = Duration.ofSeconds(4);

  private final RandomGenerator random;
  private final LongSupplier ticker;
  private int failures;
  private long firstFailure;

  /**
   * Creates a back-off without failures.
   *
   * @param ticker tells nanoseconds, as {@link System#nanoTime} does
   */
  Backoff(RandomGenerator random, LongSupplier ticker) {
    this.random = random;
    this.ticker = ticker;
  }

  /**
   * Records a failure, and returns how long to wait before the next attempt.
   *
   * @param refused whether the broker was reached, and refused
   */
  Duration next(boolean refused) {
    long now = ticker.getAsLong();
    firstFailure = failures == 0 ? now : firstFailure;
    boolean restarting = !refused && now - firstFailure < RESTART.toNanos();
    Duration bound = FIRST.multipliedBy(1L << Math.min(failures, MAX_DOUBLINGS));
    failures++;
    long max = Math.min(bound.toMillis(), (restarting ? MAX_WITHIN_RESTART : MAX).toMillis());
    return Duration.ofMillis(random.nextLong(max + 1));
  }

  /** Forgets all failures. */
  void reset() {
    failures = 0;
  }
}
