package io.rendezvous.agent;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before trying again: from nothing up to a bound that doubles with each failure
 * (full jitter), so that a herd that lost its broker in one moment does not return in one.
 */
final class Backoff {
  private static final Duration FIRST = Duration.ofMillis(500);
  private static final Duration MOST = Duration.ofSeconds(30);
  private static final int DOUBLINGS = 6;

  private final RandomGenerator random;
  private int failures;

  Backoff(RandomGenerator random) {
    this.random = random;
  }

  /** Returns how long to wait after one more failure. */
  Duration next() {
    Duration bound = FIRST.multipliedBy(1L << Math.min(failures, DOUBLINGS));
    failures++;
    long most = Math.min(bound.toMillis(), MOST.toMillis());
    return Duration.ofMillis(random.nextLong(most + 1));
  }

  /** Begins anew, since things go well. */
  void reset() {
    failures = 0;
  }
}
