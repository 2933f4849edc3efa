package io.rendezvous.protocol.taas;

import io.rendezvous.config.PortRange;
import io.rendezvous.config.Settings;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.Label;
import io.rendezvous.net.Conn;
import io.rendezvous.net.ConnectionLimiter;
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
import java.net.InetSocketAddress;
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
 * TAAS, the protocol with labels and ports.
 *
 * <p>A request for the registrar's host name comes from a hidden server. {@link RegistrarHost}
 * serves it, and opens one of the {@link PendingPorts} for the server's connection. A request for a
 * label's host name comes from a client. {@link ClientRedirector} sends it to a port of {@link
 * Redirects}, where it becomes one of the {@link PortClients}. A label may also have a port of its
 * own among the {@link FixedPorts}.
 *
 * <p>Any thread may call, except where a method excludes I/O threads.
 */
public final class Taas implements Protocol, Presence {
  /** In effect no limit: this protocol retires no tunnel. TCP keepalive finds the dead ones. */
  private static final Duration NO_MAX_AGE = Duration.ofDays(3650);

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

  /** What the protocol needs from the broker. */
  public interface Context {
    /**
     * Returns the protocol's own tunnels.
     *
     * @param listener is told of these tunnels, besides the broker's listener
     */
    TunnelService tunnels(TunnelListener listener);

    /** Returns whether another protocol has that hidden server connected. */
    boolean isServedOtherwise(UUID id);
  }

  /**
   * Creates the protocol.
   *
   * @param settings have TAAS switched on
   * @param limiter limits the connections to the ports, and the ports
   */
  public Taas(
      Settings settings,
      Network network,
      EntryIndex index,
      Refusals refusals,
      Context context,
      ConnectionLimiter limiter,
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
    this.ports = new PortLeases(network, settings.host(), range, limiter);
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
   * @param maxConnections the maximum of open connections
   */
  public static TunnelRegistry.Limits limits(Settings settings, int maxConnections) {
    int parked = settings.limits().parked();
    return new TunnelRegistry.Limits(
        settings.tunnelsPerId(),
        parked == 0 ? maxConnections : parked,
        0,
        Duration.ZERO,
        NO_MAX_AGE,
        TunnelRegistry.NO_PROBE);
  }

  /** Makes the fixed ports follow the parked tunnels. */
  private final class Changes implements TunnelListener {
    @Override
    public void parked(UUID id, InetSocketAddress from) {
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
   * Claims requests for the registrar's host name, for labels with a parked tunnel, and for labels
   * whose hidden server is not connected by another protocol.
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
        || entry.filter(e -> e.isChallenged() || e.hasPassword()).isPresent()) {
      return false;
    }
    return parkedLabel(named).isPresent()
        || !entry.map(Entry::id).filter(servedOtherwise).isPresent();
  }

  @Override
  public void accept(ClientRequest request) {
    if (isForRegistrar(request)) {
      registrarHost.accept(request);
      return;
    }
    ClientRequest.Named named = request.named().orElseThrow();
    Optional<UUID> id = named.entry().map(Entry::id);
    Optional<String> label = parkedLabel(named);
    if (id.isPresent() && label.isPresent()) {
      redirector.redirect(request, id.get(), label.get(), named.label() + "." + domain);
    } else {
      id.ifPresent(refusals::absent);
      redirector.refuse(request);
    }
  }

  private boolean isForRegistrar(ClientRequest request) {
    return request.head().hostName().equals(registrar);
  }

  /** Returns the label that the client means, if a tunnel is parked for it. */
  private Optional<String> parkedLabel(ClientRequest.Named named) {
    return named.entry().flatMap(entry -> Label.find(tunnels.labels(entry.id()), named.label()));
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

  /** Handles that clients of a hidden server need a password, for which its ports cannot ask. */
  public void passwordSet(UUID id) {
    fixedPorts.changed(id);
  }

  /** Returns how many ports are in use now. */
  public int portsInUse() {
    return ports.leased();
  }

  /** Returns the open connections to the ports. */
  public Set<Conn> open() {
    return ports.open();
  }

  /**
   * Gives back unused ports, and ends silent connections. To be called periodically, not on an I/O
   * thread.
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

  /**
   * Gives back all ports, and ends parked tunnels. Pairs go on. Must not be called on an I/O
   * thread.
   */
  public void drain() {
    ports.close();
    tunnels.drain();
    open().forEach(conn -> conn.execute(conn::drain));
  }
}
