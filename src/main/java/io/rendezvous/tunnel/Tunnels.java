package io.rendezvous.tunnel;

import io.rendezvous.entry.Entry;
import io.rendezvous.net.Conn;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
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
public final class Tunnels implements Presence {
  private static final Logger LOG = LoggerFactory.getLogger(Tunnels.class);

  /** Among tunnels about as fresh as the freshest, one of the client's own thread is preferred. */
  private static final long ABOUT_AS_FRESH = Duration.ofSeconds(5).toNanos();

  /** Longer than it takes to park a connection whose token was good a moment ago. */
  private static final long REVOKED_FOR = Duration.ofMinutes(1).toNanos();

  private static final String NO_LABEL = "";

  /** How long the last tunnel of an ID outlives its age while no other comes. */
  private static final long LAST_ONE_GRACE = Duration.ofMinutes(1).toNanos();

  /**
   * How much there may be of it.
   *
   * @param perId parked tunnels of an ID
   * @param parked parked tunnels in all
   * @param waitingPerId clients that wait for an ID
   * @param patience how long after its last tunnel an ID counts as connected
   * @param age how old a parked tunnel gets
   */
  public record Limits(int perId, int parked, int waitingPerId, Duration patience, Duration age) {}

  /** A client that waits for a tunnel. */
  public interface Waiter {
    /**
     * A tunnel was taken for it, and it waits no more. Called once, on any thread. Who cannot use
     * the tunnel any more gives it back with {@link Tunnels#putBack}.
     */
    void offered(Tunnel tunnel);

    /** There will be no tunnel: the entry was deleted, or the broker closes down. */
    void dismissed(Tunnel.End why);
  }

  /** What became of a client's wish for a tunnel. */
  public sealed interface Match {
    /** This one is the client's, alone. */
    record Taken(Tunnel tunnel) implements Match {}

    /** None is parked, but one may come any moment: the waiter will hear. */
    record Waiting() implements Match {}

    /** None is parked, and too many wait already. */
    record Crowded() implements Match {}

    /** The ID is not connected. */
    record Absent() implements Match {}

    /** The broker closes down. */
    record Draining() implements Match {}
  }

  /** What is known of one ID. Guarded by the lock, like all in it. */
  private static final class State {
    final Deque<Tunnel> parked = new ArrayDeque<>(); // the freshest last
    final Deque<Waiter> waiting = new ArrayDeque<>(); // the first come first
    final Set<Tunnel> paired = new HashSet<>();
    long lastSeen;

    Counts counts() {
      return new Counts(parked.size(), paired.size(), waiting.size(), false);
    }

    boolean isConnected(long now, Duration patience) {
      return !parked.isEmpty() || !paired.isEmpty() || now - lastSeen <= patience.toNanos();
    }
  }

  private final Limits limits;
  private final Observer observer;
  private final Object lock = new Object();
  private final Map<UUID, State> byId = new HashMap<>(); // guarded by lock
  private final Map<UUID, Long> revoked = new HashMap<>(); // when, or replaced; guarded by lock
  private int parkedInAll; // guarded by lock
  private boolean draining; // guarded by lock

  /** Creates an empty registry. */
  public Tunnels(Limits limits, Observer observer) {
    this.limits = limits;
    this.observer = observer;
  }

  @Override
  public Counts counts(UUID id) {
    synchronized (lock) {
      State presence = byId.get(id);
      return presence == null ? Counts.NONE : presence.counts();
    }
  }

  @Override
  public Map<UUID, Counts> counts() {
    Map<UUID, Counts> all = new HashMap<>();
    synchronized (lock) {
      byId.forEach((id, presence) -> all.put(id, presence.counts()));
    }
    return all;
  }

  /** Returns whether a tunnel would find no place. */
  public boolean isFull() {
    synchronized (lock) {
      return draining || parkedInAll >= limits.parked();
    }
  }

  /** Returns how many tunnels are parked now. */
  public int parked() {
    synchronized (lock) {
      return parkedInAll;
    }
  }

  /**
   * Says that a tunnel is about to be parked, so that a client that comes before it waits for it
   * rather than hear that the ID is not connected. Any thread may call.
   */
  public void announce(UUID id) {
    synchronized (lock) {
      byId.computeIfAbsent(id, i -> new State()).lastSeen = System.nanoTime();
    }
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
    long now = System.nanoTime();
    long age = limits.age().toNanos();
    long jitter = ThreadLocalRandom.current().nextLong(age / 10 + 1);
    Tunnel tunnel = new Tunnel(entry, label, askedFrom, conn, this, now, now + age - jitter);
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
    synchronized (lock) {
      State presence = byId.computeIfAbsent(tunnel.id(), id -> new State());
      presence.paired.remove(tunnel);
      presence.lastSeen = System.nanoTime();
      Long revokedAt = revoked.get(tunnel.id());
      if (draining) {
        refused = Tunnel.End.DRAINED;
      } else if (revokedAt != null && revokedAt - knownAt > 0) {
        refused = Tunnel.End.REVOKED;
      } else {
        waiter = presence.waiting.poll();
        if (waiter != null) {
          presence.paired.add(tunnel);
        } else {
          replaced = makeRoom(presence, tunnel.conn());
          presence.parked.addLast(tunnel);
          parkedInAll++;
        }
      }
    }
    if (refused != null) {
      dismiss(tunnel, refused);
    } else {
      observer.parked(tunnel.id());
    }
    if (replaced != null) {
      dismiss(replaced, Tunnel.End.REPLACED);
    }
    if (waiter != null) {
      waiter.offered(tunnel);
    }
  }

  /** Removes the oldest of the same source, else the oldest, where the ID has enough parked. */
  private @Nullable Tunnel makeRoom(State presence, Conn newcomer) {
    if (presence.parked.size() < limits.perId()) {
      return null;
    }
    for (Iterator<Tunnel> oldestFirst = presence.parked.iterator(); oldestFirst.hasNext(); ) {
      Tunnel tunnel = oldestFirst.next();
      if (tunnel.conn().source().equals(newcomer.source())) {
        oldestFirst.remove();
        parkedInAll--;
        return tunnel;
      }
    }
    parkedInAll--;
    return presence.parked.removeFirst();
  }

  /**
   * Takes a tunnel of that ID, or lets the client wait for one. Any thread may call.
   *
   * @param client whose thread the tunnel had better share
   * @param waiter hears of a tunnel, if the answer is {@link Match.Waiting}
   */
  public Match take(UUID id, Conn client, Waiter waiter) {
    synchronized (lock) {
      if (draining) {
        return new Match.Draining();
      }
      long now = System.nanoTime();
      State presence = byId.get(id);
      if (presence == null || !presence.isConnected(now, limits.patience())) {
        return new Match.Absent();
      }
      if (!presence.parked.isEmpty()) {
        return new Match.Taken(takeParked(presence, client, now));
      }
      if (presence.waiting.size() >= limits.waitingPerId()) {
        return new Match.Crowded();
      }
      presence.waiting.addLast(waiter);
      return new Match.Waiting();
    }
  }

  /** Returns whether a client would be given a tunnel of that ID, or wait for one. */
  public boolean isConnected(UUID id) {
    synchronized (lock) {
      State presence = byId.get(id);
      return presence != null && presence.isConnected(System.nanoTime(), limits.patience());
    }
  }

  /** Returns the labels that tunnels of that ID are parked for. Any thread may call. */
  public Set<String> labels(UUID id) {
    Set<String> labels = new HashSet<>();
    synchronized (lock) {
      State presence = byId.get(id);
      if (presence != null) {
        presence.parked.forEach(tunnel -> labels.add(tunnel.label()));
      }
    }
    return labels;
  }

  /** Takes a tunnel that is parked for that label of that ID, if one is. Any thread may call. */
  public Optional<Tunnel> takeParked(UUID id, String label, Conn client) {
    synchronized (lock) {
      State presence = byId.get(id);
      if (presence == null) {
        return Optional.empty();
      }
      Deque<Tunnel> ofLabel = new ArrayDeque<>(presence.parked);
      ofLabel.removeIf(tunnel -> !tunnel.label().equals(label));
      return ofLabel.isEmpty()
          ? Optional.empty()
          : Optional.of(take(freshest(ofLabel, client), presence, System.nanoTime()));
    }
  }

  /** Takes a tunnel of that ID, if one is parked. Any thread may call. */
  public Optional<Tunnel> takeParked(UUID id, Conn client) {
    synchronized (lock) {
      State presence = byId.get(id);
      return presence == null || presence.parked.isEmpty()
          ? Optional.empty()
          : Optional.of(takeParked(presence, client, System.nanoTime()));
    }
  }

  private Tunnel takeParked(State presence, Conn client, long now) {
    return take(freshest(presence.parked, client), presence, now);
  }

  private Tunnel take(Tunnel tunnel, State presence, long now) {
    presence.parked.remove(tunnel);
    parkedInAll--;
    presence.paired.add(tunnel);
    presence.lastSeen = now;
    return tunnel;
  }

  private static Tunnel freshest(Deque<Tunnel> parked, Conn client) {
    Tunnel freshest = parked.getLast();
    for (Iterator<Tunnel> freshestFirst = parked.descendingIterator(); freshestFirst.hasNext(); ) {
      Tunnel tunnel = freshestFirst.next();
      if (freshest.parkedAt() - tunnel.parkedAt() > ABOUT_AS_FRESH) {
        break;
      }
      if (tunnel.conn().sharesThread(client)) {
        return tunnel;
      }
    }
    return freshest;
  }

  /** Returns whether the client did wait, and now does no more. Any thread may call. */
  public boolean forget(UUID id, Waiter waiter) {
    synchronized (lock) {
      State presence = byId.get(id);
      return presence != null && presence.waiting.remove(waiter);
    }
  }

  /** Says what a taken tunnel is used for, so that it can be ended with its entry. */
  public void paired(Tunnel tunnel, Tunnel.Pairing pairing) {
    synchronized (lock) {
      tunnel.pairing(pairing);
      State presence = byId.get(tunnel.id());
      if (presence != null && presence.paired.contains(tunnel)) {
        return;
      }
    }
    pairing.end(); // the entry was deleted between taking the tunnel and now
  }

  /** Says that a taken tunnel is over. Any thread may call. */
  public void over(Tunnel tunnel) {
    synchronized (lock) {
      State presence = byId.get(tunnel.id());
      if (presence != null && presence.paired.remove(tunnel)) {
        presence.lastSeen = System.nanoTime();
      }
    }
  }

  /** Removes a parked tunnel that has ended by itself; no matter if it was taken meanwhile. */
  void ended(Tunnel tunnel, Tunnel.End why) {
    synchronized (lock) {
      State presence = byId.get(tunnel.id());
      if (presence == null || !presence.parked.remove(tunnel)) {
        return;
      }
      parkedInAll--;
      presence.lastSeen = System.nanoTime();
    }
    LOG.debug("{} ended: {}", tunnel, why);
    observer.ended(tunnel.id(), why);
  }

  @Override
  public void revoke(UUID id) {
    State presence;
    List<Tunnel.Pairing> pairings = new ArrayList<>();
    synchronized (lock) {
      revoked.put(id, System.nanoTime());
      presence = byId.remove(id);
      if (presence == null) {
        return;
      }
      parkedInAll -= presence.parked.size();
      for (Tunnel tunnel : presence.paired) {
        Tunnel.Pairing pairing = tunnel.pairing();
        if (pairing != null) {
          pairings.add(pairing);
        }
      }
    }
    presence.parked.forEach(tunnel -> dismiss(tunnel, Tunnel.End.REVOKED));
    presence.waiting.forEach(waiter -> waiter.dismissed(Tunnel.End.REVOKED));
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
      State presence = byId.get(id);
      if (presence == null) {
        return;
      }
      old = List.copyOf(presence.parked);
      presence.parked.clear();
      parkedInAll -= old.size();
    }
    old.forEach(tunnel -> dismiss(tunnel, Tunnel.End.REPLACED));
  }

  /** Takes no more tunnels and clients; ends those parked and waiting. Pairs go on. */
  public void drain() {
    List<Tunnel> tunnels = new ArrayList<>();
    List<Waiter> waiters = new ArrayList<>();
    synchronized (lock) {
      draining = true;
      for (State presence : byId.values()) {
        tunnels.addAll(presence.parked);
        waiters.addAll(presence.waiting);
        presence.parked.clear();
        presence.waiting.clear();
      }
      parkedInAll = 0;
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
      for (Iterator<State> all = byId.values().iterator(); all.hasNext(); ) {
        State presence = all.next();
        retire(presence.parked, now, retired);
        if (presence.waiting.isEmpty() && !presence.isConnected(now, limits.patience())) {
          all.remove();
        }
      }
      parkedInAll -= retired.size();
      revoked.values().removeIf(at -> now - at > REVOKED_FOR);
    }
    retired.forEach(tunnel -> dismiss(tunnel, Tunnel.End.RETIRED));
  }

  private static void retire(Deque<Tunnel> parked, long now, List<Tunnel> retired) {
    for (Iterator<Tunnel> oldestFirst = parked.iterator(); oldestFirst.hasNext(); ) {
      Tunnel tunnel = oldestFirst.next();
      long tooOldFor = now - tunnel.retireAt();
      if (tooOldFor < 0) {
        return;
      }
      if (parked.size() > 1 || tooOldFor >= LAST_ONE_GRACE) {
        oldestFirst.remove();
        retired.add(tunnel);
      }
    }
  }

  private void dismiss(Tunnel tunnel, Tunnel.End why) {
    LOG.debug("{} ended: {}", tunnel, why);
    tunnel.dismiss();
    observer.ended(tunnel.id(), why);
  }
}
