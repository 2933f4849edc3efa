package io.rendezvous.protocol.taas;

import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.protocol.ClientRequest;
import io.rendezvous.protocol.Refusals;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.Executor;

/**
 * Redirects clients from a label's host name to a port from where their TLS goes through to the
 * hidden server. Methods are called on the I/O thread of the request.
 */
final class ClientRedirector {
  private static final Problem NO_PORT = Problem.retry(503, "no port is left", 30);
  private static final Problem ABSENT =
      Problem.retry(503, "that hidden server is not connected", 5);

  private final Redirects redirects;
  private final Refusals refusals;
  private final Executor worker;

  /**
   * Creates a redirector.
   *
   * @param worker runs tasks that may block
   */
  ClientRedirector(Redirects redirects, Refusals refusals, Executor worker) {
    this.redirects = redirects;
    this.refusals = refusals;
    this.worker = worker;
  }

  /**
   * Takes a request over, and redirects the client.
   *
   * @param host the host name that the client asked for
   */
  void redirect(ClientRequest request, UUID id, String label, String host) {
    RequestHead head = request.head();
    Conn conn = request.connection().takeOver();
    Redirects.Key key = new Redirects.Key(id, label, host, conn.source());
    PairingLog.Initiator initiator =
        new PairingLog.Initiator(conn.peer(), head.method(), head.path());
    OptionalInt known = redirects.again(key, initiator);
    if (known.isPresent()) {
      answer(conn, head, host, known);
    } else {
      worker.execute(
          () -> {
            OptionalInt port = redirects.open(key, initiator);
            conn.execute(() -> answer(conn, head, host, port));
          });
    }
  }

  /** Takes a request over, and tells the client that the hidden server is not connected. */
  void refuse(ClientRequest request) {
    RequestHead head = request.head();
    refusals.client(request.connection().takeOver(), head, ABSENT.atHost());
  }

  private void answer(Conn conn, RequestHead head, String host, OptionalInt port) {
    if (port.isEmpty()) {
      refusals.client(conn, head, NO_PORT.atHost());
      return;
    }
    String location = "https://" + host + ":" + port.getAsInt() + escaped(head.pathAndQuery());
    LingeringClose.say(
        conn,
        ProblemResponse.closing(
            refusals.now(), "307 Temporary Redirect", Map.of("Location", location), ""));
  }

  /** Escapes the bytes beyond ASCII: a request target may contain them, but not a Location. */
  private static String escaped(String target) {
    StringBuilder escaped = new StringBuilder();
    target
        .chars()
        .forEach(
            c -> escaped.append(c < 0x80 ? Character.toString(c) : String.format("%%%02X", c)));
    return escaped.toString();
  }
}
