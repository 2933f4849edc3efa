package io.rendezvous.protocol.taas;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.Label;
import io.rendezvous.entry.LowerCase;
import io.rendezvous.http.Challenge;
import io.rendezvous.http.ClientConnection;
import io.rendezvous.http.DigestCredentials;
import io.rendezvous.http.HeaderField;
import io.rendezvous.http.Nonces;
import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.Conn;
import io.rendezvous.net.FailureText;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.protocol.ClientRequest;
import io.rendezvous.protocol.Parking;
import io.rendezvous.protocol.Refusals;
import io.rendezvous.tunnel.TunnelListener.Side;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves hidden servers on the registrar's host name. After authentication a hidden server gets a
 * port on which to park a connection, or the latest pairings of a label. The connection is closed
 * after the answer.
 */
final class RegistrarHost {
  private static final Logger LOG = LoggerFactory.getLogger(RegistrarHost.class);
  private static final String SCHEME = "TOTP";
  private static final String REGISTER = "/register/";
  private static final String PAIRINGS = "/pairings/";

  private static final Problem NO_CREDENTIALS =
      Problem.temporary(401, "a UUID and its token are required");
  private static final Problem UNREADABLE = Problem.permanent(400, "malformed Authorization");
  private static final Problem FAILED = Problem.temporary(400, "unknown UUID or wrong token");
  private static final Problem NOT_THERE =
      Problem.permanent(404, "unknown path, or not a label of yours");
  private static final Problem METHOD = Problem.permanent(405, "only GET and PUT are supported");
  private static final Problem UNAVAILABLE = Problem.retry(503, "the entries cannot be reached", 5);
  private static final Problem FULL = Problem.retry(503, "the broker is full or closing down", 30);

  /** A response that is ready to be sent. */
  private record Response(Optional<Problem> problem, ByteBuffer bytes) {}

  private record Credentials(UUID id, String token) {}

  private final Challenge challenge =
      new Challenge(SCHEME, "taas", new Nonces(InstantSource.system()));
  private final Parking parking;
  private final EntryIndex index;
  private final PendingPorts ports;
  private final PairingLog pairings;
  private final Refusals refusals;
  private final Optional<String> address;

  /**
   * Creates the host.
   *
   * @param address the address that hidden servers are told to connect to; if it is empty, the one
   *     they came to
   */
  RegistrarHost(
      Parking parking,
      EntryIndex index,
      PendingPorts ports,
      PairingLog pairings,
      Refusals refusals,
      Optional<String> address) {
    this.parking = parking;
    this.index = index;
    this.ports = ports;
    this.pairings = pairings;
    this.refusals = refusals;
    this.address = address;
  }

  /** Takes a request over, on its I/O thread. */
  void accept(ClientRequest request) {
    RequestHead head = request.head();
    Optional<HeaderField> authorization = head.field("Authorization");
    if (authorization.isEmpty()) {
      challenge(request.connection());
      return;
    }
    Conn conn = request.connection().takeOver();
    Exchange exchange = new Exchange(head, conn);
    try {
      Credentials credentials = credentials(authorization.get().value());
      exchange.named = Optional.of(credentials.id());
      parking.check(credentials.id(), credentials.token(), conn.source(), exchange::answerSoon);
    } catch (ProtocolException e) {
      exchange.answer(exchange.problem(UNREADABLE));
    }
  }

  private void challenge(ClientConnection client) {
    RequestHead head = client.head();
    ProblemResponse response =
        ProblemResponse.to(head, NO_CREDENTIALS).challenging(List.of(challenge.header()));
    if (client.canBeKept()) {
      client.answerAndKeep(response);
    } else {
      refusals.answer(client.takeOver(), response);
    }
  }

  private static Credentials credentials(String authorization) throws ProtocolException {
    int blank = authorization.indexOf(' ');
    if (blank < 0 || !authorization.substring(0, blank).equalsIgnoreCase(SCHEME)) {
      throw new ProtocolException("not of the scheme " + SCHEME);
    }
    Map<String, String> parameters = DigestCredentials.parameters(authorization.substring(blank));
    Optional<UUID> id = Entry.parseId(parameters.getOrDefault("username", ""));
    String token = parameters.getOrDefault("response", "");
    if (id.isEmpty() || token.isEmpty()) {
      throw new ProtocolException("no UUID, or no token");
    }
    return new Credentials(id.get(), token);
  }

  /** One request, which owns its connection. It answers on the connection's I/O thread. */
  private final class Exchange {
    private final RequestHead head;
    private final Conn conn;
    private Optional<UUID> named = Optional.empty(); // the UUID of the request

    Exchange(RequestHead head, Conn conn) {
      this.head = head;
      this.conn = conn;
    }

    /** Answers on the I/O thread. Called on a thread that may block. */
    void answerSoon(Parking.Outcome outcome) {
      Response response;
      try {
        response = decide(outcome);
      } catch (RuntimeException e) { // a bug must not leave the peer without an answer
        LOG.error("A hidden server could not be served", e);
        response = problem(UNAVAILABLE);
      }
      Response decided = response;
      conn.execute(() -> answer(decided));
    }

    private Response decide(Parking.Outcome outcome) {
      if (outcome instanceof Parking.Outcome.Granted granted) {
        return serve(granted.permit());
      }
      Problem denied = ((Parking.Outcome.Denied) outcome).problem();
      return problem(denied.status() == 401 ? FAILED : denied);
    }

    private Response serve(Parking.Permit permit) {
      Entry entry = permit.entry();
      try {
        return switch (head.method()) {
          case "PUT" -> register(permit, label(entry, REGISTER));
          case "GET" -> tell(entry, label(entry, PAIRINGS));
          default -> new Response(Optional.of(METHOD), bytes(METHOD, Map.of("Allow", "GET, PUT")));
        };
      } catch (IOException e) {
        LOG.warn("Labels cannot be looked up now: {}", FailureText.of(e));
        return problem(UNAVAILABLE);
      }
    }

    /** Returns the entry's label that the path names, unless it belongs to an earlier entry. */
    private Optional<String> label(Entry entry, String path) throws IOException {
      Optional<String> label = labelText(path).flatMap(text -> Label.find(entry.labels(), text));
      if (label.isPresent()) {
        Optional<Entry> owner = index.labelled(label.get());
        if (owner.isPresent() && !owner.get().id().equals(entry.id())) {
          return Optional.empty();
        }
      }
      return label;
    }

    private Optional<String> labelText(String path) {
      String asked = head.path();
      if (!asked.startsWith(path)) {
        return Optional.empty();
      }
      String escaped = asked.substring(path.length()).replace("+", "%2B");
      try {
        return Optional.of(LowerCase.of(URLDecoder.decode(escaped, StandardCharsets.UTF_8)));
      } catch (IllegalArgumentException e) {
        return Optional.empty();
      }
    }

    private Response register(Parking.Permit permit, Optional<String> label) {
      if (label.isEmpty()) {
        return problem(NOT_THERE);
      }
      OptionalInt port = ports.open(permit, label.get(), conn.peer());
      return port.isEmpty() ? problem(FULL) : fine("text/plain", address() + ":" + port.getAsInt());
    }

    private Response tell(Entry entry, Optional<String> label) {
      return label.isEmpty()
          ? problem(NOT_THERE)
          : fine("application/json", pairings.json(entry.id(), label.get()));
    }

    private String address() {
      return address.orElseGet(() -> text(conn.local().getAddress()));
    }

    private Response fine(String type, String body) {
      Map<String, String> headers = Map.of("Content-Type", type);
      return new Response(
          Optional.empty(), ProblemResponse.closing(refusals.now(), "200 OK", headers, body));
    }

    Response problem(Problem problem) {
      return new Response(Optional.of(problem), bytes(problem, Map.of()));
    }

    private ByteBuffer bytes(Problem problem, Map<String, String> more) {
      return ProblemResponse.to(head, problem).closing(refusals.now(), more);
    }

    void answer(Response response) {
      response
          .problem()
          .ifPresent(problem -> refusals.refused(conn, Side.HIDDEN_SERVER, named, problem));
      LingeringClose.say(conn, response.bytes());
    }
  }

  private static String text(InetAddress address) {
    String text = address.getHostAddress();
    return address instanceof Inet6Address ? "[" + text + "]" : text;
  }
}
