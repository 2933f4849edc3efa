package io.rendezvous.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.RoutingHandler;
import io.undertow.util.Methods;
import io.undertow.util.StatusCodes;
import java.time.temporal.ChronoUnit;

/**
 * The part of the REST API by which people log in to the page and out again. Requests are answered
 * on worker threads.
 */
final class LoginApi {
  private static final String SESSION = "/api/session";
  private static final String ONE_TIME_TOKEN = "/api/one-time-token";

  private final AdminAuth auth;

  LoginApi(AdminAuth auth) {
    this.auth = auth;
  }

  /** Returns whether a request is a login, which carries its token in the body. */
  static boolean isLogin(HttpServerExchange exchange) {
    return exchange.getRequestPath().equals(SESSION)
        && exchange.getRequestMethod().equals(Methods.POST);
  }

  /** Adds the routes that need the token or a session. */
  void addTo(RoutingHandler routes) {
    routes
        .delete(SESSION, ApiHandler.handler(this::logOut))
        .post(ONE_TIME_TOKEN, ApiHandler.handler(this::issueOneTimeToken));
  }

  /** Logs in with the token of the body, and answers with the secret of the session. */
  void logIn(HttpServerExchange exchange, byte[] body) throws ApiException {
    JsonNode token = EntryRequest.object(body).path("token");
    if (!token.isTextual()) {
      throw EntryRequest.invalid("the body must contain \"token\", a string");
    }
    AdminAuth.Verdict verdict = auth.checkLogin(exchange, token.textValue().strip());
    if (verdict instanceof AdminAuth.Verdict.Accepted) {
      send(exchange, "session", auth.startSession());
    } else {
      AuthHandler.refuse(exchange, verdict, "the token is wrong");
    }
  }

  private void logOut(HttpServerExchange exchange, byte[] body) {
    auth.endSession(exchange);
    exchange.setStatusCode(StatusCodes.NO_CONTENT);
    exchange.endExchange();
  }

  /** Issues a token for a link. A session could otherwise prolong itself without an end. */
  private void issueOneTimeToken(HttpServerExchange exchange, byte[] body) throws ApiException {
    if (!auth.hasToken(exchange)) {
      throw new ApiException(StatusCodes.FORBIDDEN, "this needs the token, not a session");
    }
    send(exchange, "token", auth.issueOneTimeToken());
  }

  private static void send(
      HttpServerExchange exchange, String key, TemporarySecrets.Issued issued) {
    exchange.setStatusCode(StatusCodes.CREATED);
    ApiHandler.send(
        exchange,
        ApiHandler.JSON,
        JsonNodeFactory.instance
            .objectNode()
            .put(key, issued.secret())
            .put("until", issued.until().truncatedTo(ChronoUnit.SECONDS).toString())
            .toString());
  }
}
