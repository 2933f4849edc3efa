package io.rendezvous.protocol.taas;

import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.protocol.Matchmaker;
import io.rendezvous.protocol.TunnelService;
import io.rendezvous.tls.ClientHello;
import io.rendezvous.tunnel.Tunnel;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The clients' connections to ports of labels, until they are relayed. Once its first bytes have
 * arrived, a connection takes a tunnel that is parked for the label, and is relayed to it. Any
 * thread may call.
 */
final class PortClients {
  private static final Logger LOG = LoggerFactory.getLogger(PortClients.class);

  /** How long the first bytes may take. */
  private static final long MAX_SILENCE = Duration.ofSeconds(10).toNanos();

  private final TunnelService tunnels;
  private final PairingLog pairings;
  private final InstantSource clock;
  private final Set<PortClient> waiting = ConcurrentHashMap.newKeySet();

  PortClients(TunnelService tunnels, PairingLog pairings, InstantSource clock) {
    this.tunnels = tunnels;
    this.pairings = pairings;
    this.clock = clock;
  }

  /**
   * Takes over the connection of a client that was redirected. It has to begin with a ClientHello
   * that names the right host. Called on its I/O thread.
   *
   * @param closed runs once the connection is closed
   */
  void onRedirected(Conn conn, Redirects.Key key, PairingLog.Initiator initiator, Runnable closed) {
    new PortClient(conn, key.id(), key.label(), initiator, key.host()).start(closed);
  }

  /**
   * Takes over a connection to the fixed port of a label. It may use any protocol in which the
   * client sends first. Called on its I/O thread.
   */
  void onFixedPort(Conn conn, UUID id, String label) {
    PairingLog.Initiator initiator = new PairingLog.Initiator(conn.peer(), "", "");
    new PortClient(conn, id, label, initiator, null).start(() -> {});
  }

  /**
   * Ends the connections that have been silent for too long. To be called periodically.
   *
   * @param now in nanoseconds
   */
  void sweep(long now) {
    waiting.stream()
        .filter(client -> now - client.arrivedAt >= MAX_SILENCE)
        .forEach(PortClient::end);
  }

  /** Ends the connections for an ID that are not relayed yet. */
  void revoke(UUID id) {
    waiting.stream().filter(client -> client.id.equals(id)).forEach(PortClient::end);
  }

  /** One connection. Lives on its I/O thread. */
  private final class PortClient {
    private final Conn conn;
    private final UUID id;
    private final String label;
    private final PairingLog.Initiator initiator;
    private final @Nullable String host; // that its ClientHello has to name; null for any protocol
    private final long arrivedAt = tunnels.registry().now();
    private final ClientHello hello = new ClientHello();
    private ByteBuffer first = ByteBuffer.allocate(0);

    PortClient(
        Conn conn, UUID id, String label, PairingLog.Initiator initiator, @Nullable String host) {
      this.conn = conn;
      this.id = id;
      this.label = label;
      this.initiator = initiator;
      this.host = host;
    }

    void start(Runnable closed) {
      waiting.add(this);
      conn.onClosed(
          () -> {
            waiting.remove(this);
            closed.run();
          });
      conn.onDrain(conn::close);
      conn.onReadable(this::onReadable);
      conn.resumeReads();
    }

    /** Ends the connection, unless it is relayed by then. Any thread may call. */
    void end() {
      conn.execute(
          () -> {
            if (waiting.contains(this)) {
              conn.close();
            }
          });
    }

    private void onReadable() {
      conn.readEach(bytes -> !decide(bytes));
    }

    /** Returns whether the bytes so far were enough to decide. */
    private boolean decide(ByteBuffer bytes) {
      first = BufferPool.append(first, bytes.duplicate());
      ClientHello.Progress progress = host == null ? ClientHello.Progress.WHOLE : hello.read(bytes);
      if (progress == ClientHello.Progress.MORE) {
        return false;
      }
      boolean right = host == null || hello.serverName().filter(host::equals).isPresent();
      if (progress == ClientHello.Progress.REFUSED || !right) {
        LOG.debug("{} closed: no ClientHello for {}", conn, host);
        LingeringClose.end(conn);
      } else {
        pair();
      }
      return true;
    }

    private void pair() {
      conn.suspendReads();
      conn.onDrain(null);
      Optional<Tunnel> parked = tunnels.registry().takeParked(id, label, conn.eventLoop());
      if (parked.isEmpty()) {
        LOG.debug("{} closed: no tunnel is parked for {}", conn, label);
        LingeringClose.end(conn);
        return;
      }
      waiting.remove(this);
      try {
        pair(parked.get());
      } catch (RuntimeException e) {
        tunnels.registry().discard(parked.get());
        throw e;
      }
    }

    private void pair(Tunnel tunnel) {
      pairings.add(id, label, tunnel.askedFrom(), initiator, clock.millis());
      tunnels.matchmaker().pair(new Matchmaker.Client(conn, arrivedAt, 1), tunnel, first, null);
    }
  }
}
