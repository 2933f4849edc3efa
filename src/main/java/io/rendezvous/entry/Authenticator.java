package io.rendezvous.entry;

import io.rendezvous.net.Source;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Authenticates hidden servers by their tokens (protocol.md, 1.4). An overheard token is of no use
 * to another source. Guessing is slowed down, but no guesser can keep a hidden server out: a source
 * from which a UUID has authenticated before is not limited for that UUID.
 *
 * <p>Any thread may call, except I/O threads, since the store is asked.
 */
public final class Authenticator {
  private static final Logger LOG = LoggerFactory.getLogger(Authenticator.class);
  private static final int MAX_REMEMBERED = 200_000;

  /** Tokens of this many digits are not worth guessing, so guesses at one UUID are not limited. */
  private static final int SAFE_DIGITS = 8;

  /** Stands in for the secret of an unknown UUID, so that the answer takes as long. */
  private static final Totp DECOY = new Totp("sha1", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 30, 6);

  /** The result of checking a token. */
  public sealed interface Verdict {
    /** The token is right. */
    record Accepted(Entry entry) implements Verdict {}

    /** The token is wrong or the UUID is unknown. The two are not distinguished on purpose. */
    record Refused() implements Verdict {}

    /**
     * The token was not checked, because there were too many failures.
     *
     * @param delay the time after which a token will be checked again
     */
    record Throttled(Duration delay) implements Verdict {}

    /** The token was not checked, because the store could not be reached. */
    record Unavailable() implements Verdict {}
  }

  private record Step(UUID id, long number) {}

  /** A source from which a UUID has authenticated. */
  private record KnownSource(UUID id, Source source) {}

  private final EntryStore store;
  private final InstantSource clock;

  // Guarded by this.
  private final FailureLimiter<Source> guessesBySource;
  private final FailureLimiter<UUID> guessesByUuid;
  private final Map<Step, Source> stepOwners = LruMap.byUse(MAX_REMEMBERED);
  private final Map<KnownSource, Boolean> knownSources = LruMap.byUse(MAX_REMEMBERED);

  /**
   * Creates an authenticator that has seen no source yet.
   *
   * @param perSource failures per source and minute after which the source has to wait
   * @param perUuid failures per UUID and day after which short tokens of unknown sources have to
   *     wait
   */
  public Authenticator(EntryStore store, InstantSource clock, int perSource, int perUuid) {
    this.store = store;
    this.clock = clock;
    Duration minute = Duration.ofMinutes(1);
    Duration day = Duration.ofDays(1);
    this.guessesBySource = new FailureLimiter<>(perSource, minute, minute, Duration.ofHours(1));
    this.guessesByUuid = new FailureLimiter<>(perUuid, day, day, day);
  }

  /** Checks the token that a source has sent for a UUID. */
  public Verdict check(UUID id, String token, Source source) {
    Instant now = clock.instant();
    Duration delay = throttle(id, token, source, now);
    if (!delay.isZero()) {
      return new Verdict.Throttled(delay);
    }
    Optional<Entry> entry;
    try {
      entry = store.find(id);
    } catch (IOException e) {
      LOG.warn("A token could not be checked: {}", e.getMessage());
      return new Verdict.Unavailable();
    }
    OptionalLong step = matchingStep(entry, token, now);
    if (step.isEmpty() || entry.isEmpty()) {
      failed(id, source, now);
      return new Verdict.Refused();
    }
    return ownsStep(new Step(id, step.getAsLong()), source)
        ? new Verdict.Accepted(entry.get())
        : new Verdict.Refused();
  }

  private synchronized Duration throttle(UUID id, String token, Source source, Instant now) {
    if (knownSources.containsKey(new KnownSource(id, source))) {
      return Duration.ZERO;
    }
    Duration bySource = guessesBySource.delay(source, now);
    Duration byUuid = token.length() < SAFE_DIGITS ? guessesByUuid.delay(id, now) : Duration.ZERO;
    return Collections.max(List.of(bySource, byUuid));
  }

  private synchronized void failed(UUID id, Source source, Instant now) {
    if (!knownSources.containsKey(new KnownSource(id, source))) {
      guessesBySource.failed(source, now);
      guessesByUuid.failed(id, now);
    }
  }

  /**
   * Makes a source the owner of a time step, unless another source was first. A replay of the first
   * source's token is not counted as a failure, since it is not a guess.
   */
  private synchronized boolean ownsStep(Step step, Source source) {
    Source owner = stepOwners.putIfAbsent(step, source);
    if (owner != null && !owner.equals(source)) {
      return false;
    }
    knownSources.put(new KnownSource(step.id(), source), true);
    return true;
  }

  /**
   * Returns the step whose token was sent. Takes the same time whether or not there is an entry.
   */
  private static OptionalLong matchingStep(Optional<Entry> entry, String token, Instant now) {
    List<Totp> totps = entry.map(e -> e.totpsAt(now)).orElse(List.of(DECOY));
    int length = Math.max(Totp.MIN_DIGITS, Math.min(Totp.MAX_DIGITS, token.length()));
    byte[] given = token.getBytes(StandardCharsets.UTF_8);
    OptionalLong match = OptionalLong.empty();
    for (Totp totp : totps) {
      long current = totp.stepAt(now.getEpochSecond());
      for (long step = current - 1; step <= current + 1; step++) {
        byte[] expected = totp.token(step, length).getBytes(StandardCharsets.UTF_8);
        if (MessageDigest.isEqual(given, expected) && token.length() >= totp.digits()) {
          match = OptionalLong.of(step);
        }
      }
    }
    return match;
  }
}
