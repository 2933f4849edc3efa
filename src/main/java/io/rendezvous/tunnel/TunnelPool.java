package io.rendezvous.tunnel;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Source;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one hidden server: its parked tunnels, the clients that wait for one, its pairs,
 * and whether it answers when it is asked to prove that it lives.
 *
 * <p>Guarded by the lock of {@link TunnelRegistry}, as all in it. Nothing is closed or called from here:
 * what is returned is dealt with when the lock is free again.
 */
final class TunnelPool {
  /** Among tunnels about as fresh as the freshest, one of the client's own thread is preferred. */
  private static final long ABOUT_AS_FRESH = Duration.ofSeconds(5).toNanos();

  /** A tunnel that was heard within this time belongs to a hidden server that lives. */
  private static final Duration A_MOMENT_AGO = Duration.ofSeconds(1);

  /** How long the last tunnel of an ID outlives its age while no other comes. */
  private static final long LAST_ONE_GRACE = Duration.ofMinutes(1).toNanos();

  /** How many tunnels all hidden servers have parked. */
  static final class Total {
    int parked;
  }

  private final UUID id;
  private final TunnelRegistry.Limits limits;
  private final Total total;
  private final Deque<Tunnel> parked = new ArrayDeque<>(1); // the freshest last
  private final Deque<TunnelRegistry.Waiter> waiting = new ArrayDeque<>(1); // the first come first
  private final Set<Tunnel> paired = new HashSet<>();
  private final ProbeHistory answering = new ProbeHistory();
  private long lastSeen;

  /**
   * Creates that of a hidden server that was never seen.
   *
   * @param total counts its parked tunnels too
   */
  TunnelPool(UUID id, TunnelRegistry.Limits limits, Total total) {
    this.id = id;
    this.limits = limits;
    this.total = total;
  }

  UUID id() {
    return id;
  }

  void seen(long now) {
    lastSeen = now;
  }

  Presence.Counts counts() {
    return new Presence.Counts(parked.size(), paired.size(), waiting.size(), false);
  }

  boolean isConnected(long now) {
    return !parked.isEmpty() || !paired.isEmpty() || now - lastSeen <= limits.patience().toNanos();
  }

  /** Returns whether there is nothing to be known any more. */
  boolean isForgettable(long now) {
    return waiting.isEmpty() && !isConnected(now);
  }

  boolean hasParked() {
    return !parked.isEmpty();
  }

  Iterable<Tunnel> parked() {
    return parked;
  }

  boolean isParked(Tunnel tunnel) {
    return parked.contains(tunnel);
  }

  boolean isPaired(Tunnel tunnel) {
    return paired.contains(tunnel);
  }

  Iterable<Tunnel> paired() {
    return paired;
  }

  Iterable<TunnelRegistry.Waiter> waiting() {
    return waiting;
  }

  // Parking.

  /** Parks a tunnel. Returns the one that gives way, if there are enough. */
  @Nullable Tunnel park(Tunnel tunnel) {
    Tunnel replaced = parked.size() < limits.perId() ? null : makeRoom(tunnel.conn().source());
    parked.addLast(tunnel);
    total.parked++;
    return replaced;
  }

  /** Removes the oldest of the same source, else the oldest. */
  private Tunnel makeRoom(Source source) {
    Tunnel oldest =
        parked.stream()
            .filter(tunnel -> tunnel.conn().source().equals(source))
            .findFirst()
            .orElseGet(parked::getFirst);
    removeParked(oldest);
    return oldest;
  }

  /** Returns whether it was parked; now it is not. */
  boolean removeParked(Tunnel tunnel) {
    if (!parked.remove(tunnel)) {
      return false;
    }
    total.parked--;
    return true;
  }

  /** Removes all that are parked. */
  List<Tunnel> clearParked() {
    List<Tunnel> all = List.copyOf(parked);
    parked.clear();
    total.parked -= all.size();
    return all;
  }

  /** Removes those that are too old. */
  List<Tunnel> retire(long now) {
    List<Tunnel> retired = new ArrayList<>();
    for (Iterator<Tunnel> oldestFirst = parked.iterator(); oldestFirst.hasNext(); ) {
      Tunnel tunnel = oldestFirst.next();
      long tooOldFor = now - tunnel.retireAt();
      if (tooOldFor < 0) {
        break;
      }
      boolean dispensable = hasOther(tunnel) || tooOldFor >= LAST_ONE_GRACE;
      if (dispensable && tunnel.question() == null) {
        oldestFirst.remove();
        retired.add(tunnel);
      }
    }
    total.parked -= retired.size();
    return retired;
  }

  /** Whether one that is being asked will be there is not known. */
  private boolean hasOther(Tunnel tunnel) {
    return parked.stream().anyMatch(other -> other != tunnel && other.question() == null);
  }

  // The match.

  /** Takes the freshest of those tunnels, if there is one. */
  @Nullable Tunnel takeFreshest(Predicate<Tunnel> which, Conn client, long now) {
    Tunnel tunnel = freshest(which, client);
    return tunnel == null ? null : take(tunnel, now);
  }

  /**
   * Takes the freshest tunnel that may be handed out without a question, if there is one. Rather
   * one that is not tested, so that the test comes to its end.
   */
  @Nullable Tunnel takeSure(Conn client, long now) {
    Tunnel untested = takeFreshest(t -> isSure(t, now) && !t.isTested(), client, now);
    return untested != null ? untested : takeFreshest(t -> isSure(t, now), client, now);
  }

  private @Nullable Tunnel freshest(Predicate<Tunnel> which, Conn client) {
    Tunnel freshest = null;
    for (Iterator<Tunnel> freshestFirst = parked.descendingIterator(); freshestFirst.hasNext(); ) {
      Tunnel tunnel = freshestFirst.next();
      if (freshest != null && freshest.parkedAt() - tunnel.parkedAt() > ABOUT_AS_FRESH) {
        break;
      }
      if (which.test(tunnel)) {
        if (tunnel.conn().sharesThread(client)) {
          return tunnel;
        }
        freshest = freshest == null ? tunnel : freshest;
      }
    }
    return freshest;
  }

  private Tunnel take(Tunnel tunnel, long now) {
    removeParked(tunnel);
    paired.add(tunnel);
    lastSeen = now;
    if (tunnel.isTested()) {
      answering.cutShort(now);
    }
    tunnel.unask();
    return tunnel;
  }

  /** Has a client wait, unless too many do. */
  boolean await(TunnelRegistry.Waiter waiter) {
    if (waiting.size() >= limits.waitingPerId() + parked.size()) {
      return false;
    }
    waiting.addLast(waiter);
    return true;
  }

  /** Returns whether the client did wait; now it does no more. */
  boolean forget(TunnelRegistry.Waiter waiter) {
    return waiting.remove(waiter);
  }

  /** Forgets all who wait. */
  void clearWaiting() {
    waiting.clear();
  }

  /**
   * Gives a tunnel that is about to be parked to the client that has waited longest, if one has.
   */
  TunnelRegistry.@Nullable Waiter giveUnparked(Tunnel unparked) {
    TunnelRegistry.Waiter waiter = waiting.poll();
    if (waiter != null) {
      paired.add(unparked);
    }
    return waiter;
  }

  /** Gives a parked tunnel to the client that has waited longest, if one has. */
  TunnelRegistry.@Nullable Waiter giveParked(Tunnel tunnel, long now) {
    TunnelRegistry.Waiter waiter = waiting.poll();
    if (waiter != null) {
      take(tunnel, now);
    }
    return waiter;
  }

  /** Takes what surely lives, or need not be asked any more, for those who wait for that. */
  Map<TunnelRegistry.Waiter, Tunnel> serveWaiting(long now) {
    Map<TunnelRegistry.Waiter, Tunnel> served = new LinkedHashMap<>();
    for (Tunnel tunnel : List.copyOf(parked)) {
      if (isSure(tunnel, now) && !waiting.isEmpty()) {
        served.put(waiting.remove(), take(tunnel, now));
      }
    }
    return served;
  }

  /** Returns whether the tunnel was paired; now it is not. */
  boolean unpair(Tunnel tunnel) {
    return paired.remove(tunnel);
  }

  // Proof of life.

  /** Returns whether a tunnel may be handed out without a question. */
  private boolean isSure(Tunnel tunnel, long now) {
    return limits.probe().isZero()
        || !answering.isExpected()
        || !tunnel.canBeAsked()
        || tunnel.wasHeard(now, limits.probe());
  }

  /**
   * Tests whether the hidden server answers, where that is not known.
   *
   * @param tunnel has just been parked
   */
  @Nullable LivenessProbe test(Tunnel tunnel, long now) {
    boolean isDue =
        answering.isDoubted()
            && !limits.probe().isZero()
            && parked.stream().noneMatch(Tunnel::isTested);
    boolean possible = tunnel.canBeAsked() && tunnel.wasHeard(now, A_MOMENT_AGO);
    return isDue && possible ? tunnel.ask(true) : null;
  }

  /** Asks one for the client that waits, unless enough are asked already. */
  @Nullable LivenessProbe askOne(Conn client) {
    long open = parked.stream().filter(tunnel -> tunnel.question() != null).count();
    if (open >= waiting.size()) {
      return null;
    }
    Tunnel next = freshest(tunnel -> tunnel.question() == null, client);
    return next == null ? null : next.ask(false);
  }

  /** Asks all that were not heard lately. */
  private List<LivenessProbe> askAll(long now) {
    List<LivenessProbe> questions = new ArrayList<>();
    for (Tunnel tunnel : parked) {
      if (tunnel.question() == null && !isSure(tunnel, now)) {
        questions.add(tunnel.ask(false));
      }
    }
    return questions;
  }

  /** A parked tunnel's hidden server has proven that it lives. */
  void answered(Tunnel tunnel, long now) {
    tunnel.heard(now);
    answering.learn();
  }

  /** A parked tunnel's hidden server lives, and has not answered a test. */
  void deferred(Tunnel tunnel, long now) {
    tunnel.unask();
    answering.failed(now);
  }

  /**
   * A parked tunnel has ended by itself, or was given up, and was removed. Where it was asked
   * whether it lives, all the others are asked now, since what became of it is likely to have
   * become of them.
   *
   * @param open the question that it was asked
   * @return the questions to the others
   */
  List<LivenessProbe> ended(@Nullable LivenessProbe open, long now) {
    lastSeen = now;
    if (open != null && open.isTest()) {
      answering.failed(now);
    } else if (open != null) {
      answering.doubt();
    }
    return open == null ? List.of() : askAll(now);
  }

  /** Forgets from time to time that it does not answer. */
  void sweep(long now) {
    answering.sweep(now);
  }
}
