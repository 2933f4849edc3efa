package io.rendezvous.agent;

import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Counts the tunnels of one agent and decides when to open another. Tunnels are known by their
 * numbers; the pool itself opens and closes nothing.
 *
 * <pre>
 *            open          parked          taken          ended
 *   (none) ───────► opening ───────► parked ───────► active ───────► (none)
 *                      │                │
 *                      │ failed         ├─ lost: replaced with the next retry
 *                      ▼                └─ closedUnused: replaced at once, or after a rest
 *               next retry
 * </pre>
 *
 * <p>The first tunnels are opened one at a time until one is parked, so that a wrong secret counts
 * as one guess with the broker, not as many. After a failure nothing is opened until the next
 * retry, and then one at a time again. A tunnel that was given up by {@link #renew} does not count
 * any more, whatever happens to it.
 *
 * <p>Any thread may call. Each method is atomic.
 */
final class AgentPool {
  /** Numbers of tunnels by their state. */
  record Counts(int parked, int wanted, int active) {}

  private final int minWanted;
  private final int maxWanted;
  private final Backoff backoff;

  // Guarded by this.
  private final Set<Integer> opening = new HashSet<>();
  private final Set<Integer> parked = new HashSet<>();
  private int wanted;
  private int minParked; // since wanted was last adapted
  private int active;
  private int resting; // closed unused, and not to be replaced yet
  private int lost; // not to be replaced before the next retry
  private int lastNumber;
  private boolean proven; // one was parked, so the secret is right
  private boolean failing; // one at a time
  private boolean waiting; // none before the next retry
  private boolean retrying; // a retry is scheduled
  private boolean closed;

  /**
   * Creates an empty pool.
   *
   * @param minWanted how many tunnels are to be parked at first
   * @param maxWanted how many at most, while clients take them faster than new ones are parked
   * @param backoff is used under the pool's lock only
   */
  AgentPool(int minWanted, int maxWanted, Backoff backoff) {
    this.minWanted = minWanted;
    this.maxWanted = maxWanted;
    this.backoff = backoff;
    this.wanted = minWanted;
  }

  /** Returns the number of a tunnel to be opened now, or empty if none is to be opened. */
  synchronized OptionalInt open() {
    boolean missing = opening.size() + parked.size() + resting + lost < wanted;
    boolean heldBack = waiting || (failing || !proven) && !opening.isEmpty();
    if (closed || !missing || heldBack) {
      return OptionalInt.empty();
    }
    lastNumber++;
    opening.add(lastNumber);
    return OptionalInt.of(lastNumber);
  }

  /** Records that a tunnel was parked. Returns whether it counts. */
  synchronized boolean parked(int number) {
    if (!opening.remove(number)) {
      return false;
    }
    parked.add(number);
    proven = true;
    failing = false;
    return true;
  }

  /** Records that a client has taken a tunnel. More are wanted if it was the last one. */
  synchronized void taken(int number) {
    boolean counted = unpark(number);
    active++;
    backoff.reset();
    if (counted && parked.isEmpty()) {
      wanted = Math.min(maxWanted, wanted + Math.max(1, wanted / 2));
    }
  }

  /** Records that a tunnel which a client had taken has ended. */
  synchronized void ended() {
    active--;
  }

  /** Removes a parked tunnel. Returns whether it counted. */
  synchronized boolean unpark(int number) {
    boolean counted = parked.remove(number);
    minParked = Math.min(minParked, parked.size());
    return counted;
  }

  /**
   * Records that a tunnel could not be parked.
   *
   * @param refused whether the broker was reached, and refused it
   * @return the delay of the retry to be scheduled, if any
   */
  synchronized Optional<Duration> failed(int number, boolean refused) {
    return opening.remove(number) ? retry(refused, true) : Optional.empty();
  }

  /**
   * Records that a parked tunnel broke. As long as others are parked, only this one is replaced
   * later; if none is left, the broker is probably gone.
   *
   * @return the delay of the retry to be scheduled, if any
   */
  synchronized Optional<Duration> lost(int number) {
    if (!unpark(number)) {
      return Optional.empty();
    }
    lost++;
    return retry(false, parked.isEmpty());
  }

  /**
   * Records that the broker closed a parked tunnel in an orderly way.
   *
   * @param rest whether it is not replaced before {@link #endRest}
   * @return whether it counted
   */
  synchronized boolean closedUnused(int number, boolean rest) {
    if (!unpark(number)) {
      return false;
    }
    if (rest) {
      resting++;
    } else {
      backoff.reset();
    }
    return true;
  }

  /** Ends the rest of one tunnel, which may be replaced now. */
  synchronized void endRest() {
    resting = Math.max(0, resting - 1);
  }

  /**
   * Ends all rests if no tunnel is parked: the broker did not close single tunnels that it has no
   * use for, it closed all of them.
   *
   * @return the delay of the retry to be scheduled, if any
   */
  synchronized Optional<Duration> endRestsIfNoneIsParked() {
    if (!parked.isEmpty() || resting == 0 || closed) {
      return Optional.empty();
    }
    resting = 0;
    return retry(false, true);
  }

  private Optional<Duration> retry(boolean refused, boolean holdBack) {
    failing |= holdBack;
    waiting |= holdBack;
    if (closed || retrying) {
      return Optional.empty();
    }
    retrying = true;
    return Optional.of(backoff.next(refused));
  }

  /** Begins a retry: what is missing may be opened again. */
  synchronized void beginRetry() {
    retrying = false;
    waiting = false;
    lost = 0;
  }

  /** Lowers the number of wanted tunnels if half of them were not needed since the last call. */
  synchronized void shrink() {
    if (minParked > wanted / 2) {
      wanted = Math.max(minWanted, wanted - Math.max(1, wanted / 4));
    }
    minParked = parked.size();
  }

  /**
   * Gives up all tunnels that are being opened or are parked, and forgets earlier failures.
   *
   * @return whether the pool is still open
   */
  synchronized boolean renew() {
    if (closed) {
      return false;
    }
    opening.clear();
    parked.clear();
    failing = false;
    retrying = false;
    waiting = false;
    resting = 0;
    lost = 0;
    backoff.reset();
    return true;
  }

  /** Returns how many tunnels there are. */
  synchronized Counts counts() {
    return new Counts(parked.size(), wanted, active);
  }

  /** Lets no more tunnels be opened. */
  synchronized void close() {
    closed = true;
  }

  synchronized boolean isClosed() {
    return closed;
  }
}
