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
 * Authenticates hidden servers by their tokens (protocol.md, 1.4). An overheard token is of no use
 * to another source. A {@link GuessGuard} bounds the guesses of strangers, and lets no guesser keep
 * a hidden server out.
 *
 * <p>Any thread may call, except I/O threads, since the store is asked.
 */
public final class Authenticator {
  private static final Logger LOG = LoggerFactory.getLogger(Authenticator.class);
  private static final int MAX_REMEMBERED = 200_000;

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

    /**
     * The token was not checked yet, because another one of the same source was wrong a moment ago.
     * The caller has to pass it to {@link #checkDeferred}.
     *
     * @param delay the time after which to do so
     */
    record Deferred(Duration delay) implements Verdict {}

    /** The token was not checked, because the store could not be reached. */
    record Unavailable() implements Verdict {}
  }

  private record Step(UUID id, long number) {}

  private final EntryStore store;
  private final InstantSource clock;
  private final StoreWarning unavailable;

  // Guarded by this.
  private final GuessGuard guard;
  private final Map<Step, Source> stepOwners = LruMap.byUse(MAX_REMEMBERED);

  /**
   * Creates an authenticator.
   *
   * @param known the sources from which UUIDs have authenticated; nothing else uses it
   * @param perSource wrong tokens of a source for one UUID within a minute, after which it has to
   *     wait
   * @param perUuid wrong tokens for a UUID within a day, after which short tokens of unknown
   *     sources have to wait
   */
  public Authenticator(
      EntryStore store, InstantSource clock, KnownSources known, int perSource, int perUuid) {
    this.store = store;
    this.clock = clock;
    this.unavailable = new StoreWarning(LOG, "Tokens cannot be checked", clock);
    this.guard = new GuessGuard(known, perSource, perUuid);
  }

  /** Changes the budgets for wrong tokens; the parameters are those of the constructor. */
  public synchronized void setBudgets(int perSource, int perUuid) {
    guard.setBudgets(perSource, perUuid);
  }

  /** Checks the token that a source has sent for a UUID. */
  public Verdict check(UUID id, String token, Source source) {
    Optional<Verdict> denied = denied(id, token, source);
    if (denied.isPresent()) { // the store is not asked
      return denied.get();
    }
    return check(id, token, source, false);
  }

  /** Checks a token whose verdict was {@link Verdict.Deferred}, once its delay is over. */
  public Verdict checkDeferred(UUID id, String token, Source source) {
    return check(id, token, source, true);
  }

  private Verdict check(UUID id, String token, Source source, boolean wasDeferred) {
    Optional<Entry> entry;
    boolean isFound = false;
    try {
      entry = store.find(id);
      isFound = true;
    } catch (IOException e) {
      unavailable.log(e);
      return new Verdict.Unavailable();
    } finally {
      if (wasDeferred && !isFound) { // a turn that is not given back would keep the source out
        giveTurn(id, source);
      }
    }
    return judge(id, entry, token, source, wasDeferred);
  }

  private synchronized void giveTurn(UUID id, Source source) {
    guard.giveTurn(id, source);
  }

  private synchronized Optional<Verdict> denied(UUID id, String token, Source source) {
    Duration delay = guard.strangersDelay(id, source, token.length(), clock.instant());
    return delay.isZero() ? Optional.empty() : Optional.of(new Verdict.Throttled(delay));
  }

  /**
   * Judges a token. One at a time: of tokens that arrive together, those after a wrong one find it
   * counted.
   */
  private synchronized Verdict judge(
      UUID id, Optional<Entry> entry, String token, Source source, boolean wasDeferred) {
    Instant now = clock.instant();
    GuessGuard.Turn turn = guard.turn(id, source, token.length(), wasDeferred, now);
    if (turn instanceof GuessGuard.Turn.Never never) {
      return new Verdict.Throttled(never.delay());
    } else if (turn instanceof GuessGuard.Turn.Later later) {
      return new Verdict.Deferred(later.delay());
    }
    OptionalLong step = matchingStep(entry, token, now);
    if (step.isEmpty() || entry.isEmpty()) {
      guard.failed(id, source, entry.isPresent(), now);
      return new Verdict.Refused();
    }
    return ownsStep(new Step(id, step.getAsLong()), source)
        ? new Verdict.Accepted(entry.get())
        : new Verdict.Refused();
  }

  /**
   * Makes a source the owner of a time step, unless another source was first. A replay of the first
   * source's token is not counted as a failure, since it is not a guess.
   */
  private boolean ownsStep(Step step, Source source) {
    Source owner = stepOwners.putIfAbsent(step, source);
    if (owner != null && !owner.equals(source)) {
      return false;
    }
    guard.succeeded(step.id(), source);
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
