package io.rendezvous.protocol.taas;

import io.rendezvous.config.PortRange;
import io.rendezvous.config.Settings;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.protocol.ClientRequest;
import io.rendezvous.protocol.LabelResolver;
import io.rendezvous.protocol.PortLeases;
import io.rendezvous.protocol.Protocol;
import io.rendezvous.protocol.Refusals;
import io.rendezvous.protocol.TunnelService;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.Rendezvous;
import io.rendezvous.tunnel.Tunnel;
import io.rendezvous.tunnel.TunnelListener;
import io.rendezvous.tunnel.TunnelRegistry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * TAAS, the protocol with labels and ports. A request for the registrar's host name is a hidden
 * server's, and goes on with {@link RegistrarHost}, which opens one of the {@link PendingPorts} for
 * its connection. A request for a label's host name is a client's: the {@link ClientRedirector}
 * sends it to a port of {@link Redirects}, where it is one of the {@link PortClients}. A label may
 * also have one of the {@link FixedPorts}.
 *
 * <p>Any thread may call, except where it says so.
 */
public final class Taas implements Protocol, Presence {
  /** Nothing in this protocol retires what is parked. Keepalive finds what is dead. */
  private static final Duration FOR_EVER = Duration.ofDays(3650);

  private final String registrar;
  private final String domain;
  private final TunnelRegistry tunnels;
  private final Refusals refusals;
  private final Predicate<UUID> servedOtherwise;
  private final PairingLog pairings = new PairingLog();
  private final PortLeases ports;
  private final PortClients clients;
  private final PendingPorts pendingPorts;
  private final Redirects redirects;
  private final FixedPorts fixedPorts;
  private final RegistrarHost registrarHost;
  private final ClientRedirector redirector;

  /** What the protocol uses of the broker. */
  public interface Context {
    /** Returns the protocol's own tunnels, which tell this listener too. */
    TunnelService tunnels(TunnelListener listener);

    /** Returns whether another protocol would find a hidden server for a client. */
    boolean isServedOtherwise(UUID id);
  }

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
      Refusals refusals,
      Context context,
      Listener.Limits limits,
      InstantSource clock) {
    this.registrar = settings.taas().host().orElseThrow().toLowerCase(Locale.ROOT);
    this.domain = settings.domain().orElseThrow().toLowerCase(Locale.ROOT);
    this.refusals = refusals;
    this.servedOtherwise = context::isServedOtherwise;
    PortRange range = PortRange.parse(settings.taas().ports()).orElseThrow();
    Executor worker = network.worker();
    TunnelService service = context.tunnels(new Changes());
    this.tunnels = service.registry();
    LongSupplier ticker = tunnels::now;
    this.ports = new PortLeases(network, settings.host(), range, limits);
    this.clients = new PortClients(service, pairings, clock);
    this.pendingPorts = new PendingPorts(ports, service.parking(), ticker, settings.tunnelsPerId());
    this.redirects = new Redirects(ports, clients, ticker);
    this.fixedPorts = new FixedPorts(ports, tunnels, index, clients, worker);
    this.registrarHost =
        new RegistrarHost(
            service.parking(), index, pendingPorts, pairings, refusals, settings.taas().address());
    this.redirector = new ClientRedirector(redirects, refusals, worker);
  }

  /**
   * Returns the limits of the registry that this protocol needs.
   *
   * @param sockets how many the protocol may have
   */
  public static TunnelRegistry.Limits limits(Settings settings, int sockets) {
    int parked = settings.limits().parked();
    return new TunnelRegistry.Limits(
        settings.tunnelsPerId(),
        parked == 0 ? sockets : Math.min(parked, sockets),
        0,
        Duration.ZERO,
        FOR_EVER,
        TunnelRegistry.NO_PROBE);
  }

  /** Makes the ports of labels follow what is parked. */
  private final class Changes implements TunnelListener {
    @Override
    public void parked(UUID id) {
      fixedPorts.changed(id);
    }

    @Override
    public void ended(UUID id, Tunnel.End why) {
      fixedPorts.changed(id);
    }

    @Override
    public void paired(Rendezvous rendezvous) {
      fixedPorts.changed(rendezvous.id());
    }
  }

  /**
   * Claims the registrar's host name, labels that something is parked for, and labels whose hidden
   * server no other protocol would find.
   */
  @Override
  public boolean claims(ClientRequest request) {
    if (isForRegistrar(request)) {
      return true;
    }
    if (request.named().isEmpty()) {
      return false;
    }
    ClientRequest.Named named = request.named().get();
    Optional<Entry> entry = named.entry();
    if (named.found() instanceof LabelResolver.Found.Unavailable
        || entry.map(Entry::isChallenged).orElse(false)) {
      return false;
    }
    return isParked(named) || !entry.map(Entry::id).filter(servedOtherwise).isPresent();
  }

  @Override
  public void accept(ClientRequest request) {
    if (isForRegistrar(request)) {
      registrarHost.accept(request);
      return;
    }
    ClientRequest.Named named = request.named().orElseThrow();
    Optional<UUID> id = named.entry().map(Entry::id);
    if (id.isPresent() && isParked(named)) {
      String label = named.label();
      redirector.redirect(request, id.get(), label, label + "." + domain);
    } else {
      id.ifPresent(refusals::absent);
      redirector.refuse(request);
    }
  }

  private boolean isForRegistrar(ClientRequest request) {
    return request.head().hostName().equals(registrar);
  }

  private boolean isParked(ClientRequest.Named named) {
    return named
        .entry()
        .map(entry -> tunnels.labels(entry.id()).contains(named.label()))
        .orElse(false);
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
  public Totals totals() {
    return tunnels.totals();
  }

  @Override
  public void revoke(UUID id) {
    pendingPorts.revoke(id);
    redirects.revoke(id);
    tunnels.revoke(id);
    clients.revoke(id);
    fixedPorts.changed(id);
    pairings.forget(id);
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
   * Gives back ports that are not used, and ends connections that say nothing. To be called
   * periodically, not on an I/O thread.
   *
   * @param now in nanoseconds
   */
  public void sweep(long now) {
    pendingPorts.sweep(now);
    redirects.sweep(now);
    clients.sweep(now);
    tunnels.sweep(now);
    fixedPorts.sweep();
  }

  /** Gives back all ports, and ends what is parked. Pairs go on. Not on an I/O thread. */
  public void drain() {
    ports.shut();
    tunnels.drain();
    open().forEach(conn -> conn.execute(conn::drain));
  }
}
