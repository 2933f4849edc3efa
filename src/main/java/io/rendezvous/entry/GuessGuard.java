package io.rendezvous.entry;

import io.rendezvous.net.Source;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/**
 * Decides whether a secret that a source presents for a UUID is compared now, later or not at all
 * (protocol.md, 1.4). {@link GuessLimits} bound the guesses of strangers. A source that has once
 * presented the right secret only has to keep a {@link GuessPace} after a failure, so that nobody
 * can lock it out by guessing.
 *
 * <p>Not thread-safe; the owner guards it. Time is a parameter.
 */
final class GuessGuard {
  private static final Duration BUSY = Duration.ofSeconds(1);

  /** What happens to a secret. */
  sealed interface Turn {
    /** It is compared now. */
    record Now() implements Turn {}

    /**
     * It is compared later, because another one of the same source was wrong a moment ago. It holds
     * a turn, which it takes or has to give back.
     */
    record Later(Duration delay) implements Turn {}

    /**
     * It is not compared, because there were too many failures.
     *
     * @param delay the time after which a secret is compared again
     */
    record Never(Duration delay) implements Turn {}
  }

  private final GuessLimits limits;
  private final GuessPace pace = new GuessPace();
  private final KnownSources known;

  /**
   * Creates a guard that has seen no failures.
   *
   * @param known the sources that have presented the right secret; nothing else uses it
   */
  GuessGuard(KnownSources known, int perSource, int perUuid) {
    this.known = known;
    this.limits = new GuessLimits(perSource, perUuid);
  }

  /** Changes the budgets, as {@link GuessLimits#setBudgets} does. */
  void setBudgets(int perSource, int perUuid) {
    limits.setBudgets(perSource, perUuid);
  }

  /** Returns how long a stranger still has to wait, zero for all others. */
  Duration strangersDelay(UUID id, Source source, int digits, Instant now) {
    return known.contains(id, source) ? Duration.ZERO : limits.delay(id, source, digits, now);
  }

  /**
   * Returns the turn of a secret. Of secrets that arrive together, those after a wrong one find it
   * counted if the owner compares one at a time.
   *
   * @param digits the length of the secret
   * @param wasLater whether an earlier answer for it was {@link Turn.Later}; its turn is taken
   */
  Turn turn(UUID id, Source source, int digits, boolean wasLater, Instant now) {
    if (wasLater) { // now, not before the store was asked: no other secret may slip in
      pace.give(id, source);
    }
    if (!known.contains(id, source)) {
      Duration delay = limits.delay(id, source, digits, now);
      return delay.isZero() ? new Turn.Now() : new Turn.Never(delay);
    }
    Duration delay = wasLater ? Duration.ZERO : pace.delay(id, source, now);
    if (delay.isZero()) {
      return new Turn.Now();
    }
    return pace.take(id, source) ? new Turn.Later(delay) : new Turn.Never(BUSY);
  }

  /** Gives back the turn of a secret that is not compared after all. */
  void giveTurn(UUID id, Source source) {
    pace.give(id, source);
  }

  /**
   * Counts a wrong secret.
   *
   * @param isEntry whether there is an entry with the UUID
   */
  void failed(UUID id, Source source, boolean isEntry, Instant now) {
    if (known.contains(id, source)) {
      pace.failed(id, source, now);
    } else {
      limits.failed(id, source, isEntry, now);
    }
  }

  /** Remembers a source that has presented the right secret. */
  void succeeded(UUID id, Source source) {
    known.add(id, source);
  }
}
