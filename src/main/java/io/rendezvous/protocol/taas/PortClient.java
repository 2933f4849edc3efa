package io.rendezvous.protocol.taas;

import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.tls.ClientHello;
import io.rendezvous.tunnel.Tunnel;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's connection to a port of a label: once its first octets are there it takes a connection
 * that is parked for the label, and is relayed to it.
 *
 * <p>Owns the client's connection until then, and lives on its I/O thread.
 */
final class PortClient {
  private static final Logger LOG = LoggerFactory.getLogger(PortClient.class);

  /** How long it may take for its first octets. */
  private static final long TO_SPEAK = Duration.ofSeconds(10).toNanos();

  private final Conn conn;
  private final Taas taas;
  private final UUID id;
  private final String label;
  private final PairingLog.Initiator initiator;
  private final @Nullable String host;
  private final ClientHello hello = new ClientHello();
  private final long came = System.nanoTime();
  private ByteBuffer first = ByteBuffer.allocate(0);

  private PortClient(
      Conn conn,
      Taas taas,
      UUID id,
      String label,
      PairingLog.Initiator initiator,
      @Nullable String host) {
    this.conn = conn;
    this.taas = taas;
    this.id = id;
    this.label = label;
    this.initiator = initiator;
    this.host = host;
  }

  /**
   * Takes over a connection that was led here. It has to speak TLS, and to ask for the right name.
   *
   * @param left is run once it is closed
   */
  static void awaited(
      Conn conn, Taas taas, Redirects.Key key, PairingLog.Initiator initiator, Runnable left) {
    new PortClient(conn, taas, key.id(), key.label(), initiator, key.host()).start(left);
  }

  /** Takes over a connection to the port that a label has of its own. It may speak anything. */
  static void ofFixedPort(Conn conn, Taas taas, UUID id, String label) {
    PairingLog.Initiator initiator = new PairingLog.Initiator(conn.peer(), "", "");
    new PortClient(conn, taas, id, label, initiator, null).start(() -> {});
  }

  UUID id() {
    return id;
  }

  private void start(Runnable left) {
    taas.guests().add(this);
    conn.onClosed(
        () -> {
          taas.guests().remove(this);
          left.run();
        });
    conn.onDrain(conn::close);
    conn.onReadable(this::onReadable);
    conn.resumeReads();
  }

  /**
   * Ends it if it has said too little for too long. Any thread may call.
   *
   * @param now {@link System#nanoTime}
   */
  void sweep(long now) {
    if (now - came >= TO_SPEAK) {
      end();
    }
  }

  /** Ends it, unless it is relayed by now. Any thread may call. */
  void end() {
    conn.execute(
        () -> {
          if (taas.guests().contains(this)) {
            conn.close();
          }
        });
  }

  private void onReadable() {
    conn.readEach(octets -> !decide(octets));
  }

  /** Returns whether the octets so far were enough to know what to do. */
  private boolean decide(ByteBuffer octets) {
    first = BufferPool.joined(first, octets.duplicate());
    ClientHello.Progress progress = host == null ? ClientHello.Progress.WHOLE : hello.read(octets);
    if (progress == ClientHello.Progress.MORE) {
      return false;
    }
    boolean right = host == null || hello.serverName().filter(host::equals).isPresent();
    if (progress == ClientHello.Progress.REFUSED || !right) {
      LOG.debug("{} closed: it does not ask for its host by TLS", conn);
      LingeringClose.end(conn);
    } else {
      pair();
    }
    return true;
  }

  private void pair() {
    conn.suspendReads();
    conn.onDrain(null);
    Optional<Tunnel> parked = taas.tunnels().takeParked(id, label, conn);
    if (parked.isEmpty()) {
      LOG.debug("{} closed: nothing is parked for it", conn);
      LingeringClose.end(conn);
      return;
    }
    taas.guests().remove(this);
    Tunnel tunnel = parked.get();
    taas.fixedPorts().changed(id);
    taas.pairings().add(id, label, tunnel.askedFrom(), initiator, taas.now().toEpochMilli());
    taas.pairs().pair(conn, tunnel, came, first);
  }
}
