package io.rendezvous.tunnel;

import io.rendezvous.entry.Entry;
import io.rendezvous.net.Conn;
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
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The parked tunnels of every ID, the clients that wait for one, and the match of the two. To take
 * a tunnel is to remove it, so two clients can never hold the same one.
 *
 * <p>Any thread may call. One lock guards it all; nothing is closed, called back or waited for
 * under it.
 */
public final class TunnelRegistry implements Presence {
  private static final Logger LOG = LoggerFactory.getLogger(TunnelRegistry.class);

  /** Longer than it takes to park a connection whose token was good a moment ago. */
  private static final long REVOKED_FOR = Duration.ofMinutes(1).toNanos();

  /** For tunnels whose hidden servers cannot be asked whether they live. */
  public static final Duration NO_PROBE = Duration.ZERO;

  private static final String NO_LABEL = "";

  /**
   * How much there may be of it.
   *
   * @param perId parked tunnels of an ID
   * @param parked parked tunnels in all
   * @param waitingPerId clients that wait for an ID
   * @param patience how long after its last tunnel an ID counts as connected
   * @param age how old a parked tunnel gets
   * @param probe how long after it was last heard a hidden server is asked to prove that it lives,
   *     before a client has its tunnel; zero is never
   */
  public record Limits(
      int perId, int parked, int waitingPerId, Duration patience, Duration age, Duration probe) {}

  /** A client that waits for a tunnel. */
  public interface Waiter {
    /**
     * A tunnel was taken for it, and it waits no more. Called once, on any thread. Who cannot use
     * the tunnel any more gives it back with {@link TunnelRegistry#putBack}.
     */
    void offered(Tunnel tunnel);

    /** There will be no tunnel: the entry was deleted, or the broker closes down. */
    void dismissed(Tunnel.End why);
  }

  /** What became of a client's wish for a tunnel. */
  public sealed interface Match {
    /** This one is the client's, alone. */
    record Taken(Tunnel tunnel) implements Match {}

    /**
     * None is parked that surely lives, but one may come any moment: the waiter will hear.
     *
     * @param soon whether one is parked and asked whether it lives
     */
    record Waiting(boolean soon) implements Match {}

    /** None is parked, and too many wait already. */
    record Crowded() implements Match {}

    /** The ID is not connected. */
    record Absent() implements Match {}

    /** The broker closes down. */
    record Draining() implements Match {}
  }

  private final Limits limits;
  private final TunnelListener observer;
  private final Object lock = new Object();
  private final Map<UUID, TunnelPool> byId = new HashMap<>(); // guarded by lock
  private final Map<UUID, Long> revoked = new HashMap<>(); // when, or replaced; guarded by lock
  private final TunnelPool.Total total = new TunnelPool.Total(); // guarded by lock
  private boolean draining; // guarded by lock

  /** Creates an empty registry. */
  public TunnelRegistry(Limits limits, TunnelListener observer) {
    this.limits = limits;
    this.observer = observer;
  }

  Limits limits() {
    return limits;
  }

  /**
   * Returns how long an answer to a question is awaited. A client's patience has to last for a
   * second one.
   */
  Duration questionTime() {
    Duration most = limits.patience().multipliedBy(2).dividedBy(5);
    return most.compareTo(LivenessProbe.TIME) < 0 ? most : LivenessProbe.TIME;
  }

  @Override
  public Counts counts(UUID id) {
    synchronized (lock) {
      TunnelPool state = byId.get(id);
      return state == null ? Counts.NONE : state.counts();
    }
  }

  @Override
  public Map<UUID, Counts> counts() {
    Map<UUID, Counts> all = new HashMap<>();
    synchronized (lock) {
      byId.forEach((id, state) -> all.put(id, state.counts()));
    }
    return all;
  }

  /** Returns whether a tunnel would find no place. */
  public boolean isFull() {
    synchronized (lock) {
      return draining || total.parked >= limits.parked();
    }
  }

  /** Returns how many tunnels are parked now. */
  public int parked() {
    synchronized (lock) {
      return total.parked;
    }
  }

  /**
   * Says that a tunnel is about to be parked, so that a client that comes before it waits for it
   * rather than hear that the ID is not connected. Any thread may call.
   */
  public void announce(UUID id) {
    announced(id);
  }

  /** Returns the ID, the same object each time. */
  private UUID announced(UUID id) {
    synchronized (lock) {
      TunnelPool state = state(id);
      state.seen(System.nanoTime());
      return state.id();
    }
  }

  private TunnelPool state(UUID id) {
    return byId.computeIfAbsent(id, i -> new TunnelPool(i, limits, total));
  }

  /**
   * Parks a connection, or gives it to the client that has waited longest. On its own thread.
   *
   * @param knownAt when its entry was looked up, or before, by {@link System#nanoTime}: an entry
   *     that was deleted since has no tunnels
   */
  public void park(Entry entry, Conn conn, long knownAt) {
    park(entry, NO_LABEL, conn.peer(), conn, knownAt);
  }

  /**
   * Parks a connection for one of its entry's labels. On its own thread.
   *
   * @param askedFrom where the hidden server asked from whether it may
   * @param knownAt when its entry was looked up, or before, by {@link System#nanoTime}
   */
  public void park(
      Entry entry, String label, InetSocketAddress askedFrom, Conn conn, long knownAt) {
    UUID id = announced(entry.id());
    Tunnel tunnel = new Tunnel(id, entry, label, askedFrom, conn, this, System.nanoTime());
    tunnel.heard(knownAt); // it said all it had to say before its entry was looked up
    tunnel.watch();
    place(tunnel, knownAt);
  }

  /** Takes a tunnel back that was taken but not touched. Any thread may call. */
  public void putBack(Tunnel tunnel) {
    tunnel
        .conn()
        .execute(
            () -> {
              if (tunnel.conn().isOpen()) {
                place(tunnel, tunnel.parkedAt());
              } else {
                over(tunnel);
              }
            });
  }

  private void place(Tunnel tunnel, long knownAt) {
    Waiter waiter = null;
    Tunnel replaced = null;
    Tunnel.End refused = null;
    LivenessProbe test = null;
    synchronized (lock) {
      long now = System.nanoTime();
      TunnelPool state = state(tunnel.id());
      state.unpair(tunnel);
      state.seen(now);
      Long revokedAt = revoked.get(tunnel.id());
      if (draining) {
        refused = Tunnel.End.DRAINED;
      } else if (revokedAt != null && revokedAt - knownAt > 0) {
        refused = Tunnel.End.REVOKED;
      } else {
        waiter = state.giveUnparked(tunnel);
        if (waiter == null) {
          replaced = state.park(tunnel);
          test = state.test(tunnel, now);
        }
      }
    }
    if (waiter != null) {
      waiter.offered(tunnel);
    }
    if (test != null) {
      test.put();
    }
    if (refused != null) {
      dismiss(tunnel, refused);
    } else {
      observer.parked(tunnel.id());
    }
    if (replaced != null) {
      dismiss(replaced, Tunnel.End.REPLACED);
    }
  }

  /**
   * Takes a tunnel of that ID, or lets the client wait for one. Where none was heard lately, one is
   * asked for each client that waits; the first that answers, or is parked, goes to the first
   * client. Any thread may call.
   *
   * @param client whose thread the tunnel had better share
   * @param waiter hears of a tunnel, if the answer is {@link Match.Waiting}
   */
  public Match take(UUID id, Conn client, Waiter waiter) {
    LivenessProbe question;
    boolean soon;
    synchronized (lock) {
      if (draining) {
        return new Match.Draining();
      }
      long now = System.nanoTime();
      TunnelPool state = byId.get(id);
      if (state == null || !state.isConnected(now)) {
        return new Match.Absent();
      }
      Tunnel sure = state.takeSure(client, now);
      if (sure != null) {
        return new Match.Taken(sure);
      }
      if (!state.await(waiter)) {
        return new Match.Crowded();
      }
      question = state.askOne(client);
      soon = state.hasParked();
    }
    if (question != null) {
      question.put();
    }
    return new Match.Waiting(soon);
  }

  /** Returns whether the question still matters: its tunnel is parked, and no client has it. */
  boolean isOpen(LivenessProbe question) {
    synchronized (lock) {
      return state(question) != null;
    }
  }

  /** Returns that of its tunnel, if that is parked and the question open. */
  private @Nullable TunnelPool state(LivenessProbe question) {
    Tunnel tunnel = question.tunnel();
    TunnelPool state = byId.get(tunnel.id());
    return state != null && tunnel.question() == question && state.isParked(tunnel) ? state : null;
  }

  /** A hidden server has proven that it lives. On its tunnel's thread. */
  void answered(LivenessProbe question) {
    Tunnel tunnel = question.tunnel();
    Waiter waiter;
    synchronized (lock) {
      TunnelPool state = state(question);
      if (state == null) {
        return;
      }
      long now = System.nanoTime();
      state.answered(tunnel, now);
      waiter = state.giveParked(tunnel, now);
    }
    if (waiter != null) {
      waiter.offered(tunnel);
    }
    tell(question, TunnelListener.Proof.ANSWERED);
  }

  /**
   * There was no answer in time. On the tunnel's thread, which ends it, unless the hidden server
   * lives and does not answer.
   */
  void unanswered(LivenessProbe question) {
    Tunnel tunnel = question.tunnel();
    Map<Waiter, Tunnel> served = Map.of();
    synchronized (lock) {
      TunnelPool state = state(question);
      if (state == null) {
        return;
      }
      if (question.isTest()) {
        long now = System.nanoTime();
        state.deferred(tunnel, now);
        served = state.serveWaiting(now);
      }
    }
    if (question.isTest()) {
      served.forEach(Waiter::offered);
      tell(question, TunnelListener.Proof.DEFERRED);
    } else if (ended(tunnel, Tunnel.End.UNPROVEN)) {
      tunnel.conn().abort(); // there is nobody to be told in order
    }
  }

  private void tell(LivenessProbe question, TunnelListener.Proof proof) {
    Tunnel tunnel = question.tunnel();
    LOG.debug("{} asked whether it lives: {} after {}", tunnel, proof, question.age());
    observer.asked(tunnel.id(), proof, question.age());
  }

  /** Returns whether a client would be given a tunnel of that ID, or wait for one. */
  public boolean isConnected(UUID id) {
    synchronized (lock) {
      TunnelPool state = byId.get(id);
      return state != null && state.isConnected(System.nanoTime());
    }
  }

  /** Returns the labels that tunnels of that ID are parked for. Any thread may call. */
  public Set<String> labels(UUID id) {
    Set<String> labels = new HashSet<>();
    synchronized (lock) {
      TunnelPool state = byId.get(id);
      if (state != null) {
        state.parked().forEach(tunnel -> labels.add(tunnel.label()));
      }
    }
    return labels;
  }

  /** Takes a tunnel that is parked for that label of that ID, if one is. Any thread may call. */
  public Optional<Tunnel> takeParked(UUID id, String label, Conn client) {
    return takeParked(id, tunnel -> tunnel.label().equals(label), client);
  }

  /** Takes a tunnel of that ID, if one is parked. Any thread may call. */
  public Optional<Tunnel> takeParked(UUID id, Conn client) {
    return takeParked(id, tunnel -> true, client);
  }

  private Optional<Tunnel> takeParked(UUID id, Predicate<Tunnel> which, Conn client) {
    synchronized (lock) {
      return Optional.ofNullable(byId.get(id))
          .map(state -> state.takeFreshest(which, client, System.nanoTime()));
    }
  }

  /** Returns whether the client did wait, and now does no more. Any thread may call. */
  public boolean forget(UUID id, Waiter waiter) {
    synchronized (lock) {
      TunnelPool state = byId.get(id);
      return state != null && state.forget(waiter);
    }
  }

  /** Says what a taken tunnel is used for, so that it can be ended with its entry. */
  public void paired(Tunnel tunnel, Tunnel.Pairing pairing) {
    synchronized (lock) {
      tunnel.pairing(pairing);
      TunnelPool state = byId.get(tunnel.id());
      if (state != null && state.isPaired(tunnel)) {
        return;
      }
    }
    pairing.end(); // the entry was deleted between taking the tunnel and now
  }

  /** Says that a taken tunnel is over. Any thread may call. */
  public void over(Tunnel tunnel) {
    synchronized (lock) {
      TunnelPool state = byId.get(tunnel.id());
      if (state != null && state.unpair(tunnel)) {
        state.seen(System.nanoTime());
      }
    }
  }

  /**
   * Removes a parked tunnel that has ended by itself, or is given up.
   *
   * @return whether it was parked still, so that it is the caller's to close
   */
  boolean ended(Tunnel tunnel, Tunnel.End why) {
    LivenessProbe question;
    List<LivenessProbe> others;
    Map<Waiter, Tunnel> served;
    synchronized (lock) {
      TunnelPool state = byId.get(tunnel.id());
      if (state == null || !state.removeParked(tunnel)) {
        return false;
      }
      long now = System.nanoTime();
      question = tunnel.question();
      others = state.ended(question, now);
      served = question == null ? Map.of() : state.serveWaiting(now);
    }
    served.forEach(Waiter::offered);
    others.forEach(LivenessProbe::put);
    if (question != null) {
      boolean silent = why == Tunnel.End.UNPROVEN;
      tell(question, silent ? TunnelListener.Proof.SILENT : TunnelListener.Proof.ENDED);
    }
    LOG.debug("{} ended: {}", tunnel, why);
    observer.ended(tunnel.id(), why);
    return true;
  }

  @Override
  public void revoke(UUID id) {
    TunnelPool state;
    List<Tunnel> parked;
    List<Tunnel.Pairing> pairings = new ArrayList<>();
    synchronized (lock) {
      revoked.put(id, System.nanoTime());
      state = byId.remove(id);
      if (state == null) {
        return;
      }
      parked = state.clearParked();
      for (Tunnel tunnel : state.paired()) {
        Tunnel.Pairing pairing = tunnel.pairing();
        if (pairing != null) {
          pairings.add(pairing);
        }
      }
    }
    parked.forEach(tunnel -> dismiss(tunnel, Tunnel.End.REVOKED));
    state.waiting().forEach(waiter -> waiter.dismissed(Tunnel.End.REVOKED));
    pairings.forEach(Tunnel.Pairing::end);
  }

  /**
   * Ends the parked tunnels of an ID, those with them that are about to be parked, since it begins
   * anew. Pairs go on. Any thread may call.
   */
  public void replace(UUID id) {
    List<Tunnel> old;
    synchronized (lock) {
      revoked.put(id, System.nanoTime());
      TunnelPool state = byId.get(id);
      if (state == null) {
        return;
      }
      old = state.clearParked();
    }
    old.forEach(tunnel -> dismiss(tunnel, Tunnel.End.REPLACED));
  }

  /** Takes no more tunnels and clients; ends those parked and waiting. Pairs go on. */
  public void drain() {
    List<Tunnel> tunnels = new ArrayList<>();
    List<Waiter> waiters = new ArrayList<>();
    synchronized (lock) {
      draining = true;
      for (TunnelPool state : byId.values()) {
        tunnels.addAll(state.clearParked());
        state.waiting().forEach(waiters::add);
        state.clearWaiting();
      }
    }
    tunnels.forEach(tunnel -> dismiss(tunnel, Tunnel.End.DRAINED));
    waiters.forEach(waiter -> waiter.dismissed(Tunnel.End.DRAINED));
  }

  /**
   * Retires parked tunnels that are too old, and forgets IDs that are gone. To be called from time
   * to time.
   *
   * @param now {@link System#nanoTime}
   */
  public void sweep(long now) {
    List<Tunnel> retired = new ArrayList<>();
    synchronized (lock) {
      byId.values()
          .removeIf(
              state -> {
                retired.addAll(state.retire(now));
                state.sweep(now);
                return state.isForgettable(now);
              });
      revoked.values().removeIf(at -> now - at > REVOKED_FOR);
    }
    retired.forEach(tunnel -> dismiss(tunnel, Tunnel.End.RETIRED));
  }

  private void dismiss(Tunnel tunnel, Tunnel.End why) {
    LOG.debug("{} ended: {}", tunnel, why);
    tunnel.dismiss();
    observer.ended(tunnel.id(), why);
  }
}
