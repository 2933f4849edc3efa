package io.rendezvous.taas;

import io.rendezvous.entry.Source;
import io.rendezvous.http.Answer;
import io.rendezvous.http.HttpRequest;
import io.rendezvous.http.Problem;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Farewell;
import io.rendezvous.tunnel.Observer;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;

/**
 * A client's request to a label's host name: it is sent to a port where its TLS goes through to the
 * hidden server. Owns the connection, and lives on its I/O thread.
 */
final class ClientSide {
  private static final Problem NO_PORT = Problem.retry(503, "no port is left", 30);
  private static final Problem ABSENT =
      Problem.retry(503, "that hidden server is not connected", 5);

  private final Taas taas;
  private final RequestHead head;
  private final Conn conn;

  private ClientSide(Taas taas, HttpRequest request) {
    this.taas = taas;
    this.head = request.head();
    this.conn = request.takeOver();
  }

  /** Takes a request over, and says where to go. */
  static void redirect(Taas taas, HttpRequest request, UUID id, String label) {
    ClientSide side = new ClientSide(taas, request);
    Conn conn = side.conn;
    Redirects.Key key =
        new Redirects.Key(id, label, taas.hostOf(label), Source.of(conn.peer().getAddress()));
    Pairings.Initiator initiator =
        new Pairings.Initiator(conn.peer(), side.head.method(), side.head.path());
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
    new ClientSide(taas, request).answer(ABSENT);
  }

  private void answer(String host, OptionalInt port) {
    if (port.isEmpty()) {
      answer(NO_PORT);
      return;
    }
    String location = "https://" + host + ":" + port.getAsInt() + escaped(head.pathAndQuery());
    Farewell.say(
        conn,
        Answer.closing(taas.now(), "307 Temporary Redirect", Map.of("Location", location), ""));
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
    taas.observer().refused(Observer.Side.CLIENT, problem.status());
    Farewell.say(conn, Answer.to(head, problem).closing(taas.now(), Map.of()));
  }
}
