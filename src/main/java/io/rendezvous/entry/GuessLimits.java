package io.rendezvous.entry;

import io.rendezvous.net.Source;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.UUID;

/**
 * The budgets for wrong tokens of sources that are not known (protocol.md, 1.4): for each source
 * and UUID together, so that a device with a wrong secret does not lock its neighbours out; for
 * each source, which may try many UUIDs; and for each UUID, at which many sources may guess.
 *
 * <p>UUIDs without an entry have tables of their own. There is no end of them, and each table
 * forgets its least recently used keys: otherwise a flood of them would make the failures at the
 * UUIDs of entries forgotten.
 *
 * <p>Not thread-safe; the owner guards it. Time is a parameter.
 */
final class GuessLimits {
  /** Tokens of this many digits have the larger budget per UUID. */
  private static final int LONG_TOKEN = 8;

  /** Times the budget of one UUID that a source has for all UUIDs together. */
  private static final int ALL_UUIDS = 10;

  /** Times the budget for short tokens at one UUID that there is for long ones. */
  private static final int LONG_TOKENS = 100;

  private record Pair(Source source, UUID id) {}

  private final FailureLimiter<Pair> byPair;
  private final FailureLimiter<Source> bySource;
  private final UuidBudget ofEntries;
  private final UuidBudget ofUnknown;

  /**
   * Creates budgets of which nothing is used.
   *
   * @param perSource failures of a source at one UUID within a minute
   * @param perUuid failures at a UUID within a day, after which short tokens are not checked
   */
  GuessLimits(int perSource, int perUuid) {
    Duration minute = Duration.ofMinutes(1);
    Duration hour = Duration.ofHours(1);
    this.byPair = new FailureLimiter<>(perSource, minute, minute, hour);
    this.bySource = new FailureLimiter<>(times(perSource, ALL_UUIDS), minute, minute, hour);
    this.ofEntries = new UuidBudget(perUuid);
    this.ofUnknown = new UuidBudget(perUuid);
  }

  /** The failures at each UUID of some kind. */
  private static final class UuidBudget {
    private static final Duration DAY = Duration.ofDays(1);

    private final FailureLimiter<UUID> forShort;
    private final FailureLimiter<UUID> forLong;

    UuidBudget(int perUuid) {
      forShort = new FailureLimiter<>(perUuid, DAY, DAY, DAY);
      forLong = new FailureLimiter<>(times(perUuid, LONG_TOKENS), DAY, DAY, DAY);
    }

    void setBudget(int perUuid) {
      forShort.setMaxFailures(perUuid);
      forLong.setMaxFailures(times(perUuid, LONG_TOKENS));
    }

    Duration delay(UUID id, int digits, Instant now) {
      return (digits < LONG_TOKEN ? forShort : forLong).delay(id, now);
    }

    void failed(UUID id, Instant now) {
      forShort.failed(id, now);
      forLong.failed(id, now);
    }
  }

  /** Changes the budgets; the parameters are those of the constructor. What is used stays used. */
  void setBudgets(int perSource, int perUuid) {
    byPair.setMaxFailures(perSource);
    bySource.setMaxFailures(times(perSource, ALL_UUIDS));
    ofEntries.setBudget(perUuid);
    ofUnknown.setBudget(perUuid);
  }

  private static int times(int budget, int factor) {
    return (int) Math.min(Integer.MAX_VALUE, (long) budget * factor);
  }

  /** Returns the time after which a token will be checked, or zero if it is checked now. */
  Duration delay(UUID id, Source source, int digits, Instant now) {
    return Collections.max(
        List.of(
            byPair.delay(new Pair(source, id), now),
            bySource.delay(source, now),
            ofEntries.delay(id, digits, now),
            ofUnknown.delay(id, digits, now)));
  }

  /**
   * Counts a wrong token.
   *
   * @param isEntry whether there is an entry with the UUID
   */
  void failed(UUID id, Source source, boolean isEntry, Instant now) {
    byPair.failed(new Pair(source, id), now);
    bySource.failed(source, now);
    (isEntry ? ofEntries : ofUnknown).failed(id, now);
  }
}
