package io.rendezvous.protocol.registrar;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.entry.Entry;
import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.protocol.ClientRequest;
import io.rendezvous.protocol.Parking;
import io.rendezvous.protocol.Protocol;
import io.rendezvous.protocol.Refusals;
import io.rendezvous.tunnel.TunnelListener.Side;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * The protocol of the registrar's HTTPS port. A PUT registers a hidden server, a GET looks one up.
 * Both are answered with a cookie for the TCP port. A request that is well formed is answered with
 * 200 even if it is refused, as this protocol prescribes. Each connection carries one request.
 *
 * <p>Lives on the I/O threads of its connections.
 */
final class RegistrarRequests implements Protocol {
  private static final Problem NOT_FOUND = Problem.permanent(404, "not found");
  private static final Problem WRONG_METHOD =
      Problem.permanent(405, "the method does not fit the parameters");
  private static final Problem NO_UUID = Problem.permanent(400, "the parameter uuid is not a UUID");
  private static final Problem NO_TOKEN =
      Problem.permanent(407, "the parameter response is missing");
  private static final Problem NOT_REGISTERED = Problem.temporary(404, "UUID not registered");
  private static final Problem FULL = Problem.retry(503, "the broker is full", 30);

  private final Registrations registrations;
  private final Parking parking;
  private final Refusals refusals;
  private final MeetingPoint meetingPoint;

  /** Tells where the two sides meet. */
  interface MeetingPoint {
    /** Returns the host name, as it is told to both sides. */
    String host();

    /** Returns the TCP port, as it is told to both sides. */
    int port();

    /** Returns whether the broker is shutting down. */
    boolean isDraining();
  }

  RegistrarRequests(
      Registrations registrations, Parking parking, Refusals refusals, MeetingPoint meetingPoint) {
    this.registrations = registrations;
    this.parking = parking;
    this.refusals = refusals;
    this.meetingPoint = meetingPoint;
  }

  /**
   * Claims every request but those of clients of section 1, which the older servers served on this
   * port as well: a client whose query names no hidden server, but {@code rendezvous}, and one that
   * has authenticated.
   */
  @Override
  public boolean claims(ClientRequest request) {
    RequestHead head = request.head();
    boolean isConnectClient =
        head.parameter("rendezvous").isPresent() || head.field("Authorization").isPresent();
    return head.parameter("uuid").isPresent() || !isConnectClient;
  }

  @Override
  public void accept(ClientRequest request) {
    RequestHead head = request.head();
    Conn conn = request.connection().takeOver();
    Optional<String> uuid = parameter(head, "uuid");
    Optional<String> token = parameter(head, "response");
    if (!head.path().equals("/") || uuid.isEmpty() || uuid.get().isEmpty()) {
      refusals.answer(conn, head, NOT_FOUND, Map.of());
      return;
    }
    String method = token.isPresent() ? "PUT" : "GET";
    if (!head.method().equals(method)) {
      refusals.answer(conn, head, WRONG_METHOD, Map.of("Allow", method));
      return;
    }
    Side side = token.isPresent() ? Side.HIDDEN_SERVER : Side.CLIENT;
    UUID id = Entry.parseId(uuid.get()).orElse(null);
    if (id == null) {
      refuse(conn, side, Optional.empty(), NO_UUID);
    } else if (token.isEmpty()) {
      find(conn, id);
    } else if (token.get().isEmpty()) {
      refuse(conn, side, Optional.of(id), NO_TOKEN);
    } else {
      register(conn, id, token.get());
    }
  }

  private static Optional<String> parameter(RequestHead head, String name) {
    try {
      return head.parameter(name).map(raw -> URLDecoder.decode(raw, StandardCharsets.UTF_8));
    } catch (IllegalArgumentException e) { // a lone percent sign
      return head.parameter(name);
    }
  }

  private void register(Conn conn, UUID id, String token) {
    parking.check(
        id, token, conn.source(), outcome -> conn.execute(() -> onOutcome(conn, id, outcome)));
  }

  private void onOutcome(Conn conn, UUID id, Parking.Outcome outcome) {
    if (meetingPoint.isDraining()) {
      refuse(conn, Side.HIDDEN_SERVER, Optional.of(id), Problem.DRAINING);
    } else if (outcome instanceof Parking.Outcome.Denied denied) {
      refuse(conn, Side.HIDDEN_SERVER, Optional.of(id), denied.problem());
    } else if (outcome instanceof Parking.Outcome.Granted granted) {
      registrations
          .register(granted.permit().entry(), granted.permit().since())
          .ifPresentOrElse(
              cookies -> give(conn, cookies.hiddenServer()),
              () -> refuse(conn, Side.HIDDEN_SERVER, Optional.of(id), FULL));
    }
  }

  private void find(Conn conn, UUID id) {
    if (meetingPoint.isDraining()) {
      refuse(conn, Side.CLIENT, Optional.of(id), Problem.DRAINING);
      return;
    }
    Optional<String> cookie = registrations.clientCookie(id);
    if (cookie.isPresent()) {
      give(conn, cookie.get());
    } else {
      refusals.absent(id);
      refuse(conn, Side.CLIENT, Optional.of(id), NOT_REGISTERED);
    }
  }

  private void give(Conn conn, String cookie) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putObject("result")
        .put("host", meetingPoint.host())
        .put("port", meetingPoint.port())
        .put("cookie", cookie);
    answer(conn, Map.of(), json + "\n");
  }

  /** Refuses a request that is well formed. */
  private void refuse(Conn conn, Side side, Optional<UUID> id, Problem problem) {
    refusals.refused(conn, side, id, problem);
    ProblemResponse response = ProblemResponse.json(problem);
    answer(conn, response.headers(), response.body());
  }

  private void answer(Conn conn, Map<String, String> headers, String body) {
    Map<String, String> all = new LinkedHashMap<>(headers);
    all.put("Content-Type", "application/json");
    all.put("Cache-Control", "no-store");
    LingeringClose.say(conn, ProblemResponse.closing(refusals.now(), "200 OK", all, body));
  }
}
