package io.rendezvous.agent;

import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * How long to wait before trying again: from nothing up to a bound that doubles with each failure
 * (full jitter), so that a herd that lost its broker in one moment does not return in one. Within
 * the first minute in which a broker cannot be reached the bound stays low: it is being restarted.
 */
final class Backoff {
  private static final Duration FIRST = Duration.ofMillis(500);
  private static final Duration MAX = Duration.ofSeconds(30);
  private static final int DOUBLINGS = 6;
  private static final Duration RESTART = Duration.ofMinutes(1);
  private static final Duration MAX_WITHIN_RESTART = Duration.ofSeconds(4);

  private final RandomGenerator random;
  private final LongSupplier timer;
  private int failures;
  private long firstFailure;

  /**
   * Creates one without failures.
   *
   * @param timer {@link System#nanoTime}
   */
  Backoff(RandomGenerator random, LongSupplier timer) {
    this.random = random;
    this.timer = timer;
  }

  /**
   * Returns how long to wait after one more failure.
   *
   * @param refused whether the broker was reached, and said no
   */
  Duration next(boolean refused) {
    long now = timer.getAsLong();
    firstFailure = failures == 0 ? now : firstFailure;
    boolean restarting = !refused && now - firstFailure < RESTART.toNanos();
    Duration bound = FIRST.multipliedBy(1L << Math.min(failures, DOUBLINGS));
    failures++;
    long most = Math.min(bound.toMillis(), (restarting ? MAX_WITHIN_RESTART : MAX).toMillis());
    return Duration.ofMillis(random.nextLong(most + 1));
  }

  /** Begins anew, since things go well. */
  void reset() {
    failures = 0;
  }
}
