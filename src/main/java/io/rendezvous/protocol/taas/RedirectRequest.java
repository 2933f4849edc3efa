package io.rendezvous.protocol.taas;

import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.undertow.HttpRequest;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.net.Source;
import io.rendezvous.tunnel.TunnelListener;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;

/**
 * A client's request to a label's host name: it is sent to a port where its TLS goes through to the
 * hidden server. Owns the connection, and lives on its I/O thread.
 */
final class RedirectRequest {
  private static final Problem NO_PORT = Problem.retry(503, "no port is left", 30);
  private static final Problem ABSENT =
      Problem.retry(503, "that hidden server is not connected", 5);

  private final Taas taas;
  private final RequestHead head;
  private final Conn conn;

  private RedirectRequest(Taas taas, HttpRequest request) {
    this.taas = taas;
    this.head = request.head();
    this.conn = request.takeOver();
  }

  /** Takes a request over, and says where to go. */
  static void redirect(Taas taas, HttpRequest request, UUID id, String label) {
    RedirectRequest side = new RedirectRequest(taas, request);
    Conn conn = side.conn;
    Redirects.Key key =
        new Redirects.Key(id, label, taas.hostOf(label), Source.of(conn.peer().getAddress()));
    PairingLog.Initiator initiator =
        new PairingLog.Initiator(conn.peer(), side.head.method(), side.head.path());
    OptionalInt known = taas.redirects().again(key, initiator);
    if (known.isPresent()) {
      side.answer(key.host(), known);
    } else {
      taas.work(
          () -> {
            OptionalInt port = taas.redirects().open(key, initiator);
            conn.execute(() -> side.answer(key.host(), port));
          });
    }
  }

  /** Takes a request over, and says that nobody is there. */
  static void refuse(Taas taas, HttpRequest request) {
    new RedirectRequest(taas, request).answer(ABSENT);
  }

  private void answer(String host, OptionalInt port) {
    if (port.isEmpty()) {
      answer(NO_PORT);
      return;
    }
    String location = "https://" + host + ":" + port.getAsInt() + escaped(head.pathAndQuery());
    LingeringClose.say(
        conn,
        ProblemResponse.closing(taas.now(), "307 Temporary Redirect", Map.of("Location", location), ""));
  }

  /** Octets beyond ASCII may stand in a request's target, but not in a Location. */
  private static String escaped(String target) {
    StringBuilder escaped = new StringBuilder();
    target
        .chars()
        .forEach(
            c -> escaped.append(c < 0x80 ? Character.toString(c) : String.format("%%%02X", c)));
    return escaped.toString();
  }

  private void answer(Problem problem) {
    taas.observer().refused(TunnelListener.Side.CLIENT, problem.status());
    LingeringClose.say(conn, ProblemResponse.to(head, problem).closing(taas.now(), Map.of()));
  }
}
