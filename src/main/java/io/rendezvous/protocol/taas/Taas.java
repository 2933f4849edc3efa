package io.rendezvous.protocol.taas;

import io.rendezvous.config.PortRange;
import io.rendezvous.config.Settings;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.http.Challenge;
import io.rendezvous.http.undertow.HttpRequest;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.net.Relays;
import io.rendezvous.protocol.ByHost;
import io.rendezvous.protocol.Matchmaker;
import io.rendezvous.protocol.PortLeases;
import io.rendezvous.protocol.TokenCheck;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.Tunnel;
import io.rendezvous.tunnel.TunnelListener;
import io.rendezvous.tunnel.TunnelRegistry;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;

/**
 * What all parts of the protocol share, and the way of a request to its part: one for the
 * registrar's host name goes on with {@link RegistrarRequest}, and parks a connection through
 * {@link PendingPorts}; one for a label's with {@link RedirectRequest}, and comes back to a port of
 * {@link Redirects} as a {@link PortClient}. Labels with a port of their own have it from {@link
 * FixedPorts}.
 *
 * <p>Any thread may call, but no I/O thread where it says so.
 */
public final class Taas implements ByHost, Presence {
  /** Nothing in this protocol retires what is parked; keepalive finds what is dead. */
  private static final Duration FOR_EVER = Duration.ofDays(3650);

  private static final String REALM = "taas";

  private final String registrar;
  private final String domain;
  private final Optional<String> address;
  private final Network network;
  private final EntryIndex index;
  private final TokenCheck tokens;
  private final TunnelListener observer;
  private final InstantSource clock;
  private final Challenge challenge = new Challenge("TOTP", REALM);
  private final PairingLog pairings = new PairingLog();
  private final Set<PortClient> guests = ConcurrentHashMap.newKeySet();
  private final TunnelRegistry tunnels;
  private final Matchmaker pairs;
  private final PortLeases ports;
  private final PendingPorts registrations;
  private final Redirects redirects;
  private final FixedPorts fixedPorts;

  /**
   * Creates the protocol.
   *
   * @param settings in which it is switched on
   * @param limits how many sockets it may have, listening ones counted
   */
  public Taas(
      Settings settings,
      Network network,
      EntryIndex index,
      TokenCheck tokens,
      Relays relays,
      TunnelListener observer,
      InstantSource clock,
      Listener.Limits limits) {
    this.registrar = settings.taas().host().orElseThrow().toLowerCase(Locale.ROOT);
    this.domain = settings.domain().orElseThrow().toLowerCase(Locale.ROOT);
    this.address = settings.taas().address();
    this.network = network;
    this.index = index;
    this.tokens = tokens;
    this.observer = observer;
    this.clock = clock;
    PortRange range = PortRange.parse(settings.taas().ports()).orElseThrow();
    this.ports = new PortLeases(network, settings.host(), range, limits);
    int parked = settings.limits().parked();
    this.tunnels =
        new TunnelRegistry(
            new TunnelRegistry.Limits(
                settings.tunnelsPerId(),
                parked == 0 ? limits.connections() : Math.min(parked, limits.connections()),
                0,
                Duration.ZERO,
                FOR_EVER,
                TunnelRegistry.NO_PROBE),
            TunnelListener.all(List.of(observer, new Changes())));
    this.pairs = new Matchmaker(tunnels, relays, observer, clock);
    this.registrations = new PendingPorts(this, settings.tunnelsPerId());
    this.redirects = new Redirects(this);
    this.fixedPorts = new FixedPorts(this, index);
  }

  /** Has the ports of labels follow what is parked. */
  private final class Changes implements TunnelListener {
    @Override
    public void parked(UUID id) {
      fixedPorts.changed(id);
    }

    @Override
    public void ended(UUID id, Tunnel.End why) {
      fixedPorts.changed(id);
    }
  }

  @Override
  public boolean takes(HttpRequest request) {
    boolean ours = request.head().hostName().equals(registrar);
    if (ours) {
      RegistrarRequest.start(this, request);
    }
    return ours;
  }

  @Override
  public boolean takes(
      HttpRequest request, Optional<Entry> entry, String label, boolean otherwiseServed) {
    Optional<UUID> id = entry.map(Entry::id);
    if (id.isPresent() && tunnels.labels(id.get()).contains(label)) {
      RedirectRequest.redirect(this, request, id.get(), label);
      return true;
    }
    if (!otherwiseServed) {
      id.ifPresent(observer::absent);
      RedirectRequest.refuse(this, request);
      return true;
    }
    return false;
  }

  @Override
  public Counts counts(UUID id) {
    return tunnels.counts(id);
  }

  @Override
  public Map<UUID, Counts> counts() {
    return tunnels.counts();
  }

  @Override
  public void revoke(UUID id) {
    registrations.revoke(id);
    redirects.revoke(id);
    tunnels.revoke(id);
    guests.stream().filter(guest -> guest.id().equals(id)).forEach(PortClient::end);
    fixedPorts.changed(id);
    pairings.forget(id);
  }

  /** Returns how many connections are parked now. */
  public int parked() {
    return tunnels.parked();
  }

  /** Returns how many ports are in use now. */
  public int portsInUse() {
    return ports.leased();
  }

  /** Returns the connections to any of the ports that are open now. */
  public Set<Conn> open() {
    return ports.connections().open();
  }

  /**
   * Gives back ports that nobody has come to, and ends what says nothing. To be called from time to
   * time, on no I/O thread.
   *
   * @param now {@link System#nanoTime}
   */
  public void sweep(long now) {
    registrations.sweep(now);
    redirects.sweep(now);
    guests.forEach(guest -> guest.sweep(now));
    tunnels.sweep(now);
    fixedPorts.sweep();
  }

  /** Gives back all ports, and ends what is parked. Pairs go on. On no I/O thread. */
  public void drain() {
    ports.shut();
    tunnels.drain();
    open().forEach(conn -> conn.execute(conn::drain));
  }

  /** Runs a task that may block, soon, unless the process ends. */
  void work(Runnable task) {
    try {
      network.worker().execute(task);
    } catch (RejectedExecutionException e) {
      // The process ends, and with it whoever waits for this.
    }
  }

  Instant now() {
    return clock.instant();
  }

  /** Returns the host name that a label is reached by. */
  String hostOf(String label) {
    return label + "." + domain;
  }

  Optional<String> address() {
    return address;
  }

  EntryIndex index() {
    return index;
  }

  TokenCheck tokens() {
    return tokens;
  }

  TunnelListener observer() {
    return observer;
  }

  Challenge challenge() {
    return challenge;
  }

  PairingLog pairings() {
    return pairings;
  }

  Set<PortClient> guests() {
    return guests;
  }

  TunnelRegistry tunnels() {
    return tunnels;
  }

  Matchmaker pairs() {
    return pairs;
  }

  PortLeases ports() {
    return ports;
  }

  PendingPorts registrations() {
    return registrations;
  }

  Redirects redirects() {
    return redirects;
  }

  FixedPorts fixedPorts() {
    return fixedPorts;
  }
}
