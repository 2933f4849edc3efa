package io.rendezvous;

import io.rendezvous.admin.AdminServer;
import io.rendezvous.admin.BrokerView;
import io.rendezvous.config.Settings;
import io.rendezvous.entry.Authenticator;
import io.rendezvous.entry.ClientAuthenticator;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.EntryListener;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.KnownSources;
import io.rendezvous.entry.MeteredStore;
import io.rendezvous.entry.Provisioner;
import io.rendezvous.entry.StaleOnErrorStore;
import io.rendezvous.entry.VoidPasswords;
import io.rendezvous.link.LinkKeyStore;
import io.rendezvous.net.ConnectionCapacity;
import io.rendezvous.net.ConnectionGroup;
import io.rendezvous.net.ConnectionLimiter;
import io.rendezvous.net.FailureText;
import io.rendezvous.net.HeapGuard;
import io.rendezvous.net.Layer;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.net.Relays;
import io.rendezvous.protocol.HttpWithoutTls;
import io.rendezvous.protocol.LabelResolver;
import io.rendezvous.protocol.LinkResolver;
import io.rendezvous.protocol.Matchmaker;
import io.rendezvous.protocol.Parking;
import io.rendezvous.protocol.Protocol;
import io.rendezvous.protocol.ProtocolDetector;
import io.rendezvous.protocol.Refusals;
import io.rendezvous.protocol.RequestRecords;
import io.rendezvous.protocol.TokenCheck;
import io.rendezvous.protocol.TunnelService;
import io.rendezvous.protocol.connect.ConnectProtocol;
import io.rendezvous.protocol.link.LinkPages;
import io.rendezvous.protocol.registrar.Registrar;
import io.rendezvous.protocol.taas.Taas;
import io.rendezvous.telemetry.Metrics;
import io.rendezvous.telemetry.Telemetry;
import io.rendezvous.tls.Tls;
import io.rendezvous.tls.keys.ServerCertificate;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.TunnelListener;
import io.rendezvous.tunnel.TunnelRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The whole broker: assembled from its settings, started in order, stopped in reverse. Nothing
 * listens before {@link #start}. {@link #protocols} is where to read on.
 */
public final class Broker implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Broker.class);
  private static final Duration CHECK_CERTIFICATE_EVERY = Duration.ofSeconds(2);
  private static final Duration FORGET_EVERY = Duration.ofMinutes(1);

  private final Settings settings;
  private final InstantSource clock;
  private final LongSupplier ticker = System::nanoTime;
  private final Optional<ServerCertificate> certificate;
  private final EntryStore store;
  private final EntryIndex index;
  private final Telemetry telemetry;
  private final Network network;
  private final Relays relays;
  private final Reload reload = new Reload();
  private final ClientAuthenticator clients;
  private final TokenCheck tokens;
  private final LabelResolver labels;
  private final LinkResolver links;
  private final Refusals refusals;
  private final Provisioner provisioner;
  private final ConnectionCapacity capacity;
  private final ConnectionLimiter connections;
  private final TunnelListener tunnelListener;
  private final TunnelService tunnels;
  private final ConnectProtocol connect;
  private final LinkPages linkPages;
  private final Optional<Taas> taas;
  private final Optional<Registrar> registrar;
  private final Presence presence;
  private final Sweeps sweeps;
  private volatile Optional<Listener> listener = Optional.empty();
  private Optional<AdminServer> admin = Optional.empty();
  private Optional<HeapGuard> heapGuard = Optional.empty();
  private volatile boolean draining;

  /**
   * Assembles the broker.
   *
   * @param store where entries are kept; closed with the broker
   * @param certificate what TLS shows; empty for plain HTTP
   * @throws IOException if the I/O threads cannot be started
   */
  public Broker(
      Settings settings,
      EntryStore store,
      Optional<ServerCertificate> certificate,
      InstantSource clock)
      throws IOException {
    this(settings, store, certificate, clock, List.of());
  }

  /**
   * Assembles the broker with more listeners.
   *
   * @param more are told what happens, on I/O threads
   */
  public Broker(
      Settings settings,
      EntryStore store,
      Optional<ServerCertificate> certificate,
      InstantSource clock,
      List<TunnelListener> more)
      throws IOException {
    this.settings = settings;
    this.clock = clock;
    this.certificate = certificate;
    // The store is metered below the one that keeps stale entries, which hides that it is away.
    Metrics metrics = new Metrics(settings.metrics().byUuid());
    this.store =
        new StaleOnErrorStore(new MeteredStore(store, metrics), clock, settings.store().grace());
    this.index = new EntryIndex(this.store);
    this.telemetry =
        new Telemetry(settings, metrics, this.store, id -> index.known(id).isPresent(), clock);
    this.tunnelListener = telemetry.listener(more);
    this.network = new Network("broker", Runtime.getRuntime().availableProcessors());
    this.relays = new Relays(settings.linger(), settings.stall());
    reload.add(changed -> relays.setTimes(changed.linger(), changed.stall()));
    this.clients = newClientAuthenticator();
    this.tokens = new TokenCheck(network, newAuthenticator(), clients::seen);
    this.labels = new LabelResolver(settings.domain(), index, clock);
    this.links = new LinkResolver(new LinkKeyStore(settings, this.store), this.store, clock);
    this.refusals = new Refusals(tunnelListener, clock);
    this.provisioner =
        new Provisioner(
            settings, certificate, () -> listener.map(l -> l.address().getPort()).orElse(0));
    this.capacity =
        ConnectionCapacity.of(
            settings.limits().connections(),
            settings.admin().enabled() ? AdminServer.MAX_CONNECTIONS : 0);
    this.connections =
        new ConnectionLimiter(
            new Listener.Limits(capacity.connections(), settings.limits().perSource()));
    reload.add(changed -> connections.setPerSource(changed.limits().perSource()));
    this.tunnels = newTunnels(this::connectLimits, tunnelListener);
    this.connect =
        new ConnectProtocol(
            tunnels,
            new ConnectProtocol.Directory(labels, links, clients),
            settings.realm(),
            refusals,
            clock,
            network.worker());
    connect.setRelayMode(settings.relay());
    reload.add(changed -> connect.setRelayMode(changed.relay()));
    this.linkPages =
        new LinkPages(links, clients, certificate.isPresent(), refusals, network.worker());
    this.taas = newTaas();
    this.registrar = newRegistrar();
    this.presence = newPresence();
    this.sweeps = newSweeps();
    metrics.watch(presence, relays);
    metrics.watch(network);
    metrics.watch(connections);
    certificate.ifPresent(metrics::watch);
  }

  private Authenticator newAuthenticator() {
    Authenticator made =
        new Authenticator(
            store,
            clock,
            KnownSources.in(
                settings.admin().ledger().resolveSibling("known.sources"), network.worker()),
            settings.guesses().perSource(),
            settings.guesses().perUuid());
    reload.add(
        changed -> made.setBudgets(changed.guesses().perSource(), changed.guesses().perUuid()));
    return made;
  }

  private ClientAuthenticator newClientAuthenticator() {
    ClientAuthenticator made =
        new ClientAuthenticator(
            store,
            index,
            settings.realm(),
            clock,
            KnownSources.in(
                settings.admin().ledger().resolveSibling("known.clients"), network.worker()),
            settings.guesses().perSource(),
            settings.guesses().perUuid());
    reload.add(
        changed -> made.setBudgets(changed.guesses().perSource(), changed.guesses().perUuid()));
    return made;
  }

  private TunnelRegistry.Limits connectLimits(Settings from) {
    int parked = from.limits().parked();
    return new TunnelRegistry.Limits(
        from.tunnelsPerId(),
        parked == 0 ? capacity.connections() : parked,
        from.limits().waitingPerId(),
        from.patience(),
        from.tunnelAge(),
        from.probe());
  }

  private TunnelService newTunnels(
      Function<Settings, TunnelRegistry.Limits> limits, TunnelListener told) {
    TunnelRegistry registry = new TunnelRegistry(limits.apply(settings), told, ticker);
    reload.add(changed -> registry.setLimits(limits.apply(changed)));
    return new TunnelService(
        registry,
        new Parking(tokens, registry, ticker),
        new Matchmaker(registry, relays, told, clock, ticker),
        new RequestRecords(settings.requests() == Settings.Switch.ON, told, clock));
  }

  private Optional<Taas> newTaas() {
    if (!settings.taas().enabled()) {
      return Optional.empty();
    }
    Taas.Context context =
        new Taas.Context() {
          @Override
          public TunnelService tunnels(TunnelListener own) {
            return newTunnels(
                from -> Taas.limits(from, capacity.connections()),
                TunnelListener.all(List.of(tunnelListener, own)));
          }

          @Override
          public boolean isServedOtherwise(UUID id) {
            return tunnels.registry().isConnected(id);
          }
        };
    return Optional.of(new Taas(settings, network, index, refusals, context, connections, clock));
  }

  private Optional<Registrar> newRegistrar() {
    if (!settings.registrar().enabled()) {
      return Optional.empty();
    }
    TunnelService own =
        newTunnels(from -> Registrar.limits(from, capacity.connections()), tunnelListener);
    return Optional.of(
        new Registrar(settings, network, own, refusals, provisioner, connections, clock));
  }

  private Presence newPresence() {
    List<Presence> all = new ArrayList<>(List.of(tunnels.registry()));
    registrar.ifPresent(older -> all.add(older.presence()));
    taas.ifPresent(all::add);
    return Presence.all(all);
  }

  /**
   * Returns the protocols of the main listener, in the order in which they are offered a
   * connection.
   */
  private List<Protocol> protocols() {
    List<Protocol> all = new ArrayList<>();
    all.add(new HttpWithoutTls(refusals)); // http:// where https:// is spoken
    taas.ifPresent(all::add); // host names of its own
    all.add(linkPages); // its own pages
    all.add(connect); // CONNECT, and every request that no other protocol claims
    return all;
  }

  private ProtocolDetector detector(List<Protocol> protocols) {
    return new ProtocolDetector(protocols, labels, refusals, clock, network.worker());
  }

  /**
   * Begins to serve.
   *
   * @throws IOException if an address is not available
   */
  public void start() throws IOException {
    LOG.info("At most {} connections: {}", capacity.connections(), reason(capacity.decider()));
    // First what watches, so that nothing that is served goes unwatched.
    heapGuard = Optional.of(new HeapGuard(connections));
    admin = settings.admin().enabled() ? startAdmin() : Optional.empty();
    store.onChange(new ChangeHandler());
    startDuties();
    if (registrar.isPresent()) {
      Registrar older = registrar.get();
      List<Protocol> registrars =
          List.of(new HttpWithoutTls(refusals), older.requests(), linkPages, connect);
      older.start(layer(), detector(registrars));
    }
    // Last the main listener: who finds it open finds everything.
    listener = Optional.of(listen());
    listener.ifPresent(telemetry.metrics()::watch);
  }

  private final class ChangeHandler implements EntryListener {
    @Override
    public void revoked(UUID id) {
      presence.revoke(id);
    }

    @Override
    public void passwordSet(UUID id) {
      clients.mark(id);
      registrar.ifPresent(older -> older.passwordSet(id));
      taas.ifPresent(open -> open.passwordSet(id));
    }
  }

  private static String reason(ConnectionCapacity.Decider decider) {
    return switch (decider) {
      case SETTING -> "rendezvous.limits.connections says so";
      case DESCRIPTORS -> "the process has file descriptors for so many";
      case HEAP -> "the heap has 64 KiB for each; raise -Xmx for more";
    };
  }

  private Listener listen() throws IOException {
    InetSocketAddress address = new InetSocketAddress(settings.host(), settings.port());
    try {
      return network.listen(
          address, layer(), new ConnectionGroup(connections), detector(protocols())::accept);
    } catch (IOException e) {
      throw new IOException(
          "cannot listen on %s port %d (rendezvous.host, rendezvous.port): %s"
              .formatted(settings.host(), settings.port(), FailureText.of(e)),
          e);
    }
  }

  private @Nullable Layer layer() {
    return certificate.map(pair -> Tls.accepting(network, pair.context())).orElse(null);
  }

  /** Starts the admin page. The broker works without it too. */
  private Optional<AdminServer> startAdmin() {
    AdminServer.BrokerParts parts =
        new AdminServer.BrokerParts(
            store, index, provisioner, presence, telemetry.activity(), telemetry.requests());
    BrokerView view = new BrokerView(parts, certificate, this::state, clock);
    try {
      return Optional.of(
          new AdminServer(
              settings, certificate, network, parts, view, telemetry.metrics()::scrape, clock));
    } catch (IOException e) {
      LOG.error(
          "There is no admin page on {}:{}: {}; see rendezvous.admin.port, or set"
              + " rendezvous.admin.enabled=false",
          settings.admin().host(),
          settings.admin().port(),
          FailureText.of(e));
      return Optional.empty();
    }
  }

  private BrokerView.State state() {
    return new BrokerView.State(
        listener.isPresent() && !draining, connections(), capacity.connections());
  }

  /**
   * Takes the values of the settings that {@link Reload#KEYS} lists. What other settings say stays
   * as it was at the start. Any thread may call.
   */
  public void reload(Settings changed) {
    reload.apply(changed);
  }

  /** Returns the URL of the admin page, if there is one. */
  public Optional<String> adminUrl() {
    return admin.map(AdminServer::url);
  }

  /** Returns the address of the main listener. */
  public InetSocketAddress address() {
    return listener.orElseThrow().address();
  }

  /** Returns the registrar, if it is switched on. */
  public Optional<Registrar> registrar() {
    return registrar;
  }

  /** Returns the metrics. */
  public Metrics metrics() {
    return telemetry.metrics();
  }

  /** Returns which hidden servers are connected. */
  public Presence connected() {
    return presence;
  }

  /** Returns how many ports TAAS uses now. */
  public int portsInUse() {
    return taas.map(Taas::portsInUse).orElse(0);
  }

  /** Returns how many clients are being relayed now. */
  public int paired() {
    return relays.count();
  }

  /** Returns how many connections are open now. */
  public int connections() {
    return connections.open();
  }

  // Duties that recur.

  private Sweeps newSweeps() {
    List<Sweeps.Sweep> all = new ArrayList<>();
    all.add(new Sweeps.Sweep("ending old tunnels", tunnels.registry()::sweep));
    registrar.ifPresent(r -> all.add(new Sweeps.Sweep("sweeping the registrar", r::sweep)));
    taas.ifPresent(t -> all.add(new Sweeps.Sweep("sweeping TAAS", t::sweep)));
    all.add(new Sweeps.Sweep("ending relays that stand still", relays::sweep));
    all.add(new Sweeps.Sweep("reporting hidden servers", now -> telemetry.sweep(now, presence)));
    return new Sweeps(all, ticker);
  }

  private void warnOfVoidPasswords() {
    try {
      VoidPasswords.warning(store.list(), settings.realm()).ifPresent(LOG::warn);
    } catch (IOException e) {
      LOG.debug("The passwords of clients cannot be looked at: {}", FailureText.of(e));
    }
  }

  private void startDuties() {
    network.worker().execute(this::warnOfVoidPasswords);
    sweeps.start(settings.tunnelAge(), settings.linger(), settings.stall());
    // These may block.
    certificate.ifPresent(
        pair ->
            network.everyOnWorker(
                CHECK_CERTIFICATE_EVERY, "checking the certificate", pair::check));
    network.everyOnWorker(
        FORGET_EVERY,
        "forgetting deleted entries",
        () -> telemetry.activity().forgetDeleted(index));
  }

  /**
   * Ends what is too old or stands still. The broker does this periodically by itself.
   *
   * @param now in nanoseconds, as {@link System#nanoTime} tells
   */
  public void sweep(long now) {
    sweeps.run(now);
  }

  // The end.

  /**
   * Stops serving in order: nothing new is accepted, waiting clients are told, parked tunnels are
   * closed, and transfers may finish.
   *
   * @param most how long transfers may take
   */
  public void drain(Duration most) throws InterruptedException {
    draining = true;
    // The listener first, so that nothing comes in behind the rest.
    listener.ifPresent(Listener::close);
    registrar.ifPresent(Registrar::drain);
    tunnels.registry().drain();
    taas.ifPresent(Taas::drain);
    listener.ifPresent(l -> l.open().forEach(conn -> conn.execute(conn::drain)));
    long until = System.nanoTime() + most.toNanos();
    while (connections() > 0 && System.nanoTime() - until < 0) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  /** Stops at once. What is still going on is cut off. */
  @Override
  public void close() {
    sweeps.close();
    heapGuard.ifPresent(HeapGuard::close);
    admin.ifPresent(AdminServer::close);
    listener.ifPresent(Listener::close);
    registrar.ifPresent(Registrar::close);
    taas.ifPresent(Taas::drain);
    relays.cutOff(); // while the peers can still be told
    network.close();
    telemetry.close();
    store.close();
  }
}
