package io.rendezvous.connect;

import io.rendezvous.entry.Authenticator;
import io.rendezvous.http.Answer;
import io.rendezvous.http.Challenge;
import io.rendezvous.http.HttpRequest;
import io.rendezvous.http.HttpServer;
import io.rendezvous.http.Identity;
import io.rendezvous.http.Problem;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Farewell;
import io.rendezvous.net.Network;
import io.rendezvous.net.Relays;
import io.rendezvous.tunnel.Observer;
import io.rendezvous.tunnel.Tunnels;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * What both sides of the protocol share, and the way of a new connection to its side: {@link Front}
 * looks at its first octets; a hidden server goes on with {@link HiddenServerSide}, a client with
 * {@link #onRequest} and {@link ClientSide}.
 */
public final class ConnectProtocol {
  private final Tunnels tunnels;
  private final Observer observer;
  private final Relays relays;
  private final Authenticator authenticator;
  private final Challenge challenge;
  private final Duration wait;
  private final InstantSource clock;
  private final Executor worker;
  private final HttpServer http;

  /**
   * Creates the protocol.
   *
   * @param wait how long a client waits for a tunnel of an ID that is connected
   */
  public ConnectProtocol(
      Network network,
      Tunnels tunnels,
      Observer observer,
      Relays relays,
      Authenticator authenticator,
      Challenge challenge,
      Duration wait,
      InstantSource clock) {
    this.tunnels = tunnels;
    this.observer = observer;
    this.relays = relays;
    this.authenticator = authenticator;
    this.challenge = challenge;
    this.wait = wait;
    this.clock = clock;
    this.worker = network.worker();
    this.http = new HttpServer(network, clock, this::onRequest);
  }

  /** Takes a new connection over, on its I/O thread. */
  public void accept(Conn conn) {
    new Front(conn, this).start();
  }

  /** The head begins with CONNECT. */
  void onHiddenServer(Conn conn, ByteBuffer read, Duration left) {
    new HiddenServerSide(conn, this).start(read, left);
  }

  /** The head begins with anything else. */
  void onClient(Conn conn, ByteBuffer read, Duration left) {
    http.accept(conn, read, left);
  }

  private void onRequest(HttpRequest request) {
    RequestHead head = request.head();
    Optional<Identity> identity;
    try {
      identity = Identity.of(head);
    } catch (ProtocolException e) {
      Problem problem = Problem.permanent(400, String.valueOf(e.getMessage()));
      observer.refused(Observer.Side.CLIENT, problem.status());
      Farewell.say(request.takeOver(), closing(head, problem, Map.of()));
      return;
    }
    if (identity.isPresent()) {
      new ClientSide(request.takeOver(), head, identity.get(), this).start();
    } else {
      challenge(request);
    }
  }

  private void challenge(HttpRequest request) {
    Problem problem =
        Problem.passing(401, "name the hidden server by its UUID as user name, any password");
    Map<String, String> header = Map.of("WWW-Authenticate", challenge.header());
    if (request.canBeKept()) {
      request.answerAndKeep(Answer.to(request.head(), problem), header);
    } else {
      RequestHead head = request.head();
      Farewell.say(request.takeOver(), closing(head, problem, header));
    }
  }

  /** Returns an answer to a client after which its connection is closed. */
  ByteBuffer closing(RequestHead head, Problem problem, Map<String, String> more) {
    return Answer.to(head, problem).closing(now(), more);
  }

  Instant now() {
    return clock.instant();
  }

  Tunnels tunnels() {
    return tunnels;
  }

  Observer observer() {
    return observer;
  }

  Relays relays() {
    return relays;
  }

  Authenticator authenticator() {
    return authenticator;
  }

  Duration patience() {
    return wait;
  }

  Executor worker() {
    return worker;
  }
}
