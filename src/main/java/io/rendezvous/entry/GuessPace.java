package io.rendezvous.entry;

import io.rendezvous.net.Source;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * The pace at which the tokens of a known source are checked after a failure (protocol.md, 1.4):
 * the next one 200 ms later at the earliest, and one at a time. So nobody who shares the address of
 * a hidden server can guess at the speed of the line, and nobody can keep the hidden server out.
 *
 * <p>Not thread-safe; the owner guards it. Time is a parameter.
 */
final class GuessPace {
  static final Duration PAUSE = Duration.ofMillis(200);
  private static final int MAX_REMEMBERED = 100_000;

  private record Pair(Source source, UUID id) {}

  private static final class Turn {
    Instant next;
    boolean taken; // a token waits for it

    Turn(Instant next) {
      this.next = next;
    }
  }

  private final Map<Pair, Turn> turns = LruMap.byUse(MAX_REMEMBERED);

  /** Records a wrong token. */
  void failed(UUID id, Source source, Instant now) {
    Turn turn = turns.computeIfAbsent(new Pair(source, id), pair -> new Turn(now));
    turn.next = now.plus(PAUSE);
  }

  /** Returns how long the next token has to wait, or zero if it is checked now. */
  Duration delay(UUID id, Source source, Instant now) {
    Turn turn = turns.get(new Pair(source, id));
    if (turn == null || !turn.taken && !now.isBefore(turn.next)) {
      return Duration.ZERO;
    }
    Duration left = Duration.between(now, turn.next);
    // The clock may have been set back, and a token that waits may be late.
    return Collections.max(List.of(Duration.ofMillis(1), Collections.min(List.of(left, PAUSE))));
  }

  /** Takes the next turn for a token that will wait. Returns false if another one waits already. */
  boolean take(UUID id, Source source) {
    Turn turn = turns.get(new Pair(source, id));
    if (turn == null || turn.taken) {
      return false;
    }
    turn.taken = true;
    return true;
  }

  /** Gives the turn back, because the token that waited is checked now. */
  void give(UUID id, Source source) {
    Turn turn = turns.get(new Pair(source, id));
    if (turn != null) {
      turn.taken = false;
    }
  }
}
