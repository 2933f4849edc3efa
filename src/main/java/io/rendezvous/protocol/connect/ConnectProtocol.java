package io.rendezvous.protocol.connect;

import io.rendezvous.entry.Entry;
import io.rendezvous.http.Challenge;
import io.rendezvous.http.Identity;
import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.undertow.HttpRequest;
import io.rendezvous.http.undertow.HttpServer;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.net.Network;
import io.rendezvous.protocol.ByHost;
import io.rendezvous.protocol.LabelResolver;
import io.rendezvous.protocol.Matchmaker;
import io.rendezvous.protocol.TokenCheck;
import io.rendezvous.tunnel.TunnelListener;
import io.rendezvous.tunnel.TunnelRegistry;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executor;

/**
 * What both sides of the protocol share, and the way of a new connection to its side: {@link ProtocolDetector}
 * looks at its first octets; a hidden server goes on with {@link ParkRequest}, a client with
 * {@link #onRequest} and {@link ClientRequest}.
 */
public final class ConnectProtocol {
  private static final Problem UNAVAILABLE = Problem.retry(503, "the entries cannot be reached", 5);

  private final LabelResolver names;
  private final ByHost byHost;
  private final TunnelRegistry tunnels;
  private final TunnelListener observer;
  private final Matchmaker pairs;
  private final TokenCheck tokens;
  private final Challenge challenge;
  private final Duration wait;
  private final InstantSource clock;
  private final Executor worker;
  private final HttpServer http;

  /**
   * Creates the protocol.
   *
   * @param byHost is asked first, what it takes is not served here
   * @param wait how long a client waits for a tunnel of an ID that is connected
   */
  public ConnectProtocol(
      Network network,
      LabelResolver names,
      ByHost byHost,
      TunnelRegistry tunnels,
      TunnelListener observer,
      Matchmaker pairs,
      TokenCheck tokens,
      Challenge challenge,
      Duration wait,
      InstantSource clock) {
    this.names = names;
    this.byHost = byHost;
    this.tunnels = tunnels;
    this.observer = observer;
    this.pairs = pairs;
    this.tokens = tokens;
    this.challenge = challenge;
    this.wait = wait;
    this.clock = clock;
    this.worker = network.worker();
    this.http = new HttpServer(network, clock, this::onRequest);
  }

  /** Takes a new connection over, on its I/O thread. */
  public void accept(Conn conn) {
    new ProtocolDetector(conn, this).start();
  }

  /** The head begins with CONNECT. */
  void onHiddenServer(Conn conn, ByteBuffer read, Duration left) {
    new ParkRequest(conn, this).start(read, left);
  }

  /** The head begins with anything else. */
  void onClient(Conn conn, ByteBuffer read, Duration left) {
    http.accept(conn, read, left);
  }

  /** A name in the host goes before one that the client was challenged to give. */
  private void onRequest(HttpRequest request) {
    if (byHost.takes(request)) {
      return;
    }
    Optional<String> label = names.labelOf(request.head());
    if (label.isPresent()) {
      String name = label.get();
      request.ask(worker, () -> names.find(name), found -> onHost(request, name, found));
    } else {
      identify(request);
    }
  }

  /** Its Authorization is not looked at: it is the hidden server's. */
  private void onHost(HttpRequest request, String label, LabelResolver.Found found) {
    Optional<Entry> entry =
        found instanceof LabelResolver.Found.Known known ? Optional.of(known.entry()) : Optional.empty();
    boolean connected = entry.map(e -> tunnels.isConnected(e.id())).orElse(false);
    if (entry.map(Entry::isChallenged).orElse(false)) {
      identify(request);
    } else if (found instanceof LabelResolver.Found.Unavailable) {
      refuse(request, UNAVAILABLE);
    } else if (byHost.takes(request, entry, label, connected)) {
      return;
    } else if (entry.isPresent()) {
      rendezvous(request, entry.get().id(), request.head().octets());
    } else {
      refuse(request, Problem.passing(404, "UUID not registered"));
    }
  }

  private void identify(HttpRequest request) {
    Optional<Identity> identity;
    try {
      identity = Identity.of(request.head());
    } catch (ProtocolException e) {
      refuse(request, Problem.permanent(400, String.valueOf(e.getMessage())));
      return;
    }
    if (identity.isEmpty()) {
      challenge(request);
      return;
    }
    Optional<UUID> id = identity.get().id();
    if (id.isPresent()) {
      rendezvous(request, id.get(), identity.get().head());
    } else {
      String label = identity.get().name();
      request.ask(
          worker, () -> names.find(label), found -> onLabel(request, identity.get(), found));
    }
  }

  /** A label can be guessed, so it counts only where the entry says so. */
  private void onLabel(HttpRequest request, Identity identity, LabelResolver.Found found) {
    if (found instanceof LabelResolver.Found.Known known && known.entry().isOpen()) {
      rendezvous(request, known.entry().id(), identity.head());
    } else if (found instanceof LabelResolver.Found.Unavailable) {
      refuse(request, UNAVAILABLE);
    } else {
      challenge(request);
    }
  }

  private void rendezvous(HttpRequest request, UUID id, ByteBuffer head) {
    RequestHead whole = request.head();
    new ClientRequest(request.takeOver(), whole, id, head, this).start();
  }

  private void refuse(HttpRequest request, Problem problem) {
    RequestHead head = request.head();
    observer.refused(TunnelListener.Side.CLIENT, problem.status());
    LingeringClose.say(request.takeOver(), closing(head, problem, Map.of()));
  }

  private void challenge(HttpRequest request) {
    Problem problem =
        Problem.passing(401, "name the hidden server by its UUID as user name, any password");
    Map<String, String> header = Map.of("WWW-Authenticate", challenge.header());
    if (request.canBeKept()) {
      request.answerAndKeep(ProblemResponse.to(request.head(), problem), header);
    } else {
      RequestHead head = request.head();
      LingeringClose.say(request.takeOver(), closing(head, problem, header));
    }
  }

  /** Returns an answer to a client after which its connection is closed. */
  ByteBuffer closing(RequestHead head, Problem problem, Map<String, String> more) {
    return ProblemResponse.to(head, problem).closing(now(), more);
  }

  Instant now() {
    return clock.instant();
  }

  TunnelRegistry tunnels() {
    return tunnels;
  }

  TunnelListener observer() {
    return observer;
  }

  Matchmaker pairs() {
    return pairs;
  }

  TokenCheck tokens() {
    return tokens;
  }

  Duration patience() {
    return wait;
  }
}
