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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
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
public final class Tunnels implements Presence {
  private static final Logger LOG = LoggerFactory.getLogger(Tunnels.class);

  /** Among tunnels about as fresh as the freshest, one of the client's own thread is preferred. */
  private static final long ABOUT_AS_FRESH = Duration.ofSeconds(5).toNanos();

  /** Longer than it takes to park a connection whose token was good a moment ago. */
  private static final long REVOKED_FOR = Duration.ofMinutes(1).toNanos();

  /** For tunnels whose hidden servers cannot be asked whether they live. */
  public static final Duration NO_PROBE = Duration.ZERO;

  /** How long it counts that a hidden server does not answer. */
  private static final long LEARN_EVERY = Duration.ofMinutes(10).toNanos();

  /** A tunnel that was heard within this time belongs to a hidden server that lives. */
  private static final Duration NOW = Duration.ofSeconds(1);

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
   * @param probe how long after it was last heard a hidden server is asked to prove that it lives,
   *     before a client has its tunnel; zero is never
   */
  public record Limits(
      int perId, int parked, int waitingPerId, Duration patience, Duration age, Duration probe) {}

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

  /** What is known of one ID. Guarded by the lock, like all in it. */
  private static final class State {
    final Deque<Tunnel> parked = new ArrayDeque<>(); // the freshest last
    final Deque<Waiter> waiting = new ArrayDeque<>(); // the first come first
    final Set<Tunnel> paired = new HashSet<>();
    long lastSeen;
    boolean answers; // when it is asked, as far as is known
    boolean doubted = true; // that: the next tunnel that is parked will tell
    long learntAt;

    void learn(boolean whetherItAnswers) {
      answers = whetherItAnswers;
      doubted = false;
      learntAt = System.nanoTime();
    }

    /** Its tunnel ended before an answer. If it lived a moment ago, it ended of the question. */
    void doubt(Question question) {
      if (question.isTest()) {
        learn(false);
      } else {
        doubted = true;
      }
    }

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
    Question test = null;
    synchronized (lock) {
      long now = System.nanoTime();
      State presence = byId.computeIfAbsent(tunnel.id(), id -> new State());
      presence.paired.remove(tunnel);
      presence.lastSeen = now;
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
          test = presence.doubted ? test(tunnel, now) : null;
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
    if (test != null) {
      test.put();
    }
    if (waiter != null) {
      waiter.offered(tunnel);
    }
  }

  /**
   * Asks a hidden server that surely lives, since it was heard this moment, to learn whether it
   * answers. TLS may put its answer off until the application next writes (RFC 8446, 4.6.3), as
   * OpenSSL and Rustls do: such a hidden server is not asked again, or it would be taken for dead.
   */
  private @Nullable Question test(Tunnel tunnel, long now) {
    boolean possible = !limits.probe().isZero() && tunnel.canBeAsked();
    return possible && tunnel.wasHeard(now, NOW) ? tunnel.ask(true) : null;
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
   * Takes a tunnel of that ID, or lets the client wait for one. Where none was heard lately, one is
   * asked for each client that waits; the first that answers, or is parked, goes to the first
   * client. Any thread may call.
   *
   * @param client whose thread the tunnel had better share
   * @param waiter hears of a tunnel, if the answer is {@link Match.Waiting}
   */
  public Match take(UUID id, Conn client, Waiter waiter) {
    Question question;
    boolean soon;
    synchronized (lock) {
      if (draining) {
        return new Match.Draining();
      }
      long now = System.nanoTime();
      State presence = byId.get(id);
      if (presence == null || !presence.isConnected(now, limits.patience())) {
        return new Match.Absent();
      }
      Tunnel sure = freshest(presence.parked, tunnel -> isSure(tunnel, presence, now), client);
      if (sure != null) {
        return new Match.Taken(take(sure, presence, now));
      }
      if (presence.waiting.size() >= limits.waitingPerId() + presence.parked.size()) {
        return new Match.Crowded();
      }
      presence.waiting.addLast(waiter);
      question = askOne(presence, client);
      soon = !presence.parked.isEmpty();
    }
    if (question != null) {
      question.put();
    }
    return new Match.Waiting(soon);
  }

  private boolean isSure(Tunnel tunnel, State presence, long now) {
    return limits.probe().isZero()
        || !presence.answers
        || !tunnel.canBeAsked()
        || tunnel.wasHeard(now, limits.probe());
  }

  private static @Nullable Question askOne(State presence, Conn client) {
    long open = presence.parked.stream().filter(tunnel -> tunnel.question() != null).count();
    if (open >= presence.waiting.size()) {
      return null;
    }
    Tunnel next = freshest(presence.parked, tunnel -> tunnel.question() == null, client);
    return next == null ? null : next.ask(false);
  }

  /** Asks all that were not heard lately. */
  private List<Question> askAll(State presence) {
    List<Question> questions = new ArrayList<>();
    long now = System.nanoTime();
    for (Tunnel tunnel : presence.parked) {
      if (tunnel.question() == null && !isSure(tunnel, presence, now)) {
        questions.add(tunnel.ask(false));
      }
    }
    return questions;
  }

  /** Returns whether the question still matters: its tunnel is parked, and no client has it. */
  boolean isOpen(Question question) {
    synchronized (lock) {
      return presence(question) != null;
    }
  }

  private @Nullable State presence(Question open) {
    Tunnel tunnel = open.tunnel();
    State presence = byId.get(tunnel.id());
    boolean matters =
        presence != null && tunnel.question() == open && presence.parked.contains(tunnel);
    return matters ? presence : null;
  }

  /** A hidden server has proven that it lives. On its tunnel's thread. */
  void answered(Question question) {
    Tunnel tunnel = question.tunnel();
    Waiter waiter;
    synchronized (lock) {
      State presence = presence(question);
      if (presence == null) {
        return;
      }
      long now = System.nanoTime();
      tunnel.heard(now);
      presence.learn(true);
      waiter = presence.waiting.poll();
      if (waiter != null) {
        take(tunnel, presence, now);
      }
    }
    tell(question, Observer.Proof.ANSWERED);
    if (waiter != null) {
      waiter.offered(tunnel);
    }
  }

  /**
   * There was no answer in time. On the tunnel's thread, which ends it, unless the hidden server
   * lives and does not answer.
   */
  void unanswered(Question question) {
    Tunnel tunnel = question.tunnel();
    Map<Waiter, Tunnel> served = Map.of();
    synchronized (lock) {
      State presence = presence(question);
      if (presence == null) {
        return;
      }
      if (question.isTest()) {
        tunnel.unask();
        presence.learn(false);
        served = serveWaiting(presence);
      }
    }
    if (question.isTest()) {
      tell(question, Observer.Proof.DEFERRED);
      served.forEach(Waiter::offered);
    } else {
      ended(tunnel, Tunnel.End.UNPROVEN);
      tunnel.conn().abort(); // there is nobody to be told in order
    }
  }

  /** Takes what surely lives, or need not be asked any more, for those who wait for that. */
  private Map<Waiter, Tunnel> serveWaiting(State presence) {
    Map<Waiter, Tunnel> served = new LinkedHashMap<>();
    long now = System.nanoTime();
    for (Tunnel tunnel : List.copyOf(presence.parked)) {
      if (isSure(tunnel, presence, now) && !presence.waiting.isEmpty()) {
        served.put(presence.waiting.remove(), take(tunnel, presence, now));
      }
    }
    return served;
  }

  private void tell(Question question, Observer.Proof proof) {
    Tunnel tunnel = question.tunnel();
    LOG.debug("{} asked whether it lives: {} after {}", tunnel, proof, question.age());
    observer.asked(tunnel.id(), proof, question.age());
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
      return takeFreshest(presence, tunnel -> tunnel.label().equals(label), client);
    }
  }

  /** Takes a tunnel of that ID, if one is parked. Any thread may call. */
  public Optional<Tunnel> takeParked(UUID id, Conn client) {
    synchronized (lock) {
      State presence = byId.get(id);
      return presence == null ? Optional.empty() : takeFreshest(presence, tunnel -> true, client);
    }
  }

  private Optional<Tunnel> takeFreshest(State presence, Predicate<Tunnel> which, Conn client) {
    return Optional.ofNullable(freshest(presence.parked, which, client))
        .map(tunnel -> take(tunnel, presence, System.nanoTime()));
  }

  private Tunnel take(Tunnel tunnel, State presence, long now) {
    presence.parked.remove(tunnel);
    parkedInAll--;
    presence.paired.add(tunnel);
    presence.lastSeen = now;
    tunnel.unask();
    return tunnel;
  }

  private static @Nullable Tunnel freshest(
      Deque<Tunnel> parked, Predicate<Tunnel> which, Conn client) {
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

  /**
   * Removes a parked tunnel that has ended by itself, or is given up; no matter if it was taken
   * meanwhile. Where it was asked whether it lives, all the others are asked now, since what became
   * of it is likely to have become of them.
   */
  void ended(Tunnel tunnel, Tunnel.End why) {
    Question question;
    List<Question> others = List.of();
    Map<Waiter, Tunnel> served = Map.of();
    synchronized (lock) {
      State presence = byId.get(tunnel.id());
      if (presence == null || !presence.parked.remove(tunnel)) {
        return;
      }
      parkedInAll--;
      presence.lastSeen = System.nanoTime();
      question = tunnel.question();
      if (question != null) {
        presence.doubt(question);
        served = serveWaiting(presence);
        others = askAll(presence);
      }
    }
    if (question != null) {
      boolean silent = why == Tunnel.End.UNPROVEN;
      tell(question, silent ? Observer.Proof.SILENT : Observer.Proof.ENDED);
    }
    LOG.debug("{} ended: {}", tunnel, why);
    observer.ended(tunnel.id(), why);
    served.forEach(Waiter::offered);
    others.forEach(Question::put);
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
        presence.doubted |= !presence.answers && now - presence.learntAt >= LEARN_EVERY;
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
      boolean dispensable = parked.size() > 1 || tooOldFor >= LAST_ONE_GRACE;
      if (dispensable && tunnel.question() == null) {
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
