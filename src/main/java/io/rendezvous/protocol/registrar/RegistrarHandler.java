package io.rendezvous.protocol.registrar;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.entry.Authenticator.Verdict;
import io.rendezvous.entry.Entry;
import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.net.Source;
import io.rendezvous.protocol.TokenCheck;
import io.rendezvous.tunnel.TunnelListener;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.AttachmentKey;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import io.undertow.util.StatusCodes;
import java.util.Deque;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is asked of the registrar over HTTP: {@link #handleRequest} tells the two questions apart,
 * which is why they have one path. This protocol's answer to a question that was understood is a
 * 200, whatever became of it. One question a connection.
 */
final class RegistrarHandler implements HttpHandler {
  private static final Logger LOG = LoggerFactory.getLogger(RegistrarHandler.class);

  /** A body is nobody's, so it need not be longer. */
  private static final int MOST_BODY = 64 * 1024;

  private static final AttachmentKey<Verdict> VERDICT = AttachmentKey.create(Verdict.class);
  private static final Problem NOTHING = Problem.permanent(404, "there is nothing of that name");
  private static final Problem OTHER_METHOD =
      Problem.permanent(405, "that method does not go with these parameters");
  private static final Problem NO_UUID = Problem.permanent(400, "the parameter uuid is not a UUID");
  private static final Problem NO_TOKEN =
      Problem.permanent(407, "the parameter response is missing");
  private static final Problem NOT_REGISTERED = Problem.passing(404, "UUID not registered");
  private static final Problem FULL = Problem.retry(503, "the broker is full", 30);

  private final Registrar registrar;

  RegistrarHandler(Registrar registrar) {
    this.registrar = registrar;
  }

  @Override
  public void handleRequest(HttpServerExchange exchange) {
    exchange.setPersistent(false);
    exchange.setMaxEntitySize(MOST_BODY);
    String uuid = parameter(exchange, "uuid");
    String token = parameter(exchange, "response");
    if (!exchange.getRequestPath().equals("/") || uuid == null || uuid.isEmpty()) {
      refuse(exchange, NOTHING);
      return;
    }
    String method = token == null ? "GET" : "PUT";
    if (!exchange.getRequestMethod().toString().equals(method)) {
      exchange.getResponseHeaders().put(Headers.ALLOW, method);
      refuse(exchange, OTHER_METHOD);
      return;
    }
    TunnelListener.Side side = token == null ? TunnelListener.Side.CLIENT : TunnelListener.Side.HIDDEN_SERVER;
    UUID id = Entry.parseId(uuid).orElse(null);
    if (id == null) {
      tell(exchange, side, NO_UUID);
    } else if (token == null) {
      find(exchange, id);
    } else if (token.isEmpty()) {
      tell(exchange, side, NO_TOKEN);
    } else {
      register(exchange, id, token);
    }
  }

  private static @Nullable String parameter(HttpServerExchange exchange, String name) {
    Deque<String> values = exchange.getQueryParameters().get(name);
    return values == null ? null : values.peekFirst();
  }

  private void register(HttpServerExchange exchange, UUID id, String token) {
    long began = System.nanoTime();
    Source source = Source.of(exchange.getSourceAddress().getAddress());
    exchange.dispatch(
        task ->
            registrar
                .tokens()
                .check(
                    id,
                    token,
                    source,
                    verdict -> {
                      exchange.putAttachment(VERDICT, verdict);
                      task.run();
                    }),
        (HttpHandler) later -> onVerdict(later, began));
  }

  private void onVerdict(HttpServerExchange exchange, long began) {
    Verdict verdict = exchange.getAttachment(VERDICT);
    Optional<Problem> problem = TokenCheck.problem(verdict);
    if (problem.isPresent()) {
      tell(exchange, TunnelListener.Side.HIDDEN_SERVER, problem.get());
    } else if (registrar.isDraining()) {
      tell(exchange, TunnelListener.Side.HIDDEN_SERVER, Problem.DRAINING);
    } else if (verdict instanceof Verdict.Accepted accepted) {
      registrar
          .registrations()
          .register(accepted.entry(), began)
          .ifPresentOrElse(
              cookies -> give(exchange, cookies.hiddenServer()),
              () -> tell(exchange, TunnelListener.Side.HIDDEN_SERVER, FULL));
    }
  }

  private void find(HttpServerExchange exchange, UUID id) {
    if (registrar.isDraining()) {
      tell(exchange, TunnelListener.Side.CLIENT, Problem.DRAINING);
      return;
    }
    Optional<String> cookie = registrar.registrations().clientCookie(id);
    if (cookie.isPresent()) {
      give(exchange, cookie.get());
    } else {
      registrar.observer().absent(id);
      tell(exchange, TunnelListener.Side.CLIENT, NOT_REGISTERED);
    }
  }

  private void give(HttpServerExchange exchange, String cookie) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putObject("result")
        .put("host", registrar.publicHost())
        .put("port", registrar.tcpAddress().getPort())
        .put("cookie", cookie);
    exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, "application/json");
    exchange.getResponseHeaders().put(Headers.CACHE_CONTROL, "no-store");
    exchange.getResponseSender().send(json + "\n");
  }

  /** The question was understood, so the answer is 200. */
  private void tell(HttpServerExchange exchange, TunnelListener.Side side, Problem problem) {
    LOG.debug("{} refused: {} {}", side, problem.status(), problem.diagnostic());
    registrar.observer().refused(side, problem.status());
    send(exchange, StatusCodes.OK, problem);
  }

  private static void refuse(HttpServerExchange exchange, Problem problem) {
    send(exchange, problem.status(), problem);
  }

  private static void send(HttpServerExchange exchange, int status, Problem problem) {
    ProblemResponse answer = ProblemResponse.json(problem);
    exchange.setStatusCode(status);
    answer
        .headers()
        .forEach((name, value) -> exchange.getResponseHeaders().put(new HttpString(name), value));
    exchange.getResponseSender().send(answer.body());
  }
}
