package io.rendezvous.protocol.registrar;

import io.rendezvous.config.Settings;
import io.rendezvous.entry.Provisioner;
import io.rendezvous.net.Conn;
import io.rendezvous.net.ConnectionGroup;
import io.rendezvous.net.ConnectionLimiter;
import io.rendezvous.net.FailureText;
import io.rendezvous.net.Layer;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.protocol.Protocol;
import io.rendezvous.protocol.ProtocolDetector;
import io.rendezvous.protocol.Refusals;
import io.rendezvous.protocol.TunnelService;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.TunnelRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The older protocol with a registrar and cookies. On its HTTPS port hidden servers register and
 * clients look them up ({@link RegistrarRequests}). On its TCP port both show their cookies and are
 * joined ({@link CookieConnection}). Any thread may call.
 */
public final class Registrar implements AutoCloseable {
  private static final int MAX_REGISTERED = 100_000;

  /** In effect no limit: this protocol cannot ask for a fresh connection, so none is retired. */
  private static final Duration NO_MAX_AGE = Duration.ofDays(10_000);

  private final Settings settings;
  private final Network network;
  private final TunnelService tunnels;
  private final Refusals refusals;
  private final Provisioner provisioner;
  private final ConnectionLimiter limiter;
  private final Registrations registrations;
  private volatile @Nullable Listener http;
  private volatile @Nullable Listener tcp;
  private volatile boolean draining;

  /**
   * Creates a registrar that does not listen yet.
   *
   * @param provisioner tells the broker's host name
   * @param limiter limits the connections to both ports
   */
  public Registrar(
      Settings settings,
      Network network,
      TunnelService tunnels,
      Refusals refusals,
      Provisioner provisioner,
      ConnectionLimiter limiter,
      InstantSource clock) {
    this.settings = settings;
    this.network = network;
    this.tunnels = tunnels;
    this.refusals = refusals;
    this.provisioner = provisioner;
    this.limiter = limiter;
    this.registrations = new Registrations(tunnels.registry(), MAX_REGISTERED, clock);
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
        settings.patience(),
        NO_MAX_AGE,
        TunnelRegistry.NO_PROBE);
  }

  /** Returns the protocol of the HTTPS port. It leaves clients of section 1 to another protocol. */
  public Protocol requests() {
    return new RegistrarRequests(registrations, tunnels.parking(), refusals, new MeetingPoint());
  }

  private final class MeetingPoint implements RegistrarRequests.MeetingPoint {
    @Override
    public String host() {
      return provisioner.publicHost();
    }

    @Override
    public int port() {
      return tcpAddress().getPort();
    }

    @Override
    public boolean isDraining() {
      return draining;
    }
  }

  /**
   * Begins to listen.
   *
   * @param layer TLS, or null for plain HTTP
   * @param detector takes over the connections of the HTTPS port
   * @throws IOException if a port is not available
   */
  public void start(@Nullable Layer layer, ProtocolDetector detector) throws IOException {
    tcp =
        listen(
            settings.registrar().tcpPort(),
            "tcp-port",
            null,
            conn -> new CookieConnection(conn, registrations, tunnels, refusals).start());
    http = listen(settings.registrar().port(), "port", layer, detector::accept);
  }

  private Listener listen(int port, String setting, @Nullable Layer layer, Consumer<Conn> accepted)
      throws IOException {
    InetSocketAddress address = new InetSocketAddress(settings.host(), port);
    try {
      return network.listen(address, layer, new ConnectionGroup(limiter), accepted);
    } catch (IOException e) {
      throw new IOException(
          "cannot listen on %s port %d (rendezvous.host, rendezvous.registrar.%s): %s"
              .formatted(settings.host(), port, setting, FailureText.of(e)),
          e);
    }
  }

  /** Returns the address of the HTTPS port. */
  public InetSocketAddress httpAddress() {
    return started(http).address();
  }

  /** Returns the address of the TCP port. */
  public InetSocketAddress tcpAddress() {
    return started(tcp).address();
  }

  private static Listener started(@Nullable Listener listener) {
    if (listener == null) {
      throw new IllegalStateException("not started");
    }
    return listener;
  }

  /** Returns which hidden servers are registered, parked and paired here. */
  public Presence presence() {
    // Registrations are revoked first, so that nothing is parked with their cookies afterwards.
    return Presence.all(List.of(registrations, tunnels.registry()));
  }

  /** Handles that clients of a hidden server need a password, which no cookie proves. */
  public void passwordSet(UUID id) {
    registrations.passwordSet(id);
  }

  /**
   * Ends registrations that are no longer used. To be called periodically.
   *
   * @param now in nanoseconds
   */
  public void sweep(long now) {
    tunnels.registry().sweep(now);
    registrations.sweep(now);
  }

  /** Accepts nothing new, and ends parked connections. Relays go on. */
  public void drain() {
    draining = true;
    close();
    tunnels.registry().drain();
    for (Listener listener : new @Nullable Listener[] {http, tcp}) {
      if (listener != null) {
        listener.open().forEach(conn -> conn.execute(conn::drain));
      }
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
}
