package io.rendezvous.protocol.registrar;

import io.rendezvous.config.Settings;
import io.rendezvous.entry.Provisioner;
import io.rendezvous.http.undertow.UndertowServer;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.net.Relays;
import io.rendezvous.protocol.Matchmaker;
import io.rendezvous.protocol.TokenCheck;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.TunnelListener;
import io.rendezvous.tunnel.TunnelRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The two listeners of the older protocol, and what they share: over HTTPS, hidden servers register
 * and clients ask for them ({@link RegistrarHandler}); on the TCP port both show their cookies and are
 * joined ({@link CookieConnection}). What is parked there is never mixed with the tunnels of another
 * protocol.
 */
public final class Registrar implements AutoCloseable {
  private static final Duration MOST_IDLE = Duration.ofSeconds(30);

  /** From its being accepted, whatever it does: a question and its answer are short. */
  private static final Duration HTTP_TIME = Duration.ofMinutes(1);

  private static final int MOST_HTTP = 512;
  private static final int MOST_REGISTERED = 100_000;

  /** Nothing here asks a hidden server for a fresh connection. TCP tells if one is dead. */
  private static final Duration NO_AGE = Duration.ofDays(10_000);

  private final Settings settings;
  private final Network network;
  private final TunnelRegistry tunnels;
  private final Registrations registrations;
  private final Matchmaker pairs;
  private final TokenCheck tokens;
  private final TunnelListener observer;
  private final Provisioner provisioner;
  private final int connections;
  private final UndertowServer server;
  private volatile @Nullable Listener http;
  private volatile @Nullable Listener tcp;
  private volatile boolean draining;

  /**
   * Creates one that does not listen yet.
   *
   * @param provisioner tells the broker's name
   * @param connections how many may be open, on both ports
   */
  public Registrar(
      Settings settings,
      Network network,
      Relays relays,
      TokenCheck tokens,
      TunnelListener observer,
      Provisioner provisioner,
      int connections,
      InstantSource clock) {
    this.settings = settings;
    this.network = network;
    this.tokens = tokens;
    this.observer = observer;
    this.provisioner = provisioner;
    this.connections = connections;
    int parked = settings.limits().parked();
    this.tunnels =
        new TunnelRegistry(
            new TunnelRegistry.Limits(
                settings.tunnelsPerId(),
                parked == 0 ? connections : parked,
                0,
                settings.patience(),
                NO_AGE,
                TunnelRegistry.NO_PROBE),
            observer);
    this.registrations = new Registrations(tunnels, MOST_REGISTERED, clock);
    this.pairs = new Matchmaker(tunnels, relays, observer, clock);
    this.server = new UndertowServer(network, user -> false, new RegistrarHandler(this), MOST_IDLE);
  }

  /**
   * Begins to listen.
   *
   * @param context the keys, or null for plain HTTP
   * @throws IOException if a port is not to be had
   */
  public void start(@Nullable SSLContext context) throws IOException {
    int perSource = settings.limits().perSource();
    int forHttp = Math.max(1, Math.min(MOST_HTTP, connections / 4));
    Listener.Limits limits = new Listener.Limits(Math.max(2, connections - forHttp), perSource);
    tcp =
        listen(
            settings.registrar().tcpPort(), null, limits, conn -> new CookieConnection(conn, this).start());
    http =
        listen(
            settings.registrar().port(),
            context,
            new Listener.Limits(forHttp, perSource),
            this::acceptHttp);
  }

  private Listener listen(
      int port, @Nullable SSLContext context, Listener.Limits limits, Consumer<Conn> accepted)
      throws IOException {
    InetSocketAddress address = new InetSocketAddress(settings.host(), port);
    try {
      return network.listen(address, context, limits, accepted);
    } catch (IOException e) {
      throw new IOException("cannot listen on " + address + ": " + e.getMessage(), e);
    }
  }

  private void acceptHttp(Conn conn) {
    conn.deadline(HTTP_TIME, conn::abort);
    server.accept(conn, ByteBuffer.allocate(0), Optional.empty(), () -> {});
  }

  /** Returns where hidden servers register and clients ask. */
  public InetSocketAddress httpAddress() {
    return started(http).address();
  }

  /** Returns where both show their cookies. */
  public InetSocketAddress tcpAddress() {
    return started(tcp).address();
  }

  private static Listener started(@Nullable Listener listener) {
    if (listener == null) {
      throw new IllegalStateException("not started");
    }
    return listener;
  }

  /** Returns who is registered, parked and paired here. */
  public Presence presence() {
    // Cookies first, so that nothing is parked with them once they are revoked.
    return Presence.all(List.of(registrations, tunnels));
  }

  /** Returns how many connections are parked now. */
  public int parked() {
    return tunnels.parked();
  }

  /** Returns how many connections are open on the TCP port. */
  public int connections() {
    Listener listener = tcp;
    return listener == null ? 0 : listener.open().size();
  }

  /**
   * Ends registrations without use. To be called from time to time.
   *
   * @param now {@link System#nanoTime}
   */
  public void sweep(long now) {
    tunnels.sweep(now);
    registrations.sweep();
  }

  /** Accepts nothing new, and ends what is parked. Those that are joined go on. */
  public void drain() {
    draining = true;
    close();
    server.drain();
    tunnels.drain();
    Listener listener = tcp;
    if (listener != null) {
      listener.open().forEach(conn -> conn.execute(conn::drain));
    }
  }

  /** Stops listening. */
  @Override
  public void close() {
    for (Listener listener : new @Nullable Listener[] {http, tcp}) {
      if (listener != null) {
        listener.close();
      }
    }
  }

  boolean isDraining() {
    return draining;
  }

  String publicHost() {
    return provisioner.publicHost();
  }

  TunnelRegistry tunnels() {
    return tunnels;
  }

  Registrations registrations() {
    return registrations;
  }

  Matchmaker pairs() {
    return pairs;
  }

  TokenCheck tokens() {
    return tokens;
  }

  TunnelListener observer() {
    return observer;
  }
}
