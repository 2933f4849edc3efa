package io.rendezvous.entry;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/**
 * Counts failures by key, and says for how long a key has to wait. Bounded: of too many keys the
 * ones not heard of for longest are forgotten.
 *
 * <p>Guarded by its owner. Times are parameters.
 *
 * @param <K> what is counted
 */
public final class FailureLimiter<K> {
  private static final int MAX_KEYS = 100_000;

  private static final class Count {
    Instant windowEnds = Instant.MIN;
    int failures;
    Instant blockedUntil = Instant.MIN;
    Duration nextBlock;

    Count(Duration firstBlock) {
      nextBlock = firstBlock;
    }
  }

  private final int most;
  private final Duration window;
  private final Duration firstBlock;
  private final Duration longestBlock;
  private final Map<K, Count> counts = LruMap.byUse(MAX_KEYS);

  /**
   * Creates one.
   *
   * @param most failures within the window that are let pass
   * @param window counts from the first failure on
   * @param firstBlock how long a key waits then; each further time twice as long
   * @param longestBlock but no longer than this; after as long without a failure all is forgotten
   */
  public FailureLimiter(int most, Duration window, Duration firstBlock, Duration longestBlock) {
    this.most = most;
    this.window = window;
    this.firstBlock = firstBlock;
    this.longestBlock = longestBlock;
  }

  /** Returns for how long the key still has to wait; zero if it need not. */
  public Duration delay(K key, Instant now) {
    Count count = counts.get(key);
    return count == null || !now.isBefore(count.blockedUntil)
        ? Duration.ZERO
        : Duration.between(now, count.blockedUntil);
  }

  /** Counts a failure. */
  public void failed(K key, Instant now) {
    Count count = counts.computeIfAbsent(key, k -> new Count(firstBlock));
    if (!now.isBefore(count.windowEnds)) {
      boolean quietForLong = now.isAfter(count.windowEnds.plus(longestBlock));
      count.nextBlock = quietForLong ? firstBlock : count.nextBlock;
      count.windowEnds = now.plus(window);
      count.failures = 0;
    }
    if (++count.failures >= most) {
      count.blockedUntil = now.plus(count.nextBlock);
      count.windowEnds = count.blockedUntil;
      count.failures = 0;
      Duration doubled = count.nextBlock.multipliedBy(2);
      count.nextBlock = doubled.compareTo(longestBlock) < 0 ? doubled : longestBlock;
    }
  }
}
