package io.rendezvous.protocol.taas;

import io.rendezvous.entry.Authenticator.Verdict;
import io.rendezvous.entry.Entry;
import io.rendezvous.http.DigestCredentials;
import io.rendezvous.http.HeaderField;
import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.undertow.HttpRequest;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.protocol.TokenCheck;
import io.rendezvous.tunnel.TunnelListener;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A hidden server's request to the registrar's host name: {@link #start} wants credentials, {@link
 * #decide} checks them and serves it, and the connection is closed after the answer.
 *
 * <p>Owns the connection once the credentials are there. Answers on its I/O thread, decides on one
 * that may block.
 */
final class RegistrarRequest {
  private static final Logger LOG = LoggerFactory.getLogger(RegistrarRequest.class);
  private static final String SCHEME = "TOTP";
  private static final String REGISTER = "/register/";
  private static final String PAIRINGS = "/pairings/";

  private static final Problem UNREADABLE = Problem.permanent(400, "malformed Authorization");
  private static final Problem FAILED = Problem.passing(400, "unknown UUID or wrong token");
  private static final Problem NOT_THERE = Problem.permanent(404, "no label of yours, or no path");
  private static final Problem METHOD = Problem.permanent(405, "only GET and PUT are understood");
  private static final Problem UNAVAILABLE = Problem.retry(503, "the entries cannot be reached", 5);
  private static final Problem FULL = Problem.retry(503, "the broker is full or closing down", 30);

  /** What is sent. */
  private record Outcome(int status, ByteBuffer octets) {}

  private record Credentials(UUID id, String token) {}

  private final Taas taas;
  private final RequestHead head;
  private final Conn conn;
  private final long began = System.nanoTime();

  private RegistrarRequest(Taas taas, RequestHead head, Conn conn) {
    this.taas = taas;
    this.head = head;
    this.conn = conn;
  }

  /** Takes a request over. */
  static void start(Taas taas, HttpRequest request) {
    RequestHead head = request.head();
    Optional<HeaderField> authorization = head.field("Authorization");
    if (authorization.isEmpty()) {
      challenge(taas, request);
      return;
    }
    RegistrarRequest side = new RegistrarRequest(taas, head, request.takeOver());
    try {
      Credentials credentials = credentials(authorization.get().value());
      taas.tokens()
          .check(credentials.id(), credentials.token(), side.conn.source(), side::answerSoon);
    } catch (ProtocolException e) {
      side.answer(side.problem(UNREADABLE));
    }
  }

  private static void challenge(Taas taas, HttpRequest request) {
    Problem problem = Problem.passing(401, "a UUID and its token are needed");
    Map<String, String> header = Map.of("WWW-Authenticate", taas.challenge().header());
    if (request.canBeKept()) {
      request.answerAndKeep(ProblemResponse.to(request.head(), problem), header);
    } else {
      ProblemResponse answer = ProblemResponse.to(request.head(), problem);
      LingeringClose.say(request.takeOver(), answer.closing(taas.now(), header));
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

  /** Called on a thread that may block. */
  private void answerSoon(Verdict verdict) {
    Outcome outcome;
    try {
      outcome = decide(verdict);
    } catch (RuntimeException e) { // a mistake of ours must not leave the peer without an answer
      LOG.error("A hidden server could not be served", e);
      outcome = problem(UNAVAILABLE);
    }
    Outcome decided = outcome;
    conn.execute(() -> answer(decided));
  }

  private Outcome decide(Verdict verdict) {
    if (verdict instanceof Verdict.Accepted accepted) {
      return serve(accepted.entry());
    }
    return verdict instanceof Verdict.Refused
        ? problem(FAILED)
        : problem(TokenCheck.problem(verdict).orElseThrow());
  }

  private Outcome serve(Entry entry) {
    try {
      return switch (head.method()) {
        case "PUT" -> register(entry, label(entry, REGISTER));
        case "GET" -> tell(entry, label(entry, PAIRINGS));
        default -> new Outcome(METHOD.status(), octets(METHOD, Map.of("Allow", "GET, PUT")));
      };
    } catch (IOException e) {
      LOG.warn("No label can be looked up now: {}", e.getMessage());
      return problem(UNAVAILABLE);
    }
  }

  /**
   * Returns the label behind such a path, if it is the entry's, and no other entry had it first.
   */
  private Optional<String> label(Entry entry, String path) throws IOException {
    String asked = head.path();
    if (!asked.startsWith(path)) {
      return Optional.empty();
    }
    String label;
    try {
      String escaped = asked.substring(path.length()).replace("+", "%2B");
      label = URLDecoder.decode(escaped, StandardCharsets.UTF_8).toLowerCase(Locale.ROOT);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
    if (!entry.labels().contains(label)) {
      return Optional.empty();
    }
    Optional<Entry> owner = taas.index().labelled(label);
    boolean anothers = owner.isPresent() && !owner.get().id().equals(entry.id());
    return anothers ? Optional.empty() : Optional.of(label);
  }

  private Outcome register(Entry entry, Optional<String> label) {
    if (label.isEmpty()) {
      return problem(NOT_THERE);
    }
    if (taas.tunnels().isFull()) {
      return problem(FULL);
    }
    OptionalInt port = taas.registrations().open(entry, label.get(), conn.peer(), began);
    return port.isEmpty() ? problem(FULL) : fine("text/plain", address() + ":" + port.getAsInt());
  }

  private Outcome tell(Entry entry, Optional<String> label) {
    return label.isEmpty()
        ? problem(NOT_THERE)
        : fine("application/json", taas.pairings().json(entry.id(), label.get()));
  }

  private String address() {
    return taas.address().orElseGet(() -> inText(conn.local().getAddress()));
  }

  private static String inText(InetAddress address) {
    String text = address.getHostAddress();
    return address instanceof Inet6Address ? "[" + text + "]" : text;
  }

  private Outcome fine(String type, String body) {
    Map<String, String> headers = Map.of("Content-Type", type);
    return new Outcome(200, ProblemResponse.closing(taas.now(), "200 OK", headers, body));
  }

  private Outcome problem(Problem problem) {
    return new Outcome(problem.status(), octets(problem, Map.of()));
  }

  private ByteBuffer octets(Problem problem, Map<String, String> more) {
    return ProblemResponse.to(head, problem).closing(taas.now(), more);
  }

  private void answer(Outcome outcome) {
    LOG.debug("{} answered: {}", conn, outcome.status());
    if (outcome.status() != 200) {
      taas.observer().refused(TunnelListener.Side.HIDDEN_SERVER, outcome.status());
    }
    LingeringClose.say(conn, outcome.octets());
  }
}
