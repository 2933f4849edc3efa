package io.rendezvous.agent;

import io.rendezvous.agent.Event.Kind;
import io.rendezvous.entry.Totp;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.Network;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a number of tunnels parked at a broker, and hands each that a client takes to what serves
 * it. It never gives up: what fails is tried again, later and later, up to half a minute.
 *
 * <p>Any thread may call. The lock guards the counts; nothing is dialled or closed under it.
 */
final class Agent implements AutoCloseable {
  /** A tunnel that did not last this long unused is not replaced for as long: it is not wanted. */
  private static final Duration REST = Duration.ofMinutes(1);

  private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

  /** A clock that is set right jumps less; one that goes on after sleep jumps more. */
  private static final Duration SLEEP = Duration.ofSeconds(10);

  /** Addresses that come and go all the time are no reason to park afresh all the time. */
  private static final Duration RENEW_EVERY = Duration.ofSeconds(20);

  /** Fewer tunnels are wanted when for so long half of them were never needed. */
  private static final Duration CALM = Duration.ofMinutes(1);

  /** After this it can be told whether one tunnel was closed or all were. */
  private static final Duration TIME_TO_TELL = Duration.ofSeconds(1);

  private static final Duration TIME_TO_FINISH = Duration.ofSeconds(30);

  /**
   * Whose tunnels, at which broker, and how many.
   *
   * @param id the hidden server
   * @param totp its secret
   * @param broker where the broker listens
   * @param trust whose certificate the broker is believed by
   * @param tunnels how many are kept parked
   * @param most up to how many, while clients take them faster than they come back
   */
  record Plan(
      UUID id, Totp totp, Address broker, TrustedCertificates trust, int tunnels, int most) {}

  private final Plan plan;
  private final Network network;
  private final Dialer broker;
  private final Target target;
  private final InstantSource clock;
  private final LongSupplier timer;
  private final EventLog events;
  private final NetworkChange whereabouts;

  // Of whichever thread looks; one does at a time.
  private volatile boolean changed;
  private volatile @Nullable Duration clockBehind;
  private volatile long renewedAt = System.nanoTime() - RENEW_EVERY.toNanos();

  // Guarded by this.
  private final Backoff backoff = new Backoff(ThreadLocalRandom.current(), System::nanoTime);
  private final Set<AgentTunnel> open = new HashSet<>();
  private final Set<AgentTunnel> parked = new HashSet<>();
  private final Set<AgentTunnel> opening = new HashSet<>();
  private int wanted;
  private int leastParked;
  private int active;
  private int resting;
  private int lost;
  private int numbers;
  private boolean failing;
  private boolean retrying;
  private boolean waiting;
  private boolean closed;

  /**
   * Creates an agent that does nothing yet.
   *
   * @param timer tells nanoseconds, by which the ages of tunnels are measured
   */
  Agent(
      Plan plan,
      Target target,
      Network network,
      InstantSource clock,
      LongSupplier timer,
      EventLog events) {
    this.plan = plan;
    this.target = target;
    this.network = network;
    this.clock = clock;
    this.timer = timer;
    this.events = events;
    this.wanted = plan.tunnels();
    this.whereabouts = new NetworkChange(clock);
    this.broker = plan.broker().dialer(network, plan.trust());
  }

  /** Begins to park tunnels. */
  public void start() {
    fill();
    network.afterMayBlock(LOOK_EVERY, this::look);
    network.after(CALM, this::calm);
  }

  /** Looks whether this machine has slept, or is somewhere else now. On a thread that may block. */
  private void look() {
    if (isClosed()) { // while the threads may go on, for others
      return;
    }
    changed |= whereabouts.haveChanged(SLEEP);
    if (changed && System.nanoTime() - renewedAt >= RENEW_EVERY.toNanos()) {
      changed = false;
      renewedAt = System.nanoTime();
      renew();
    }
    network.afterMayBlock(LOOK_EVERY, this::look);
  }

  /**
   * Parks fresh tunnels at once, since the old ones may be dead, and nobody would tell. Those are
   * not closed: only the broker knows whether it has just handed one out. What becomes of those
   * that are being opened says nothing of the new ways.
   */
  private void renew() {
    synchronized (this) {
      if (closed) {
        return;
      }
      opening.clear();
      parked.clear();
      failing = false;
      retrying = false;
      waiting = false;
      resting = 0;
      lost = 0;
      backoff.reset();
    }
    events.tell(Kind.RENEWED, "this machine has slept or moved; parking fresh tunnels");
    fill();
  }

  private void calm() {
    synchronized (this) {
      if (closed) {
        return;
      }
      if (leastParked > wanted / 2) {
        wanted = Math.max(plan.tunnels(), wanted - Math.max(1, wanted / 4));
      }
      leastParked = parked.size();
    }
    network.after(CALM, this::calm);
  }

  /** Returns how it is doing. */
  Status status() {
    Status.Traffic traffic = target.traffic();
    Optional<Duration> behind = Optional.ofNullable(clockBehind);
    synchronized (this) {
      return new Status(parked.size(), wanted, active, traffic, events.lastTrouble(), behind);
    }
  }

  /** Closes the parked tunnels, opens no more, and lets those in use finish, for a while. */
  @Override
  public void close() {
    close(TIME_TO_FINISH);
  }

  void close(Duration timeToFinish) {
    Set<AgentTunnel> all;
    synchronized (this) {
      closed = true;
      all = Set.copyOf(open);
    }
    all.forEach(AgentTunnel::closeIfUnused);
    target.drain();
    long until = System.nanoTime() + timeToFinish.toNanos();
    try {
      while (isBusy() && System.nanoTime() - until < 0) {
        TimeUnit.MILLISECONDS.sleep(20);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    target.end();
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  private synchronized boolean isBusy() {
    return parked.size() + active > 0;
  }

  /** Opens what is missing; while the broker does not take them, one at a time. */
  private void fill() {
    while (true) {
      AgentTunnel tunnel;
      synchronized (this) {
        boolean missing = opening.size() + parked.size() + resting + lost < wanted;
        boolean holdBack = waiting || failing && !opening.isEmpty();
        if (closed || !missing || holdBack) {
          return;
        }
        tunnel = new AgentTunnel(this, ++numbers);
        opening.add(tunnel);
        open.add(tunnel);
      }
      tunnel.open();
    }
  }

  void onParked(AgentTunnel tunnel) {
    int now;
    int of;
    boolean unwanted;
    boolean counts;
    synchronized (this) {
      counts = opening.remove(tunnel);
      if (counts) {
        parked.add(tunnel);
        failing = false;
      }
      now = parked.size();
      of = wanted;
      unwanted = closed;
    }
    if (unwanted) {
      tunnel.closeIfUnused();
    }
    if (unwanted || !counts) {
      return;
    }
    events.tell(
        Kind.PARKED, "parked a tunnel at " + plan.broker() + " (" + now + " of " + of + ")");
    fill();
  }

  void onTaken(AgentTunnel tunnel) {
    synchronized (this) {
      boolean counted = unpark(tunnel);
      active++;
      backoff.reset();
      if (counted && parked.isEmpty()) { // clients take them faster than they come back
        wanted = Math.min(plan.most(), wanted + Math.max(1, wanted / 2));
      }
    }
    fill();
  }

  /** Returns whether it still counted, and was not given up for a fresh one. */
  private boolean unpark(AgentTunnel tunnel) {
    boolean counted = parked.remove(tunnel);
    leastParked = Math.min(leastParked, parked.size());
    return counted;
  }

  /** A tunnel could not be parked. */
  void onFailed(AgentTunnel tunnel, String why) {
    if (forgetOpening(tunnel)) {
      retryLater(why, Duration.ZERO, false);
    }
  }

  /**
   * The broker did not take a tunnel.
   *
   * @param notBefore when it wants to be asked again
   */
  void onRefused(AgentTunnel tunnel, String why, Duration notBefore) {
    if (forgetOpening(tunnel)) {
      retryLater(why, notBefore, true);
    }
  }

  /** Returns whether it still counted. */
  private synchronized boolean forgetOpening(AgentTunnel tunnel) {
    open.remove(tunnel);
    return opening.remove(tunnel);
  }

  /** A parked tunnel was closed by the broker, unused. */
  void onClosedUnused(AgentTunnel tunnel, Duration age) {
    boolean young = age.compareTo(REST) < 0;
    synchronized (this) {
      open.remove(tunnel);
      if (!unpark(tunnel)) {
        return;
      }
      if (young) {
        resting++;
      } else {
        backoff.reset();
      }
    }
    if (young) {
      events.tell(
          Kind.CLOSED, "a tunnel was closed unused; it is replaced in " + REST.toSeconds() + " s");
      network.after(REST, this::endRest);
      network.after(TIME_TO_TELL, this::endRestIfAllAreGone);
    } else {
      fill();
    }
  }

  /**
   * A parked tunnel broke. While others are well only this one is replaced later; but where all
   * have gone it is the broker that went.
   */
  void onLost(AgentTunnel tunnel) {
    boolean all;
    synchronized (this) {
      if (!onClosed(tunnel)) {
        return;
      }
      lost++;
      all = parked.isEmpty();
    }
    retryLater("a tunnel was lost", Duration.ZERO, false, all);
  }

  private void endRest() {
    synchronized (this) {
      resting = Math.max(0, resting - 1);
    }
    fill();
  }

  /** A tunnel alone was not wanted; but where all have gone it is the broker that went. */
  private void endRestIfAllAreGone() {
    synchronized (this) {
      if (!parked.isEmpty() || resting == 0 || closed) {
        return;
      }
      resting = 0;
    }
    retryLater("the broker has closed all tunnels", Duration.ZERO, false);
  }

  /** A tunnel that was in use is over. */
  synchronized void onEnded(AgentTunnel tunnel) {
    open.remove(tunnel);
    active--;
  }

  /** A parked tunnel was closed from here; returns whether it still counted. */
  synchronized boolean onClosed(AgentTunnel tunnel) {
    open.remove(tunnel);
    return unpark(tunnel);
  }

  private void retryLater(String why, Duration notBefore, boolean refused) {
    retryLater(why, notBefore, refused, true);
  }

  /**
   * Replaces what is lost after a while.
   *
   * @param holdBack whether until then nothing is opened at all, and then one at a time
   */
  private void retryLater(String why, Duration notBefore, boolean refused, boolean holdBack) {
    Duration delay;
    synchronized (this) {
      failing |= holdBack;
      waiting |= holdBack;
      if (closed || retrying) {
        return;
      }
      retrying = true;
      delay = backoff.next(refused);
    }
    delay = delay.compareTo(notBefore) < 0 ? notBefore : delay;
    events.tell(
        refused ? Kind.REFUSED : Kind.LOST,
        String.format("%s; trying again in %.1f s", why, delay.toMillis() / 1000.0));
    network.after(delay, this::retry);
  }

  private void retry() {
    synchronized (this) {
      retrying = false;
      waiting = false;
      lost = 0;
    }
    fill();
  }

  /** The broker has told the time. */
  void onClock(Duration behind) {
    clockBehind = behind;
  }

  EventLog events() {
    return events;
  }

  Plan plan() {
    return plan;
  }

  Dialer broker() {
    return broker;
  }

  Target target() {
    return target;
  }

  Instant now() {
    return clock.instant();
  }

  long nanoTime() {
    return timer.getAsLong();
  }
}
