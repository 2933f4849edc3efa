package io.rendezvous.entry;

import io.rendezvous.net.Source;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides who may park a tunnel (PROTOCOL 1.4): checks tokens, keeps an overheard token from being
 * used elsewhere, and slows guessing down without keeping those out who belong.
 *
 * <p>Any thread may call, but no I/O thread, since it asks the store.
 */
public final class Authenticator {
  private static final Logger LOG = LoggerFactory.getLogger(Authenticator.class);
  private static final int MAX_REMEMBERED = 200_000;

  /** Tokens of so many digits need no bound on the guesses at one UUID. */
  private static final int SAFE_DIGITS = 8;

  /** Stands in for the secret of an unknown UUID, so that looking takes as long. */
  private static final Totp NOBODY = new Totp("sha1", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 30, 6);

  /** What became of a token. */
  public sealed interface Verdict {
    /** It is right. */
    record Accepted(Entry entry) implements Verdict {}

    /** It is wrong, or the UUID unknown; nobody is told which. */
    record Refused() implements Verdict {}

    /** It was not looked at. */
    record Throttled(Duration delay) implements Verdict {}

    /** The store could not be asked. */
    record Unavailable() implements Verdict {}
  }

  private record Step(UUID id, long number) {}

  private record Site(UUID id, Source source) {}

  private final EntryStore store;
  private final InstantSource clock;

  // Guarded by this.
  private final FailureLimiter<Source> guessesBySource;
  private final FailureLimiter<UUID> guessesByUuid;
  private final Map<Step, Source> stepOwners = LruMap.byUse(MAX_REMEMBERED);
  private final Map<Site, Boolean> knownSites = LruMap.byUse(MAX_REMEMBERED);

  /**
   * Creates one that remembers nothing yet.
   *
   * @param perSource failures that a source may have in a minute
   * @param perUuid failures that a UUID may have in a day
   */
  public Authenticator(EntryStore store, InstantSource clock, int perSource, int perUuid) {
    this.store = store;
    this.clock = clock;
    Duration minute = Duration.ofMinutes(1);
    Duration day = Duration.ofDays(1);
    this.guessesBySource = new FailureLimiter<>(perSource, minute, minute, Duration.ofHours(1));
    this.guessesByUuid = new FailureLimiter<>(perUuid, day, day, day);
  }

  /** Checks the token that a source sends for a UUID. */
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
      LOG.warn("No token can be checked now: {}", e.getMessage());
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
    if (knownSites.containsKey(new Site(id, source))) {
      return Duration.ZERO;
    }
    Duration bySource = guessesBySource.delay(source, now);
    Duration byUuid = token.length() < SAFE_DIGITS ? guessesByUuid.delay(id, now) : Duration.ZERO;
    return bySource.compareTo(byUuid) > 0 ? bySource : byUuid;
  }

  private synchronized void failed(UUID id, Source source, Instant now) {
    if (!knownSites.containsKey(new Site(id, source))) {
      guessesBySource.failed(source, now);
      guessesByUuid.failed(id, now);
    }
  }

  /** The first source that uses a step has it; a replay elsewhere is no guess, and not counted. */
  private synchronized boolean ownsStep(Step step, Source source) {
    Source owner = stepOwners.putIfAbsent(step, source);
    if (owner != null && !owner.equals(source)) {
      return false;
    }
    knownSites.put(new Site(step.id(), source), true);
    return true;
  }

  /** Does the same work whether or not there is such an entry, and whichever step it is. */
  private static OptionalLong matchingStep(Optional<Entry> entry, String token, Instant now) {
    List<Totp> totps = entry.map(e -> e.totpsAt(now)).orElse(List.of(NOBODY));
    int length = Math.max(Totp.MIN_DIGITS, Math.min(Totp.MAX_DIGITS, token.length()));
    byte[] given = token.getBytes(StandardCharsets.UTF_8);
    OptionalLong match = OptionalLong.empty();
    for (Totp totp : totps) {
      long current = totp.stepAt(now.getEpochSecond());
      for (long step = current - 1; step <= current + 1; step++) {
        byte[] right = totp.token(step, length).getBytes(StandardCharsets.UTF_8);
        if (MessageDigest.isEqual(given, right) && token.length() >= totp.digits()) {
          match = OptionalLong.of(step);
        }
      }
    }
    return match;
  }
}
