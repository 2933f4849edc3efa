package io.rendezvous.tunnel;

import io.rendezvous.entry.Entry;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The parked tunnels of every ID, the clients that wait for one, and the match of the two. Taking a
 * tunnel removes it, so two clients can never hold the same one.
 *
 * <p>Any thread may call. Each ID has a {@link TunnelPool} with a lock of its own. Nothing is
 * closed, called back or waited for while a lock is held, and no lock covers more than one ID.
 */
public final class TunnelRegistry implements Presence {
  /** A time for {@link Limits#probe} that turns liveness probes off. */
  public static final Duration NO_PROBE = Duration.ZERO;

  private static final Logger LOG = LoggerFactory.getLogger(TunnelRegistry.class);

  /** Longer than it takes to park a connection whose token was accepted a moment ago. */
  private static final long REMEMBER_REVOKED = Duration.ofMinutes(1).toNanos();

  /**
   * Upper bounds of one registry. What exceeds one is refused or replaces the oldest.
   *
   * @param perId parked tunnels of one ID
   * @param parked parked tunnels in all
   * @param waitingPerId clients that wait for one ID
   * @param patience how long a client waits, and an ID counts as connected after its last tunnel
   * @param maxAge age of a parked tunnel
   * @param probe how long a hidden server may be silent before it has to prove that it is alive,
   *     and only then is a client given its tunnel; {@link #NO_PROBE} for never
   */
  public record Limits(
      int perId,
      int parked,
      int waitingPerId,
      Duration patience,
      Duration maxAge,
      Duration probe) {}

  private volatile Limits limits;
  private final TunnelListener listener;
  private final LongSupplier ticker;
  private final ConcurrentHashMap<UUID, TunnelPool> pools = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<UUID, Long> revokedAt = new ConcurrentHashMap<>(); // or replaced
  private final TotalCounters totals = new TotalCounters();
  private volatile boolean draining;

  /**
   * Creates an empty registry.
   *
   * @param ticker tells nanoseconds, as {@link System#nanoTime} does
   */
  public TunnelRegistry(Limits limits, TunnelListener listener, LongSupplier ticker) {
    this.limits = limits;
    this.listener = listener;
    this.ticker = ticker;
  }

  /** Returns the time of the registry's clock, in nanoseconds. */
  public long now() {
    return ticker.getAsLong();
  }

  /** Returns the upper bounds. */
  Limits limits() {
    return limits;
  }

  /** Changes the upper bounds. Tunnels that are parked and clients that wait stay. */
  public void setLimits(Limits newLimits) {
    limits = newLimits;
  }

  /** Returns how long a client waits for a tunnel. */
  public Duration patience() {
    return limits.patience();
  }

  /** Returns the pool of an ID, which is created if there is none. */
  private TunnelPool pool(UUID id) {
    long now = now();
    return pools.computeIfAbsent(id, i -> new TunnelPool(i, this, totals, now));
  }

  @Override
  public Counts counts(UUID id) {
    TunnelPool pool = pools.get(id);
    return pool == null ? Counts.NONE : pool.counts();
  }

  @Override
  public Map<UUID, Counts> counts() {
    Map<UUID, Counts> all = new HashMap<>();
    pools.values().forEach(pool -> all.put(pool.id(), pool.counts()));
    return all;
  }

  @Override
  public Totals totals() {
    return totals.totals();
  }

  /** Returns whether there is no room for a further tunnel. */
  public boolean isFull() {
    return draining || totals.parked() >= limits.parked();
  }

  /** Returns whether the broker is shutting down. */
  boolean isDraining() {
    return draining;
  }

  // Parking.

  /**
   * Announces that a tunnel is about to be parked. A client that comes before the tunnel then waits
   * for it. Otherwise it would be told that the ID is not connected.
   */
  public void announce(UUID id) {
    TunnelPool pool = pool(id);
    while (!pool.announce(now())) {
      pools.remove(id, pool); // whoever closed it is about to do the same
      pool = pool(id);
    }
  }

  /**
   * Parks a connection, or gives it to the client that has waited longest. Called on the
   * connection's own I/O thread.
   *
   * @param label the label of the entry that the tunnel is for, or empty
   * @param askedFrom the address from which the hidden server authenticated
   * @param knownAt when its entry was looked up, or before, in nanoseconds; if the entry was
   *     deleted since, the connection is ended
   */
  public void park(
      Entry entry, String label, InetSocketAddress askedFrom, Connection connection, long knownAt) {
    UUID id = pool(entry.id()).id(); // the same object for all tunnels of the ID
    Tunnel tunnel = new Tunnel(id, entry, label, askedFrom, connection, limits.maxAge(), now());
    tunnel.heard(knownAt); // its last word was sent before its entry was looked up
    connection.watch(end -> onEnded(tunnel, end));
    place(tunnel, knownAt);
  }

  /** Takes back a tunnel that was taken but not used. */
  public void putBack(Tunnel tunnel) {
    tunnel.connection().execute(() -> placeAgain(tunnel));
  }

  private void placeAgain(Tunnel tunnel) {
    if (tunnel.connection().isOpen()) {
      place(tunnel, tunnel.parkedAt());
    } else {
      over(tunnel);
    }
  }

  private void place(Tunnel tunnel, long knownAt) {
    Placement placement = placement(tunnel, knownAt);
    if (placement instanceof Placement.Refused refused) {
      dismiss(tunnel, refused.why());
      return;
    }
    if (placement instanceof Placement.Given given) {
      given.waiter().offered(tunnel);
    }
    listener.parked(tunnel.id(), tunnel.askedFrom());
    if (placement instanceof Placement.Parked parked) {
      LivenessProbe test = parked.test();
      if (test != null) {
        test.send();
      }
      Tunnel replaced = parked.replaced();
      if (replaced != null) {
        dismiss(replaced, Tunnel.End.REPLACED);
      }
    }
  }

  private Placement placement(Tunnel tunnel, long knownAt) {
    TunnelPool pool = pool(tunnel.id());
    Placement placement = pool.place(tunnel, knownAt, now());
    while (placement instanceof Placement.Closed) {
      pools.remove(tunnel.id(), pool); // whoever closed it is about to do the same
      pool = pool(tunnel.id());
      placement = pool.place(tunnel, knownAt, now());
    }
    return placement;
  }

  /**
   * Returns why no tunnel of that ID may be parked now, if that is so. Takes no lock.
   *
   * @param knownAt when the tunnel's entry was looked up, or before
   */
  Tunnel.@Nullable End refusal(UUID id, long knownAt) {
    if (draining) {
      return Tunnel.End.DRAINED;
    }
    Long at = revokedAt.get(id);
    return at != null && at - knownAt > 0 ? Tunnel.End.REVOKED : null;
  }

  // Taking.

  /**
   * Takes a tunnel of that ID, or makes the client wait for one. If no tunnel was heard lately, one
   * is probed for each client that waits. The first tunnel that answers, or is parked, goes to the
   * first client.
   *
   * @param eventLoop the client's, which the tunnel should share: see {@link Connection#eventLoop}
   * @param waiter is called later, if the answer is {@link Match.Waiting}
   */
  public Match take(UUID id, Object eventLoop, Waiter waiter) {
    TunnelPool pool = pools.get(id);
    if (pool == null) {
      return draining ? new Match.Draining() : new Match.Absent();
    }
    TunnelPool.Matched matched = pool.match(eventLoop, waiter, now());
    LivenessProbe probe = matched.probe();
    if (probe != null) {
      probe.send();
    }
    return matched.match();
  }

  /** Takes a tunnel that is parked for that label of that ID, if there is one. */
  public Optional<Tunnel> takeParked(UUID id, String label, Object eventLoop) {
    return takeParked(id, tunnel -> tunnel.label().equals(label), eventLoop);
  }

  /** Takes a tunnel of that ID, if one is parked. */
  public Optional<Tunnel> takeParked(UUID id, Object eventLoop) {
    return takeParked(id, tunnel -> true, eventLoop);
  }

  private Optional<Tunnel> takeParked(UUID id, Predicate<Tunnel> which, Object eventLoop) {
    return Optional.ofNullable(pools.get(id))
        .map(pool -> pool.takeFreshest(which, eventLoop, now()));
  }

  /** Returns whether a client would be given a tunnel of that ID, or would wait for one. */
  public boolean isConnected(UUID id) {
    TunnelPool pool = pools.get(id);
    return pool != null && pool.isConnected(now());
  }

  /** Returns the labels that tunnels of that ID are parked for. */
  public Set<String> labels(UUID id) {
    Set<String> labels = new HashSet<>();
    TunnelPool pool = pools.get(id);
    if (pool != null) {
      pool.parked().forEach(tunnel -> labels.add(tunnel.label()));
    }
    return labels;
  }

  /**
   * Ends a client's wait. Returns whether it was waiting; if it was not, its waiter has been called
   * or is about to be.
   */
  public boolean stopWaiting(UUID id, Waiter waiter) {
    TunnelPool pool = pools.get(id);
    return pool != null && pool.stopWaiting(waiter);
  }

  /**
   * Records that a taken tunnel is being relayed. If its entry is deleted, the relay is ended.
   *
   * @param relayEnder ends the relay; any thread may call it
   */
  public void paired(Tunnel tunnel, Runnable relayEnder) {
    TunnelPool pool = pools.get(tunnel.id());
    if (pool == null || !pool.paired(tunnel, relayEnder)) {
      relayEnder.run(); // the entry was deleted after the tunnel was taken
    }
  }

  /** Records that a taken tunnel has ended. */
  public void over(Tunnel tunnel) {
    TunnelPool pool = pools.get(tunnel.id());
    if (pool != null) {
      pool.over(tunnel, now());
    }
  }

  /**
   * Ends a taken tunnel that was not used and is not put back, because of an error. Any thread may
   * call.
   */
  public void discard(Tunnel tunnel) {
    over(tunnel);
    tunnel.connection().execute(tunnel.connection()::abort);
  }

  // Liveness probes.

  /**
   * Returns how long the answer to a probe is awaited: short enough that a client's patience covers
   * a second probe.
   */
  Duration probeTime() {
    Duration time = limits.patience().multipliedBy(2).dividedBy(5);
    return time.compareTo(LivenessProbe.MAX_TIME) < 0 ? time : LivenessProbe.MAX_TIME;
  }

  /** Returns whether the outcome of a probe still matters: its tunnel is parked. */
  boolean isOpen(LivenessProbe probe) {
    TunnelPool pool = pools.get(probe.tunnel().id());
    return pool != null && pool.isOpen(probe);
  }

  /** Handles the answer to a probe. Called on the tunnel's thread. */
  void answered(LivenessProbe probe) {
    TunnelPool pool = pools.get(probe.tunnel().id());
    TunnelPool.Followup followup = pool == null ? null : pool.answered(probe, now());
    if (followup != null) {
      run(followup);
      tell(probe, TunnelListener.ProbeOutcome.ANSWERED);
    }
  }

  /** Handles that no answer to a probe came in time. Called on the tunnel's thread. */
  void unanswered(LivenessProbe probe) {
    Tunnel tunnel = probe.tunnel();
    TunnelPool pool = pools.get(tunnel.id());
    TunnelPool.Unanswered unanswered = pool == null ? null : pool.unanswered(probe, now());
    if (unanswered == null) {
      return;
    }
    if (unanswered.isSilent()) {
      tunnel.connection().abort(); // nobody is left for an orderly end
    }
    run(unanswered.followup());
    if (unanswered.isSilent()) {
      tell(probe, TunnelListener.ProbeOutcome.SILENT);
      tellEnded(tunnel, Tunnel.End.UNPROVEN);
    } else {
      tell(probe, TunnelListener.ProbeOutcome.DEFERRED);
    }
  }

  private static void run(TunnelPool.Followup followup) {
    followup.served().forEach(Waiter::offered);
    followup.probes().forEach(LivenessProbe::send);
  }

  private void tell(LivenessProbe probe, TunnelListener.ProbeOutcome outcome) {
    Tunnel tunnel = probe.tunnel();
    Duration age = probe.age(now());
    LOG.debug("{} probed: {} after {}", tunnel, outcome, age);
    listener.probed(tunnel.id(), outcome, age);
  }

  // The end.

  /** Handles that a watched connection has ended. It matters only if its tunnel is parked. */
  private void onEnded(Tunnel tunnel, Tunnel.End why) {
    TunnelPool pool = pools.get(tunnel.id());
    TunnelPool.Ended ended = pool == null ? null : pool.ended(tunnel, now());
    if (ended == null) {
      return;
    }
    run(ended.followup());
    LivenessProbe probe = ended.probe();
    if (probe != null) {
      tell(probe, TunnelListener.ProbeOutcome.ENDED);
    }
    tellEnded(tunnel, why);
  }

  private void tellEnded(Tunnel tunnel, Tunnel.End why) {
    LOG.debug("{} ended: {}", tunnel, why);
    listener.ended(tunnel.id(), why);
  }

  @Override
  public void revoke(UUID id) {
    revokedAt.put(id, now()); // first, so that a tunnel that is about to be parked finds it
    TunnelPool pool = pools.remove(id);
    if (pool != null) {
      TunnelPool.Contents contents = pool.close();
      contents.parked().forEach(tunnel -> dismiss(tunnel, Tunnel.End.REVOKED));
      contents.waiting().forEach(waiter -> waiter.dismissed(Tunnel.End.REVOKED));
      contents.relayEnders().forEach(Runnable::run);
    }
  }

  /**
   * Ends the parked tunnels of an ID, and those that are about to be parked, because its hidden
   * server starts anew. Pairs go on.
   */
  public void replace(UUID id) {
    revokedAt.put(id, now()); // first, for the same reason as in revoke
    TunnelPool pool = pools.get(id);
    if (pool != null) {
      pool.clearParked().forEach(tunnel -> dismiss(tunnel, Tunnel.End.REPLACED));
    }
  }

  /** Accepts no more tunnels and clients; ends those that are parked and waiting. Pairs go on. */
  public void drain() {
    draining = true; // first, so that nothing comes in after the walk over the pools
    List<Tunnel> tunnels = new ArrayList<>();
    List<Waiter> waiters = new ArrayList<>();
    for (TunnelPool pool : pools.values()) {
      tunnels.addAll(pool.clearParked());
      waiters.addAll(pool.clearWaiting());
    }
    tunnels.forEach(tunnel -> dismiss(tunnel, Tunnel.End.DRAINED));
    waiters.forEach(waiter -> waiter.dismissed(Tunnel.End.DRAINED));
  }

  /**
   * Retires tunnels that are too old, and forgets IDs that are gone. To be called periodically.
   *
   * @param now in nanoseconds
   */
  public void sweep(long now) {
    for (TunnelPool pool : pools.values()) {
      pool.retire(now).forEach(tunnel -> dismiss(tunnel, Tunnel.End.RETIRED));
      if (pool.closeIfUnused(now)) {
        pools.remove(pool.id(), pool);
      }
    }
    revokedAt.values().removeIf(at -> now - at > REMEMBER_REVOKED);
  }

  private void dismiss(Tunnel tunnel, Tunnel.End why) {
    tunnel.connection().dismiss();
    tellEnded(tunnel, why);
  }
}
