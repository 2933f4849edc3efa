package io.rendezvous;

import io.rendezvous.admin.AdminServer;
import io.rendezvous.admin.BrokerView;
import io.rendezvous.config.Settings;
import io.rendezvous.entry.Authenticator;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.MeteredStore;
import io.rendezvous.entry.Provisioner;
import io.rendezvous.entry.StaleOnErrorStore;
import io.rendezvous.http.Challenge;
import io.rendezvous.net.FileDescriptors;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.net.Relays;
import io.rendezvous.protocol.ByHost;
import io.rendezvous.protocol.LabelResolver;
import io.rendezvous.protocol.Matchmaker;
import io.rendezvous.protocol.TokenCheck;
import io.rendezvous.protocol.connect.ConnectProtocol;
import io.rendezvous.protocol.registrar.Registrar;
import io.rendezvous.protocol.taas.Taas;
import io.rendezvous.telemetry.AccessLog;
import io.rendezvous.telemetry.ActivityLog;
import io.rendezvous.telemetry.Metrics;
import io.rendezvous.telemetry.Webhooks;
import io.rendezvous.tls.keys.ServerCertificate;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.TunnelListener;
import io.rendezvous.tunnel.TunnelRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The whole broker: built from its settings, started in order, stopped in reverse. Nothing listens
 * before {@link #start}.
 */
public final class Broker implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Broker.class);
  private static final Duration LONGEST_TICK = Duration.ofSeconds(1);
  private static final Duration SHORTEST_TICK = Duration.ofMillis(20);
  private static final Duration CHECK_KEYS_EVERY = Duration.ofSeconds(2);

  private final Settings settings;
  private final EntryStore store;
  private final Optional<ServerCertificate> keys;
  private final EntryIndex index;
  private final Network network;
  private final Metrics metrics;
  private final Optional<AccessLog> accessLog;
  private final Optional<Webhooks> webhooks;
  private final TunnelRegistry tunnels;
  private final Relays relays;
  private final Optional<Taas> taas;
  private final ConnectProtocol protocol;
  private final Optional<Registrar> registrar;
  private final Presence presence;
  private final Provisioner provisioner;
  private final int mostConnections;
  private final Listener.Limits limits;
  private final ActivityLog ledger;
  private final InstantSource clock;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private volatile Optional<Listener> listener = Optional.empty();
  private Optional<AdminServer> admin = Optional.empty();
  private volatile boolean draining;

  /**
   * Builds the broker.
   *
   * @param store where entries are; closed with the broker
   * @param keys what TLS shows; empty for plain HTTP
   * @throws IOException if the I/O threads cannot be had
   */
  public Broker(Settings settings, EntryStore store, Optional<ServerCertificate> keys, InstantSource clock)
      throws IOException {
    this(settings, store, keys, clock, List.of());
  }

  /**
   * Builds the broker, with more that hear what happens in it.
   *
   * @param more called on I/O threads
   */
  public Broker(
      Settings settings,
      EntryStore store,
      Optional<ServerCertificate> keys,
      InstantSource clock,
      List<TunnelListener> more)
      throws IOException {
    this.settings = settings;
    this.keys = keys;
    this.metrics = new Metrics(settings.metrics().byUuid());
    // Timed below the bridge, which hides that the store is away.
    this.store = new StaleOnErrorStore(new MeteredStore(store, metrics), clock, settings.store().grace());
    this.accessLog =
        settings.accessLog().enabled()
            ? Optional.of(new AccessLog(settings.accessLog().fullUuids()))
            : Optional.empty();
    this.webhooks = webhooks(settings.hooks(), this.store, clock);
    int ioThreads = Runtime.getRuntime().availableProcessors();
    this.network =
        settings.tls().undertow()
            ? Network.withUndertowsTls("broker", ioThreads)
            : new Network("broker", ioThreads);
    this.mostConnections =
        FileDescriptors.limit(
            settings.limits().connections(),
            settings.admin().enabled() ? AdminServer.MOST_CONNECTIONS : 0);
    // The older protocols listen and are connected by themselves, so they have a share of their
    // own.
    boolean registers = settings.registrar().enabled();
    boolean taasToo = settings.taas().enabled();
    int share = mostConnections / (registers && taasToo ? 3 : 2);
    int ours = mostConnections - (registers ? share : 0) - (taasToo ? share : 0);
    this.limits = new Listener.Limits(ours, settings.limits().perSource());
    this.ledger = new ActivityLog(clock);
    this.clock = clock;
    List<TunnelListener> observers = new ArrayList<>(List.of(metrics, ledger));
    accessLog.ifPresent(observers::add);
    webhooks.ifPresent(observers::add);
    observers.addAll(more);
    TunnelListener observer = TunnelListener.all(observers);
    int parked = settings.limits().parked();
    this.tunnels =
        new TunnelRegistry(
            new TunnelRegistry.Limits(
                settings.tunnelsPerId(),
                parked == 0 ? limits.connections() : parked,
                settings.limits().waitingPerId(),
                settings.patience(),
                settings.tunnelAge(),
                settings.probe()),
            observer);
    this.relays = new Relays(settings.linger(), settings.stall());
    Authenticator authenticator =
        new Authenticator(
            this.store, clock, settings.guesses().perSource(), settings.guesses().perUuid());
    TokenCheck tokens = new TokenCheck(network, authenticator);
    this.index = new EntryIndex(this.store);
    this.taas =
        settings.taas().enabled()
            ? Optional.of(
                new Taas(
                    settings,
                    network,
                    index,
                    tokens,
                    relays,
                    observer,
                    clock,
                    new Listener.Limits(share, settings.limits().perSource())))
            : Optional.empty();
    this.protocol =
        new ConnectProtocol(
            network,
            new LabelResolver(settings.domain(), index),
            taas.<ByHost>map(both -> both).orElse(ByHost.NONE),
            tunnels,
            observer,
            new Matchmaker(tunnels, relays, observer, clock),
            tokens,
            new Challenge(settings.realm()),
            settings.patience(),
            clock);
    this.provisioner =
        new Provisioner(settings, keys, () -> listener.map(l -> l.address().getPort()).orElse(0));
    this.registrar =
        registers
            ? Optional.of(
                new Registrar(
                    settings, network, relays, tokens, observer, provisioner, share, clock))
            : Optional.empty();
    List<Presence> present = new ArrayList<>(List.of(tunnels));
    registrar.ifPresent(older -> present.add(older.presence()));
    taas.ifPresent(present::add);
    this.presence = Presence.all(present);
    metrics.watch(presence, relays);
    metrics.watch(network);
    keys.ifPresent(metrics::watch);
    accessLog.ifPresent(metrics::watch);
    webhooks.ifPresent(metrics::watch);
  }

  private static Optional<Webhooks> webhooks(
      Settings.HookSettings hooks, EntryStore store, InstantSource clock) {
    return hooks
        .url()
        .map(url -> new Webhooks(URI.create(url), hooks.secret().orElseThrow(), store, clock));
  }

  /**
   * Begins to serve.
   *
   * @throws IOException if the address is not to be had
   */
  public void start() throws IOException {
    admin = settings.admin().enabled() ? startAdmin() : Optional.empty();
    // First what watches, so that nothing that is served goes unwatched.
    store.onRevoked(presence::revoke);
    Thread ticker = new Thread(this::tick, "broker-tick");
    ticker.setDaemon(true);
    ticker.start();
    if (registrar.isPresent()) {
      registrar.get().start(keys.map(ServerCertificate::context).orElse(null));
    }
    InetSocketAddress address = new InetSocketAddress(settings.host(), settings.port());
    try {
      listener =
          Optional.of(
              network.listen(
                  address, keys.map(ServerCertificate::context).orElse(null), limits, protocol::accept));
    } catch (IOException e) {
      throw new IOException("cannot listen on " + address + ": " + e.getMessage(), e);
    }
    listener.ifPresent(metrics::watch);
  }

  /** The broker's work does not depend on the page, and goes on without it. */
  private Optional<AdminServer> startAdmin() {
    BrokerView view =
        new BrokerView(
            keys,
            index,
            provisioner,
            presence,
            ledger,
            () -> listener.isPresent() && !draining,
            this::connections,
            mostConnections,
            clock);
    try {
      return Optional.of(
          new AdminServer(
              settings,
              keys,
              network,
              store,
              index,
              provisioner,
              presence,
              ledger,
              view,
              metrics::scrape,
              clock));
    } catch (IOException e) {
      LOG.error(
          "There is no admin page on {}:{}: {}; see rendezvous.admin.port, or set"
              + " rendezvous.admin.enabled=false",
          settings.admin().host(),
          settings.admin().port(),
          e.getMessage());
      return Optional.empty();
    }
  }

  /** Returns where the admin page is, if there is one. */
  public Optional<String> adminUrl() {
    return admin.map(AdminServer::url);
  }

  /** Returns where it listens. */
  public InetSocketAddress address() {
    return listener.orElseThrow().address();
  }

  /** Returns the registrar, if there is one. */
  public Optional<Registrar> registrar() {
    return registrar;
  }

  /** Returns what is counted. */
  public Metrics metrics() {
    return metrics;
  }

  /** Returns how many there are of each ID that is connected. */
  public Map<UUID, Presence.Counts> counts() {
    return presence.counts();
  }

  /** Returns how many tunnels are parked now. */
  public int parked() {
    return tunnels.parked()
        + registrar.map(Registrar::parked).orElse(0)
        + taas.map(Taas::parked).orElse(0);
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
    return listener.map(l -> l.open().size()).orElse(0)
        + registrar.map(Registrar::connections).orElse(0)
        + taas.map(t -> t.open().size()).orElse(0);
  }

  /** What has to be looked at from time to time: tunnels' ages, relays that stand still, keys. */
  private void tick() {
    Duration tick = tickLength();
    long keysAt = System.nanoTime();
    try {
      while (!stopped.await(tick.toMillis(), TimeUnit.MILLISECONDS)) {
        long now = System.nanoTime();
        boolean keysToo = now - keysAt >= CHECK_KEYS_EVERY.toNanos();
        keysAt = keysToo ? now : keysAt;
        lookAfter(now, keysToo);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Ends what is too old, or stands still. Done by itself from time to time.
   *
   * @param now {@link System#nanoTime}
   */
  public void sweep(long now) {
    lookAfter(now, false);
  }

  private void lookAfter(long now, boolean keysToo) {
    try {
      tunnels.sweep(now);
      registrar.ifPresent(older -> older.sweep(now));
      taas.ifPresent(protocol -> protocol.sweep(now));
      relays.sweep(now);
      webhooks.ifPresent(hooks -> hooks.sweep(now, presence.counts()));
      if (keysToo) {
        keys.ifPresent(ServerCertificate::check);
      }
    } catch (RuntimeException e) { // the next time may go better
      LOG.error("Tunnels, relays, hooks and keys were not looked after", e);
    }
  }

  /** A tenth of the shortest time that is looked after, within reason. */
  private Duration tickLength() {
    Duration tick = LONGEST_TICK;
    for (Duration time :
        new Duration[] {settings.tunnelAge(), settings.linger(), settings.stall()}) {
      Duration tenth = time.dividedBy(10);
      tick = tenth.compareTo(tick) < 0 ? tenth : tick;
    }
    return tick.compareTo(SHORTEST_TICK) < 0 ? SHORTEST_TICK : tick;
  }

  /**
   * Stops serving in order: nothing new is accepted, what waits is told so, parked tunnels are
   * closed, and transfers may finish for a while.
   *
   * @param most how long
   */
  public void drain(Duration most) throws InterruptedException {
    draining = true;
    // The listener first, so that nothing comes in behind the rest.
    listener.ifPresent(Listener::close);
    registrar.ifPresent(Registrar::drain);
    tunnels.drain();
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
    stopped.countDown();
    admin.ifPresent(AdminServer::close);
    listener.ifPresent(Listener::close);
    registrar.ifPresent(Registrar::close);
    taas.ifPresent(Taas::drain);
    relays.cutOff(); // while there is somebody to tell
    network.close();
    webhooks.ifPresent(Webhooks::close);
    accessLog.ifPresent(AccessLog::close);
    metrics.close();
    store.close();
  }
}
