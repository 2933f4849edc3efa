package io.rendezvous.agent;

import io.rendezvous.agent.Event.Kind;
import io.rendezvous.entry.Totp;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.FailureText;
import io.rendezvous.net.Network;
import io.rendezvous.net.Recurring;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a number of tunnels parked at a broker and passes each one that a client takes to a {@link
 * Target}. It never gives up: it retries after every failure, at growing intervals of up to half a
 * minute.
 *
 * <p>The {@link AgentPool} decides when a tunnel is opened, and each {@link AgentTunnel} reports
 * here what happens to it. Any thread may call; no lock is held while a tunnel is dialled or closed
 * or an event is told.
 */
final class Agent implements AutoCloseable {
  /**
   * A tunnel that the broker closes unused before this age is not replaced for this time: the
   * broker does not want so many.
   */
  private static final Duration REST = Duration.ofMinutes(1);

  /** Time after which it is known whether the broker closed one tunnel or all of them. */
  private static final Duration TIME_TO_CLOSE_ALL = Duration.ofSeconds(1);

  private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

  /** Minimum time between two renewals, for machines whose addresses change all the time. */
  private static final Duration RENEW_EVERY = Duration.ofSeconds(20);

  private static final Duration SHRINK_EVERY = Duration.ofMinutes(1);
  private static final Duration TIME_TO_FINISH = Duration.ofSeconds(30);

  /**
   * What an agent does.
   *
   * @param id the hidden server's UUID
   * @param totp its secret
   * @param broker the broker's address
   * @param trusted the certificates that the broker's is verified with
   * @param tunnels how many tunnels are kept parked
   * @param maxTunnels how many at most, while clients take them faster than new ones are parked
   */
  record Plan(
      UUID id,
      Totp totp,
      Address broker,
      TrustedCertificates trusted,
      int tunnels,
      int maxTunnels) {}

  private final Plan plan;
  private final Network network;
  private final Dialer dialer;
  private final Target target;
  private final InstantSource clock;
  private final LongSupplier ticker;
  private final EventLog events;
  private final AgentPool pool;
  private final Set<AgentTunnel> tunnels = ConcurrentHashMap.newKeySet(); // connected
  private final NetworkChange networkChange;
  private final List<Recurring> duties = new CopyOnWriteArrayList<>();
  private final AtomicBoolean reachable = new AtomicBoolean(); // since a tunnel was parked
  private volatile @Nullable Duration clockBehind;

  // Used by one thread at a time: the one that looks for network changes.
  private volatile boolean changed;
  private volatile long renewedAt = System.nanoTime() - RENEW_EVERY.toNanos();

  /**
   * Creates an agent, which does nothing before {@link #start}.
   *
   * @param ticker tells nanoseconds, by which the ages of tunnels are measured
   */
  Agent(
      Plan plan,
      Target target,
      Network network,
      InstantSource clock,
      LongSupplier ticker,
      EventLog events) {
    this.plan = plan;
    this.target = target;
    this.network = network;
    this.clock = clock;
    this.ticker = ticker;
    this.events = events;
    this.dialer = plan.broker().dialer(network, plan.trusted());
    this.networkChange = new NetworkChange(clock);
    Backoff backoff = new Backoff(ThreadLocalRandom.current(), System::nanoTime);
    this.pool = new AgentPool(plan.tunnels(), plan.maxTunnels(), backoff);
  }

  /** Begins to park tunnels. */
  void start() {
    fill();
    duties.add(
        network.everyOnWorker(
            LOOK_EVERY, "looking for a change of the network", this::lookForNetworkChange));
    duties.add(network.every(SHRINK_EVERY, "closing spare tunnels", pool::shrink));
    if (pool.isClosed()) { // closed meanwhile
      duties.forEach(Recurring::close);
    }
  }

  /** Opens the tunnels that are missing. */
  private void fill() {
    OptionalInt number = pool.open();
    while (number.isPresent()) {
      open(number.getAsInt());
      number = pool.open();
    }
  }

  private void open(int number) {
    dialer.dial(
        new Dialer.Result() {
          @Override
          public void opened(Conn conn) {
            AgentTunnel tunnel = new AgentTunnel(Agent.this, number, conn);
            tunnels.add(tunnel);
            tunnel.requestParking();
          }

          @Override
          public void failed(IOException reason) {
            retryLater(pool.failed(number, false), FailureText.of(reason));
          }
        });
  }

  // Duties that recur.

  private void lookForNetworkChange() {
    changed |= networkChange.hasOccurred();
    if (changed && System.nanoTime() - renewedAt >= RENEW_EVERY.toNanos()) {
      changed = false;
      renewedAt = System.nanoTime();
      renew();
    }
  }

  /**
   * Parks fresh tunnels at once, since the old ones may be dead without a sign. The old ones are
   * not closed: only the broker knows whether it has just given one to a client.
   */
  private void renew() {
    if (pool.renew()) {
      events.tell(
          Kind.RENEWED, "this machine has slept or changed its network; parking fresh tunnels");
      fill();
    }
  }

  // What tunnels report.

  void onParked(AgentTunnel tunnel) {
    boolean counted = pool.parked(tunnel.number());
    if (pool.isClosed()) {
      tunnel.closeIfParked();
    } else if (counted) {
      AgentPool.Counts counts = pool.counts();
      events.tell(
          Kind.PARKED,
          String.format(
              "parked a tunnel at %s (%d of %d)", plan.broker(), counts.parked(), counts.wanted()));
      if (reachable.compareAndSet(false, true)) {
        events.tell(
            Kind.REACHABLE,
            String.format("clients reach it at https://%s:x@%s/", plan.id(), plan.broker()));
      }
      fill();
    }
  }

  void onTaken(AgentTunnel tunnel) {
    pool.taken(tunnel.number());
    fill();
  }

  /** Handles the end of a tunnel that a client had taken. */
  void onEnded(AgentTunnel tunnel) {
    tunnels.remove(tunnel);
    pool.ended();
  }

  /** Handles a tunnel that broke before it was parked. */
  void onFailed(AgentTunnel tunnel, String why) {
    tunnels.remove(tunnel);
    retryLater(pool.failed(tunnel.number(), false), why);
  }

  /**
   * Handles the broker's refusal to park a tunnel.
   *
   * @param notBefore how long the broker asks not to be asked again
   */
  void onRefused(AgentTunnel tunnel, String why, Duration notBefore) {
    tunnels.remove(tunnel);
    pool.failed(tunnel.number(), true)
        .map(delay -> delay.compareTo(notBefore) < 0 ? notBefore : delay)
        .ifPresent(delay -> retryLater(delay, Kind.REFUSED, why));
  }

  /** Handles a parked tunnel that broke. */
  void onLost(AgentTunnel tunnel) {
    tunnels.remove(tunnel);
    retryLater(pool.lost(tunnel.number()), "a tunnel was lost");
  }

  /** Handles a tunnel whose connection was closed, unless its end was handled before. */
  void onDropped(AgentTunnel tunnel) {
    onFailed(tunnel, "a tunnel was lost");
    onLost(tunnel);
  }

  /** Handles a parked tunnel that the broker closed unused. */
  void onClosedUnused(AgentTunnel tunnel, Duration age) {
    tunnels.remove(tunnel);
    boolean rest = age.compareTo(REST) < 0;
    if (!pool.closedUnused(tunnel.number(), rest)) {
      return;
    }
    if (rest) {
      events.tell(
          Kind.CLOSED,
          "the broker closed an unused tunnel; replacing it in " + REST.toSeconds() + " s");
      network.after(REST, this::endRest);
      network.after(TIME_TO_CLOSE_ALL, this::endRestsIfNoneIsParked);
    } else {
      fill();
    }
  }

  /** Handles a parked tunnel that this agent closed. */
  void onClosed(AgentTunnel tunnel) {
    tunnels.remove(tunnel);
    pool.unpark(tunnel.number());
  }

  private void endRest() {
    pool.endRest();
    fill();
  }

  private void endRestsIfNoneIsParked() {
    retryLater(pool.endRestsIfNoneIsParked(), "the broker has closed all tunnels");
  }

  private void retryLater(Optional<Duration> delay, String why) {
    delay.ifPresent(time -> retryLater(time, Kind.LOST, why));
  }

  private void retryLater(Duration delay, Kind kind, String why) {
    events.tell(kind, String.format("%s; trying again in %.1f s", why, delay.toMillis() / 1000.0));
    network.after(
        delay,
        () -> {
          pool.beginRetry();
          fill();
        });
  }

  /** Records how much this machine's clock is behind the broker's. */
  void onClockBehind(Duration behind) {
    clockBehind = behind;
  }

  // The end.

  /**
   * Closes the parked tunnels, opens no more, and waits up to half a minute for those in use to
   * end. Blocks.
   */
  @Override
  public void close() {
    close(TIME_TO_FINISH);
  }

  void close(Duration timeToFinish) {
    pool.close(); // first, so that a tunnel that is being opened closes itself
    duties.forEach(Recurring::close);
    tunnels.forEach(AgentTunnel::closeIfParked);
    target.drain();
    long end = System.nanoTime() + timeToFinish.toNanos();
    try {
      while (isBusy() && System.nanoTime() - end < 0) {
        TimeUnit.MILLISECONDS.sleep(20);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    target.end();
  }

  private boolean isBusy() {
    AgentPool.Counts counts = pool.counts();
    return counts.parked() + counts.active() > 0;
  }

  // Accessors.

  /** Returns how the hidden server is doing. */
  Status status() {
    AgentPool.Counts counts = pool.counts();
    return new Status(
        counts.parked(),
        counts.wanted(),
        counts.active(),
        target.traffic(),
        events.lastTrouble(),
        Optional.ofNullable(clockBehind));
  }

  EventLog events() {
    return events;
  }

  Plan plan() {
    return plan;
  }

  Target target() {
    return target;
  }

  Instant now() {
    return clock.instant();
  }

  long nanoTime() {
    return ticker.getAsLong();
  }
}
