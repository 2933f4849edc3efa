package io.rendezvous.protocol.registrar;

import io.rendezvous.entry.Entry;
import io.rendezvous.http.Problem;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.protocol.Matchmaker;
import io.rendezvous.protocol.Refusals;
import io.rendezvous.protocol.TunnelService;
import io.rendezvous.protocol.registrar.Registrations.Holder;
import io.rendezvous.tunnel.Tunnel;
import io.rendezvous.tunnel.TunnelListener;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/**
 * A connection to the TCP port. It begins with a line that is a cookie; {@link #onLine} decides by
 * it. A hidden server's connection is parked. A client's connection is joined to a parked one.
 *
 * <p>Owns the connection until then, and lives on its I/O thread.
 */
final class CookieConnection {
  private static final int MAX_LINE = 64; // bytes, the line feed included
  private static final Duration LINE_TIME = Duration.ofSeconds(10);

  /** Why a cookie was refused. */
  private enum Refusal {
    INVALID_COOKIE(400, "invalid cookie"),
    NOT_REGISTERED(404, "not registered"),
    NOT_READY(503, "not ready");

    /** The HTTP status that is closest, for the metrics. */
    final int status;

    final String diagnostic;

    Refusal(int status, String diagnostic) {
      this.status = status;
      this.diagnostic = diagnostic;
    }
  }

  private final Conn conn;
  private final Registrations registrations;
  private final TunnelService tunnels;
  private final Refusals refusals;
  private final ByteBuffer line = ByteBuffer.allocate(MAX_LINE);

  CookieConnection(
      Conn conn, Registrations registrations, TunnelService tunnels, Refusals refusals) {
    this.conn = conn;
    this.registrations = registrations;
    this.tunnels = tunnels;
    this.refusals = refusals;
  }

  /** Takes the connection over. */
  void start() {
    conn.deadline(LINE_TIME, () -> end(Refusal.INVALID_COOKIE));
    conn.onDrain(() -> end(Refusal.NOT_READY));
    conn.onReadable(this::onReadable);
    conn.resumeReads();
  }

  private void onReadable() {
    try {
      int n;
      do {
        int from = line.position();
        n = conn.read(line);
        for (int at = from; at < line.position(); at++) {
          if (line.get(at) == '\n') {
            onLine(at);
            return;
          }
        }
      } while (n > 0 && line.hasRemaining());
      if (!line.hasRemaining()) {
        refuse(Refusal.INVALID_COOKIE);
      } else if (n < 0) {
        conn.close();
      }
    } catch (IOException e) {
      conn.close();
    }
  }

  /**
   * Handles the whole line. A client's first bytes may follow it, but nothing of a hidden server.
   *
   * @param end the position of the line feed
   */
  private void onLine(int end) {
    conn.suspendReads();
    conn.clearDeadline();
    conn.onDrain(null);
    line.flip();
    String cookie = StandardCharsets.ISO_8859_1.decode(line.slice(0, end)).toString();
    line.position(end + 1);
    Holder holder = registrations.holder(cookie);
    if (holder instanceof Holder.HiddenServer hidden) {
      park(hidden.entry());
    } else if (holder instanceof Holder.Client client) {
      join(client.id());
    } else if (cookie.startsWith("R") || cookie.startsWith("I")) {
      refuse(Refusal.NOT_REGISTERED);
    } else {
      refuse(Refusal.INVALID_COOKIE);
    }
  }

  private void park(Entry entry) {
    if (line.hasRemaining()) { // it sent something before a request
      LingeringClose.end(conn);
    } else if (tunnels.parking().isFull()) {
      refuse(Refusal.NOT_READY);
    } else {
      tunnels.parking().park(tunnels.parking().permit(entry), "", conn.peer(), conn);
    }
  }

  private void join(UUID id) {
    long arrivedAt = tunnels.registry().now();
    Optional<Tunnel> tunnel = tunnels.registry().takeParked(id, conn.eventLoop());
    if (tunnel.isEmpty()) {
      refuse(Refusal.NOT_READY);
      return;
    }
    tunnels
        .matchmaker()
        .join(
            new Matchmaker.Client(conn, arrivedAt, 1),
            tunnel.get(),
            ByteBuffer.wrap("+OK\n".getBytes(StandardCharsets.US_ASCII)),
            line,
            sent -> refuse(Refusal.NOT_REGISTERED)); // the entry was just deleted
  }

  /** Ends the connection because no line came in time, or the broker is shutting down. */
  private void end(Refusal refusal) {
    if (line.position() == 0) {
      conn.onDrain(null);
      LingeringClose.end(conn); // no request, no answer
    } else {
      refuse(refusal);
    }
  }

  private void refuse(Refusal refusal) {
    boolean hidden = line.limit() > 0 && line.get(0) == 'R';
    TunnelListener.Side side =
        hidden ? TunnelListener.Side.HIDDEN_SERVER : TunnelListener.Side.CLIENT;
    conn.onDrain(null);
    Problem problem = Problem.permanent(refusal.status, refusal.diagnostic);
    refusals.refused(conn, side, Optional.empty(), problem);
    String error = "-ERR " + refusal.diagnostic + "\n";
    LingeringClose.say(conn, ByteBuffer.wrap(error.getBytes(StandardCharsets.US_ASCII)));
  }
}
