package io.rendezvous.protocol.connect;

import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;

/**
 * Looks at the first octets of a new connection, just far enough to tell a hidden server from a
 * client. Undertow's parser refuses {@code CONNECT uuid:…}, so that never gets there.
 */
final class ProtocolDetector {
  private static final Duration HEAD_TIME = Duration.ofSeconds(10);
  private static final byte[] CONNECT = "CONNECT ".getBytes(StandardCharsets.US_ASCII);

  private final Conn conn;
  private final ConnectProtocol protocol;
  private final ByteBuffer first = ByteBuffer.allocate(CONNECT.length);
  private long headBy;

  ProtocolDetector(Conn conn, ConnectProtocol protocol) {
    this.conn = conn;
    this.protocol = protocol;
  }

  void start() {
    conn.onDrain(() -> end(Problem.DRAINING));
    conn.onReadable(this::onReadable);
    conn.onHandshake(this::onHandshake);
    conn.resumeReads();
  }

  private void onHandshake() {
    headBy = System.nanoTime() + HEAD_TIME.toNanos();
    conn.deadline(HEAD_TIME, () -> end(Problem.permanent(408, "the request took too long")));
  }

  private void onReadable() {
    try {
      int n;
      do {
        n = conn.read(first);
        if (n > 0 && decide()) {
          return;
        }
      } while (n > 0);
      if (n < 0) {
        conn.close();
      }
    } catch (IOException e) { // no TLS, no certificate that suits it, or it went away
      conn.close();
    }
  }

  /** Returns whether the octets so far were enough to pass the connection on. */
  private boolean decide() {
    boolean isConnect = true;
    for (int i = 0; i < first.position(); i++) {
      isConnect &= first.get(i) == CONNECT[i];
    }
    if (isConnect && first.hasRemaining()) {
      return false;
    }
    conn.suspendReads();
    conn.onDrain(null);
    Duration left = Duration.ofNanos(Math.max(0, headBy - System.nanoTime()));
    if (isConnect) {
      protocol.onHiddenServer(conn, first.flip(), left);
    } else {
      protocol.onClient(conn, first.flip(), left);
    }
    return true;
  }

  private void end(Problem problem) {
    conn.onDrain(null);
    if (first.position() == 0) {
      LingeringClose.end(conn); // nothing was asked, so nothing is answered
    } else {
      LingeringClose.say(conn, ProblemResponse.json(problem).closing(protocol.now(), Map.of()));
    }
  }
}
