package io.rendezvous.tunnel;

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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What one hidden server has: its parked tunnels, the clients that wait for one, its pairs, and
 * whether it answers liveness probes.
 *
 * <p>Any thread may call. Each method is one step, under the lock of the pool. Nothing is closed or
 * called back here: a method returns what is still to be done, and its caller does that once the
 * lock is free. Every {@code now} is in nanoseconds.
 */
final class TunnelPool {
  /** Among tunnels this close to the freshest, one on the client's own I/O thread is preferred. */
  private static final long ABOUT_AS_FRESH = Duration.ofSeconds(5).toNanos();

  /** A hidden server that was heard within this time is alive. */
  private static final Duration A_MOMENT = Duration.ofSeconds(1);

  /** How long the last tunnel of an ID is kept beyond its maximum age if no other comes. */
  private static final long LAST_ONE_GRACE = Duration.ofMinutes(1).toNanos();

  /** What all pools have together. Any thread may read. */
  static final class Totals {
    final AtomicInteger online = new AtomicInteger();
    final AtomicInteger parked = new AtomicInteger();
    final AtomicInteger paired = new AtomicInteger();
    final AtomicInteger waiting = new AtomicInteger();
  }

  /** Where a tunnel went. */
  sealed interface Placement {
    /** The tunnel is to be dismissed. */
    record Refused(Tunnel.End why) implements Placement {}

    /** A client that was waiting is to be given the tunnel. */
    record Given(TunnelRegistry.Waiter waiter) implements Placement {}

    /**
     * The tunnel is parked.
     *
     * @param replaced the tunnel that made room for it, to be dismissed
     * @param test a probe to be sent
     */
    record Parked(@Nullable Tunnel replaced, @Nullable LivenessProbe test) implements Placement {}

    /** The pool was closed, so the tunnel has to go to another. */
    record Closed() implements Placement {}
  }

  /**
   * What a client gets.
   *
   * @param probe to be sent on the client's behalf
   */
  record Matched(TunnelRegistry.Match match, @Nullable LivenessProbe probe) {}

  /**
   * What follows from the end of a parked tunnel.
   *
   * @param probe which the tunnel did not answer
   * @param others probes of other tunnels, to be sent
   * @param served clients that are to be given a tunnel now
   */
  record Ended(
      @Nullable LivenessProbe probe,
      List<LivenessProbe> others,
      Map<TunnelRegistry.Waiter, Tunnel> served) {}

  /** Everything that a pool held when it was closed. */
  record Contents(
      List<Tunnel> parked, List<TunnelRegistry.Waiter> waiting, List<Runnable> endings) {}

  private final UUID id;
  private final TunnelRegistry registry;
  private final TunnelRegistry.Limits limits;
  private final Totals totals;
  private volatile Presence.Counts counts = Presence.Counts.NONE;

  // Guarded by this.
  private final Deque<Tunnel> parked = new ArrayDeque<>(1); // the freshest last
  private final Deque<TunnelRegistry.Waiter> waiting = new ArrayDeque<>(1); // first come, first
  private final Set<Tunnel> paired = new HashSet<>();
  private final ProbeHistory probeHistory = new ProbeHistory();
  private long lastSeen;
  private boolean closed;

  /**
   * Creates the pool of a hidden server that was never seen.
   *
   * @param totals count what is in this pool too
   */
  TunnelPool(UUID id, TunnelRegistry registry, TunnelRegistry.Limits limits, Totals totals) {
    this.id = id;
    this.registry = registry;
    this.limits = limits;
    this.totals = totals;
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
    if (now.equals(before)) {
      return;
    }
    counts = now;
    totals.parked.addAndGet(now.parked() - before.parked());
    totals.paired.addAndGet(now.paired() - before.paired());
    totals.waiting.addAndGet(now.waiting() - before.waiting());
    if (now.isOnline() != before.isOnline()) {
      totals.online.addAndGet(now.isOnline() ? 1 : -1);
    }
  }

  synchronized boolean isConnected(long now) {
    return !closed
        && (!parked.isEmpty()
            || !paired.isEmpty()
            || now - lastSeen <= limits.patience().toNanos());
  }

  synchronized boolean isParked(Tunnel tunnel) {
    return parked.contains(tunnel);
  }

  /** Returns the parked tunnels, the freshest last. */
  synchronized List<Tunnel> parked() {
    return List.copyOf(parked);
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
    count();
    lastSeen = now;
    Tunnel.End refusal = registry.refusal(id, knownAt);
    if (refusal != null) {
      return new Placement.Refused(refusal);
    }
    TunnelRegistry.Waiter waiter = waiting.poll();
    if (waiter != null) {
      paired.add(tunnel);
      count();
      return new Placement.Given(waiter);
    }
    Tunnel replaced = parked.size() < limits.perId() ? null : makeRoom(tunnel);
    parked.addLast(tunnel);
    count();
    return new Placement.Parked(replaced, test(tunnel, now));
  }

  /** Removes the oldest tunnel from the same source, else the oldest. */
  private Tunnel makeRoom(Tunnel newcomer) {
    Source source = newcomer.connection().source();
    Tunnel oldest =
        parked.stream()
            .filter(tunnel -> tunnel.connection().source().equals(source))
            .findFirst()
            .orElseGet(parked::getFirst);
    parked.remove(oldest);
    return oldest;
  }

  /** Removes the tunnels that have reached their maximum age, and lets time pass for the rest. */
  synchronized List<Tunnel> retire(long now) {
    probeHistory.sweep(now);
    List<Tunnel> retired = new ArrayList<>(0);
    for (Iterator<Tunnel> oldestFirst = parked.iterator(); oldestFirst.hasNext(); ) {
      Tunnel tunnel = oldestFirst.next();
      long overdue = now - tunnel.retireAt();
      if (overdue < 0) {
        break;
      }
      boolean dispensable = hasOther(tunnel) || overdue >= LAST_ONE_GRACE;
      if (dispensable && tunnel.probe() == null) {
        oldestFirst.remove();
        retired.add(tunnel);
      }
    }
    count();
    return retired;
  }

  /** Returns whether there is another that can be relied on: one being probed may be dead. */
  private boolean hasOther(Tunnel tunnel) {
    return parked.stream().anyMatch(other -> other != tunnel && other.probe() == null);
  }

  // The match.

  /**
   * Takes a tunnel for a client, or makes the client wait.
   *
   * @param eventLoop the client's: see {@link Connection#eventLoop}
   * @param waiter is told later, if the client has to wait
   */
  synchronized Matched match(Object eventLoop, TunnelRegistry.Waiter waiter, long now) {
    if (registry.isDraining()) {
      return new Matched(new TunnelRegistry.Match.Draining(), null);
    }
    if (!isConnected(now)) {
      return new Matched(new TunnelRegistry.Match.Absent(), null);
    }
    Tunnel sure = takeSure(eventLoop, now);
    if (sure != null) {
      return new Matched(new TunnelRegistry.Match.Taken(sure), null);
    }
    if (waiting.size() >= limits.waitingPerId() + parked.size()) {
      return new Matched(new TunnelRegistry.Match.Crowded(), null);
    }
    waiting.addLast(waiter);
    count();
    LivenessProbe probe = probeOne(eventLoop, now);
    return new Matched(new TunnelRegistry.Match.Waiting(!parked.isEmpty()), probe);
  }

  /** Takes the freshest of those tunnels, if there is one. */
  synchronized @Nullable Tunnel takeFreshest(Predicate<Tunnel> which, Object eventLoop, long now) {
    Tunnel tunnel = freshest(which, eventLoop);
    return tunnel == null ? null : take(tunnel, now);
  }

  /**
   * Takes the freshest tunnel that can be handed out without a probe, if there is one. It prefers
   * one that is not being tested, so that the test comes to its end.
   */
  private @Nullable Tunnel takeSure(Object eventLoop, long now) {
    Tunnel untested = takeFreshest(t -> isSure(t, now) && !t.isTested(), eventLoop, now);
    return untested != null ? untested : takeFreshest(t -> isSure(t, now), eventLoop, now);
  }

  private @Nullable Tunnel freshest(Predicate<Tunnel> which, Object eventLoop) {
    Tunnel freshest = null;
    for (Iterator<Tunnel> freshestFirst = parked.descendingIterator(); freshestFirst.hasNext(); ) {
      Tunnel tunnel = freshestFirst.next();
      if (freshest != null && freshest.parkedAt() - tunnel.parkedAt() > ABOUT_AS_FRESH) {
        break;
      }
      if (which.test(tunnel)) {
        if (tunnel.connection().eventLoop() == eventLoop) {
          return tunnel;
        }
        freshest = freshest == null ? tunnel : freshest;
      }
    }
    return freshest;
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
  synchronized boolean stopWaiting(TunnelRegistry.Waiter waiter) {
    boolean waited = waiting.remove(waiter);
    count();
    return waited;
  }

  /** Gives the tunnels that need no probe, or no longer, to the clients that wait. */
  private Map<TunnelRegistry.Waiter, Tunnel> serveWaiting(long now) {
    Map<TunnelRegistry.Waiter, Tunnel> served = new LinkedHashMap<>();
    for (Tunnel tunnel : parked()) {
      if (isSure(tunnel, now) && !waiting.isEmpty()) {
        served.put(waiting.remove(), take(tunnel, now));
      }
    }
    return served;
  }

  /** Sets what ends the relay of a taken tunnel. Returns false if the pool does not have it. */
  synchronized boolean paired(Tunnel tunnel, Runnable ending) {
    tunnel.ending(ending);
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
    return limits.probe().isZero()
        || !probeHistory.isExpectedToAnswer()
        || !tunnel.canBeProbed()
        || tunnel.wasHeard(now, limits.probe());
  }

  /**
   * Returns a test of whether the hidden server answers probes, where that is not known.
   *
   * @param tunnel was just parked
   */
  private @Nullable LivenessProbe test(Tunnel tunnel, long now) {
    boolean isDue =
        probeHistory.isTestDue()
            && !limits.probe().isZero()
            && parked.stream().noneMatch(Tunnel::isTested);
    boolean possible = tunnel.canBeProbed() && tunnel.wasHeard(now, A_MOMENT);
    return isDue && possible ? probe(tunnel, true, now) : null;
  }

  /** Returns a probe of one tunnel for the client that waits, unless enough are under way. */
  private @Nullable LivenessProbe probeOne(Object eventLoop, long now) {
    long underWay = parked.stream().filter(tunnel -> tunnel.probe() != null).count();
    if (underWay >= waiting.size()) {
      return null;
    }
    Tunnel next = freshest(tunnel -> tunnel.probe() == null, eventLoop);
    return next == null ? null : probe(next, false, now);
  }

  /** Returns probes of all tunnels that were not heard lately. */
  private List<LivenessProbe> probeAll(long now) {
    List<LivenessProbe> all = new ArrayList<>();
    for (Tunnel tunnel : parked) {
      if (tunnel.probe() == null && !isSure(tunnel, now)) {
        all.add(probe(tunnel, false, now));
      }
    }
    return all;
  }

  private LivenessProbe probe(Tunnel tunnel, boolean isTest, long now) {
    return tunnel.probe(new LivenessProbe(tunnel, registry, isTest, now));
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
   * @return whom to give it to: nobody, or one client; null if the outcome matters no longer
   */
  synchronized @Nullable List<TunnelRegistry.Waiter> answered(LivenessProbe probe, long now) {
    if (!isOpen(probe)) {
      return null;
    }
    Tunnel tunnel = probe.tunnel();
    tunnel.heard(now);
    probeHistory.answered();
    TunnelRegistry.Waiter waiter = waiting.poll();
    if (waiter == null) {
      return List.of();
    }
    take(tunnel, now);
    return List.of(waiter);
  }

  /**
   * Records that a hidden server that is alive did not answer a test.
   *
   * @return clients that are to be given a tunnel now; null if the outcome matters no longer
   */
  synchronized @Nullable Map<TunnelRegistry.Waiter, Tunnel> testFailed(
      LivenessProbe probe, long now) {
    if (!isOpen(probe)) {
      return null;
    }
    probe.tunnel().forgetProbe();
    probeHistory.testFailed(now);
    return serveWaiting(now);
  }

  // The end.

  /**
   * Removes a parked tunnel that has ended by itself or is given up. If it was being probed, all
   * the others are probed now: what became of it has probably become of them.
   *
   * @return null if it was not parked
   */
  synchronized @Nullable Ended ended(Tunnel tunnel, long now) {
    if (!parked.remove(tunnel)) {
      return null;
    }
    count();
    lastSeen = now;
    LivenessProbe unanswered = tunnel.probe();
    if (unanswered == null) {
      return new Ended(null, List.of(), Map.of());
    }
    if (unanswered.isTest()) {
      probeHistory.testFailed(now);
    } else {
      probeHistory.probeFailed();
    }
    return new Ended(unanswered, probeAll(now), serveWaiting(now));
  }

  /** Removes all parked tunnels and returns them. */
  synchronized List<Tunnel> clearParked() {
    List<Tunnel> all = parked();
    parked.clear();
    count();
    return all;
  }

  /** Removes all clients that wait and returns them. */
  synchronized List<TunnelRegistry.Waiter> clearWaiting() {
    List<TunnelRegistry.Waiter> all = List.copyOf(waiting);
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
    List<Runnable> endings = new ArrayList<>();
    for (Tunnel tunnel : paired) {
      Runnable ending = tunnel.ending();
      if (ending != null) {
        endings.add(ending);
      }
    }
    Contents contents = new Contents(clearParked(), clearWaiting(), endings);
    paired.clear();
    closed = true;
    count();
    return contents;
  }
}
