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
  private final FailureLimiter<UUID> byUuid;
  private final FailureLimiter<UUID> byUuidForLong;

  /**
   * Creates budgets of which nothing is used.
   *
   * @param perSource failures of a source at one UUID within a minute
   * @param perUuid failures at a UUID within a day, after which short tokens are not checked
   */
  GuessLimits(int perSource, int perUuid) {
    Duration minute = Duration.ofMinutes(1);
    Duration hour = Duration.ofHours(1);
    Duration day = Duration.ofDays(1);
    this.byPair = new FailureLimiter<>(perSource, minute, minute, hour);
    this.bySource = new FailureLimiter<>(times(perSource, ALL_UUIDS), minute, minute, hour);
    this.byUuid = new FailureLimiter<>(perUuid, day, day, day);
    this.byUuidForLong = new FailureLimiter<>(times(perUuid, LONG_TOKENS), day, day, day);
  }

  private static int times(int budget, int factor) {
    return (int) Math.min(Integer.MAX_VALUE, (long) budget * factor);
  }

  /** Returns the time after which a token will be checked, or zero if it is checked now. */
  Duration delay(UUID id, Source source, int digits, Instant now) {
    FailureLimiter<UUID> ofUuid = digits < LONG_TOKEN ? byUuid : byUuidForLong;
    return Collections.max(
        List.of(
            byPair.delay(new Pair(source, id), now),
            bySource.delay(source, now),
            ofUuid.delay(id, now)));
  }

  /** Counts a wrong token. */
  void failed(UUID id, Source source, Instant now) {
    byPair.failed(new Pair(source, id), now);
    bySource.failed(source, now);
    byUuid.failed(id, now);
    byUuidForLong.failed(id, now);
  }
}
