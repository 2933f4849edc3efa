package io.rendezvous.entry;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * Counts failures per key, and blocks a key that fails too often within a window of time. Each
 * further block is twice as long as the one before. Of more than 100,000 keys the least recently
 * used are forgotten.
 *
 * <p>Not thread-safe; the owner guards it. Time is a parameter.
 *
 * @param <K> the type of keys, such as sources or UUIDs
 */
public final class FailureLimiter<K> {
  private static final int MAX_KEYS = 100_000;

  private static final class Count {
    Instant windowEnds = Instant.MIN;
    int failures;
    Instant blockedUntil = Instant.MIN;
    Duration nextBlock;

    Count(Duration minBlock) {
      nextBlock = minBlock;
    }
  }

  private int maxFailures;
  private final Duration window;
  private final Duration minBlock;
  private final Duration maxBlock;
  private final Map<K, Count> counts = LruMap.byUse(MAX_KEYS);

  /**
   * Creates a limiter without any failures.
   *
   * @param maxFailures the number of failures within the window that blocks a key
   * @param window begins with the first failure
   * @param minBlock the length of a key's first block; each further one is twice as long
   * @param maxBlock the maximum length of a block; when no failure has followed the end of a window
   *     or block for as long, the next block is short again
   */
  public FailureLimiter(int maxFailures, Duration window, Duration minBlock, Duration maxBlock) {
    this.maxFailures = maxFailures;
    this.window = window;
    this.minBlock = minBlock;
    this.maxBlock = maxBlock;
  }

  /** Changes the number of failures that blocks a key. Blocks and counts of now stay. */
  void setMaxFailures(int newMax) {
    maxFailures = newMax;
  }

  /** Returns how long a key is still blocked, or zero if it is not. */
  public Duration delay(K key, Instant now) {
    Count count = counts.get(key);
    return count == null || !now.isBefore(count.blockedUntil)
        ? Duration.ZERO
        : Duration.between(now, count.blockedUntil);
  }

  /** Counts a failure, which may block the key. */
  public void failed(K key, Instant now) {
    Count count = counts.computeIfAbsent(key, k -> new Count(minBlock));
    if (!now.isBefore(count.windowEnds)) {
      boolean wasQuiet = now.isAfter(count.windowEnds.plus(maxBlock));
      count.nextBlock = wasQuiet ? minBlock : count.nextBlock;
      count.windowEnds = now.plus(window);
      count.failures = 0;
    }
    if (++count.failures >= maxFailures) {
      count.blockedUntil = now.plus(count.nextBlock);
      count.windowEnds = count.blockedUntil;
      count.failures = 0;
      count.nextBlock = Collections.min(List.of(count.nextBlock.multipliedBy(2), maxBlock));
    }
  }
}
