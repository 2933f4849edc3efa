package io.rendezvous.tunnel;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Everything that one hidden server has: its parked tunnels, the clients that wait for one, its
 * paired tunnels, and whether it answers liveness probes.
 *
 * <p>Any thread may call. Each method is one step, under the lock of the pool. Nothing is closed or
 * called back here: a method returns what is still to be done, and its caller does it once the lock
 * is free. Every {@code now} is in nanoseconds.
 *
 * <p>A pool that was closed stays empty. If the hidden server comes back, the registry creates
 * another.
 */
final class TunnelPool {
  /** A hidden server that was heard within this time is alive. */
  private static final Duration A_MOMENT = Duration.ofSeconds(1);

  /**
   * What a client gets.
   *
   * @param probe to be sent on the client's behalf
   */
  record Matched(Match match, @Nullable LivenessProbe probe) {}

  /**
   * What follows from the outcome of a probe.
   *
   * @param served clients that are to be given a tunnel
   * @param probes to be sent
   */
  record Followup(Map<Waiter, Tunnel> served, List<LivenessProbe> probes) {
    static final Followup NOTHING = new Followup(Map.of(), List.of());
  }

  /**
   * What follows from a probe that was not answered in time.
   *
   * @param isSilent whether the tunnel was given up, so that it has to be closed
   */
  record Unanswered(boolean isSilent, Followup followup) {}

  /**
   * What follows from the end of a parked tunnel.
   *
   * @param probe that the tunnel did not answer
   */
  record Ended(@Nullable LivenessProbe probe, Followup followup) {}

  /**
   * Everything that a pool held when it was closed.
   *
   * @param relayEnders end the relays of its paired tunnels
   */
  record Contents(List<Tunnel> parked, List<Waiter> waiting, List<Runnable> relayEnders) {}

  private final UUID id;
  private final TunnelRegistry registry;
  private final TotalCounters totals;
  private volatile Presence.Counts counts = Presence.Counts.NONE;

  // Guarded by this.
  private final ParkedTunnels parked = new ParkedTunnels();
  private final Deque<Waiter> waiting = new ArrayDeque<>(1); // first come, first served
  private final Set<Tunnel> paired = new HashSet<>();
  private final ProbeHistory probeHistory = new ProbeHistory();
  private long lastSeen;
  private boolean closed;

  /**
   * Creates the pool of a hidden server that was never seen.
   *
   * @param totals count this pool's tunnels and clients too
   * @param now in nanoseconds
   */
  TunnelPool(UUID id, TunnelRegistry registry, TotalCounters totals, long now) {
    this.id = id;
    this.registry = registry;
    this.totals = totals;
    this.lastSeen = now - registry.limits().patience().toNanos() - 1; // so that it is not connected
  }

  UUID id() {
    return id;
  }

  /** Returns what the pool has, without waiting for its lock. */
  Presence.Counts counts() {
    return counts;
  }

  /** Brings the counts up to date. Called whenever something has changed. */
  private void count() {
    Presence.Counts before = counts;
    Presence.Counts now = Presence.Counts.of(parked.size(), paired.size(), waiting.size());
    if (!now.equals(before)) {
      counts = now;
      totals.change(before, now);
    }
  }

  synchronized boolean isConnected(long now) {
    return !closed
        && (!parked.isEmpty()
            || !paired.isEmpty()
            || now - lastSeen <= registry.limits().patience().toNanos());
  }

  /** Returns the parked tunnels, the oldest first. */
  synchronized List<Tunnel> parked() {
    return parked.list();
  }

  // Parking.

  /** Records that a tunnel will be parked soon. Returns false if the pool was closed. */
  synchronized boolean announce(long now) {
    lastSeen = now;
    return !closed;
  }

  /**
   * Gives a tunnel to the client that has waited longest, or else parks it.
   *
   * @param knownAt when the tunnel's entry was looked up, or before
   */
  synchronized Placement place(Tunnel tunnel, long knownAt, long now) {
    if (closed) {
      return new Placement.Closed();
    }
    paired.remove(tunnel); // if it is put back
    Tunnel.End refusal = registry.refusal(id, knownAt);
    Placement placement =
        refusal == null ? placeAllowed(tunnel, now) : new Placement.Refused(refusal);
    count();
    return placement;
  }

  private Placement placeAllowed(Tunnel tunnel, long now) {
    lastSeen = now;
    Waiter waiter = waiting.poll();
    if (waiter != null) {
      paired.add(tunnel);
      return new Placement.Given(waiter);
    }
    boolean isFull = parked.size() >= registry.limits().perId();
    Tunnel replaced = isFull ? parked.removeOldest(tunnel.connection().source()) : null;
    parked.add(tunnel);
    return new Placement.Parked(replaced, test(tunnel, now));
  }

  /** Removes the tunnels that have reached their maximum age, and lets time pass for the rest. */
  synchronized List<Tunnel> retire(long now) {
    probeHistory.sweep(now);
    List<Tunnel> retired = parked.retire(now);
    if (!retired.isEmpty()) {
      lastSeen = now;
      count();
    }
    return retired;
  }

  // The match.

  /**
   * Takes a tunnel for a client, or makes the client wait.
   *
   * @param eventLoop the client's: see {@link Connection#eventLoop}
   * @param waiter is called later, if the client has to wait
   */
  synchronized Matched match(Object eventLoop, Waiter waiter, long now) {
    if (registry.isDraining()) {
      return new Matched(new Match.Draining(), null);
    }
    if (!isConnected(now)) {
      return new Matched(new Match.Absent(), null);
    }
    Tunnel sure = takeSure(eventLoop, now);
    if (sure != null) {
      return new Matched(new Match.Taken(sure), null);
    }
    if (waiting.size() >= registry.limits().waitingPerId() + parked.size()) {
      return new Matched(new Match.Crowded(), null);
    }
    waiting.addLast(waiter);
    count();
    LivenessProbe probe = probeForWaiting(eventLoop, now);
    return new Matched(new Match.Waiting(!parked.isEmpty()), probe);
  }

  /** Takes the freshest of those tunnels, if there is one. */
  synchronized @Nullable Tunnel takeFreshest(Predicate<Tunnel> which, Object eventLoop, long now) {
    Tunnel tunnel = parked.freshest(which, eventLoop);
    return tunnel == null ? null : take(tunnel, now);
  }

  /**
   * Takes the freshest tunnel that can be handed out without a probe, if there is one. A tunnel
   * that is not being tested is preferred, so that the test comes to its end.
   */
  private @Nullable Tunnel takeSure(Object eventLoop, long now) {
    Tunnel untested = takeFreshest(t -> isSure(t, now) && !t.isTested(), eventLoop, now);
    return untested != null ? untested : takeFreshest(t -> isSure(t, now), eventLoop, now);
  }

  private Tunnel take(Tunnel tunnel, long now) {
    parked.remove(tunnel);
    paired.add(tunnel);
    count();
    lastSeen = now;
    if (tunnel.isTested()) {
      probeHistory.testCutShort(now);
    }
    tunnel.forgetProbe();
    return tunnel;
  }

  /** Removes a client that waits. Returns whether it was waiting. */
  synchronized boolean stopWaiting(Waiter waiter) {
    boolean waited = waiting.remove(waiter);
    count();
    return waited;
  }

  /** Sets what ends the relay of a taken tunnel. Returns false if the pool does not have it. */
  synchronized boolean paired(Tunnel tunnel, Runnable relayEnder) {
    tunnel.setRelayEnder(relayEnder);
    return paired.contains(tunnel);
  }

  /** Removes a tunnel that a client had. */
  synchronized void over(Tunnel tunnel, long now) {
    if (paired.remove(tunnel)) {
      lastSeen = now;
      count();
    }
  }

  // Liveness probes.

  /** Returns whether a tunnel can be handed out without a probe. */
  private boolean isSure(Tunnel tunnel, long now) {
    return registry.limits().probe().isZero()
        || !probeHistory.isExpectedToAnswer()
        || !tunnel.canBeProbed()
        || tunnel.wasHeard(now, registry.limits().probe());
  }

  /**
   * Returns a test of whether the hidden server answers probes, if that is not known.
   *
   * @param tunnel was just parked
   */
  private @Nullable LivenessProbe test(Tunnel tunnel, long now) {
    boolean isDue =
        probeHistory.isTestDue() && !registry.limits().probe().isZero() && !parked.hasTested();
    boolean isPossible = tunnel.canBeProbed() && tunnel.wasHeard(now, A_MOMENT);
    return isDue && isPossible ? probe(tunnel, true, now) : null;
  }

  /**
   * Returns a probe of one more tunnel, unless one is being probed for each client that waits.
   *
   * @param eventLoop the client's, if it is known
   */
  private @Nullable LivenessProbe probeForWaiting(@Nullable Object eventLoop, long now) {
    if (parked.probed() >= waiting.size()) {
      return null;
    }
    Tunnel next = parked.freshest(tunnel -> tunnel.probe() == null, eventLoop);
    return next == null ? null : probe(next, false, now);
  }

  private LivenessProbe probe(Tunnel tunnel, boolean isTest, long now) {
    return tunnel.setProbe(new LivenessProbe(tunnel, registry, isTest, now));
  }

  /** Returns whether the outcome of a probe still matters: its tunnel is parked. */
  synchronized boolean isOpen(LivenessProbe probe) {
    Tunnel tunnel = probe.tunnel();
    return tunnel.probe() == probe && parked.contains(tunnel);
  }

  /**
   * Records that a hidden server has answered, and gives its tunnel to the client that has waited
   * longest, if one waits.
   *
   * @return null if the outcome no longer matters
   */
  synchronized @Nullable Followup answered(LivenessProbe probe, long now) {
    if (!isOpen(probe)) {
      return null;
    }
    Tunnel tunnel = probe.tunnel();
    tunnel.heard(now);
    probeHistory.answered();
    Waiter waiter = waiting.poll();
    return waiter == null
        ? Followup.NOTHING
        : new Followup(Map.of(waiter, take(tunnel, now)), List.of());
  }

  /**
   * Records that no answer came in time. The tunnel is removed, unless its hidden server is known
   * to be alive, or not to answer.
   *
   * @return null if the outcome no longer matters
   */
  synchronized @Nullable Unanswered unanswered(LivenessProbe probe, long now) {
    if (!isOpen(probe)) {
      return null;
    }
    Tunnel tunnel = probe.tunnel();
    if (!probe.isTest() && probeHistory.isExpectedToAnswer()) {
      parked.remove(tunnel);
      return new Unanswered(true, afterEnd(probe, now));
    }
    tunnel.forgetProbe();
    if (probe.isTest()) {
      probeHistory.testFailed(now);
    }
    Map<Waiter, Tunnel> served = serveWaiting(now);
    List<LivenessProbe> probes = new ArrayList<>(0);
    for (LivenessProbe next; (next = probeForWaiting(null, now)) != null; ) {
      probes.add(next);
    }
    return new Unanswered(false, new Followup(served, probes));
  }

  /**
   * Removes a parked tunnel that has ended by itself.
   *
   * @return null if it was not parked
   */
  synchronized @Nullable Ended ended(Tunnel tunnel, long now) {
    if (!parked.remove(tunnel)) {
      return null;
    }
    LivenessProbe probe = tunnel.probe();
    return new Ended(probe, afterEnd(probe, now));
  }

  /**
   * Returns what follows from the end of a tunnel. If it was being probed, all others are probed
   * now: what became of it has probably become of them.
   */
  private Followup afterEnd(@Nullable LivenessProbe unanswered, long now) {
    lastSeen = now;
    count();
    if (unanswered == null) {
      return Followup.NOTHING;
    }
    if (unanswered.isTest()) {
      probeHistory.testFailed(now);
    } else {
      probeHistory.probeFailed();
    }
    Map<Waiter, Tunnel> served = serveWaiting(now);
    List<LivenessProbe> probes = new ArrayList<>();
    for (Tunnel tunnel : parked.list()) {
      if (tunnel.probe() == null && !isSure(tunnel, now)) {
        probes.add(probe(tunnel, false, now));
      }
    }
    return new Followup(served, probes);
  }

  /** Takes the tunnels that need no probe, or no longer, for the clients that wait. */
  private Map<Waiter, Tunnel> serveWaiting(long now) {
    Map<Waiter, Tunnel> served = new LinkedHashMap<>();
    for (Tunnel tunnel : parked.freshestFirst()) {
      if (!waiting.isEmpty() && isSure(tunnel, now)) {
        served.put(waiting.remove(), take(tunnel, now));
      }
    }
    return served;
  }

  // The end.

  /** Removes all parked tunnels and returns them. */
  synchronized List<Tunnel> clearParked() {
    List<Tunnel> all = parked.removeAll();
    count();
    return all;
  }

  /** Removes all clients that wait and returns them. */
  synchronized List<Waiter> clearWaiting() {
    List<Waiter> all = List.copyOf(waiting);
    waiting.clear();
    count();
    return all;
  }

  /** Closes the pool if it holds nothing worth keeping. Returns whether it is closed now. */
  synchronized boolean closeIfUnused(long now) {
    if (!closed && waiting.isEmpty() && !isConnected(now)) {
      close();
    }
    return closed;
  }

  /** Closes the pool for good, and returns what it held. */
  synchronized Contents close() {
    List<Runnable> relayEnders = new ArrayList<>();
    for (Tunnel tunnel : paired) {
      Runnable ender = tunnel.relayEnder();
      if (ender != null) {
        relayEnders.add(ender);
      }
    }
    Contents contents = new Contents(clearParked(), clearWaiting(), relayEnders);
    paired.clear();
    closed = true;
    count();
    return contents;
  }
}
