package io.rendezvous.admin;

import io.rendezvous.http.undertow.PageSecurity;
import io.rendezvous.http.undertow.UndertowServer;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.HeaderMap;
import io.undertow.util.Headers;
import io.undertow.util.StatusCodes;
import java.time.Duration;

/**
 * Guards another handler: it passes on requests with the token or a session, and refuses everything
 * else. Called on I/O threads.
 */
final class AuthHandler implements HttpHandler {
  /** The time before a wrong token is refused, once its source has sent too many. */
  private static final Duration SLOW_REFUSAL = Duration.ofSeconds(1);

  private final AdminAuth auth;
  private final HttpHandler login;
  private final HttpHandler next;

  /**
   * Creates a guard.
   *
   * @param login handles logins, which need no token yet
   * @param next handles the requests that are passed on
   */
  AuthHandler(AdminAuth auth, HttpHandler login, HttpHandler next) {
    this.auth = auth;
    this.login = login;
    this.next = next;
  }

  @Override
  public void handleRequest(HttpServerExchange exchange) throws Exception {
    if (!PageSecurity.isSameOrigin(exchange)) { // not even its failures are counted
      ApiHandler.refuse(
          exchange,
          new ApiException(StatusCodes.FORBIDDEN, "the request comes from a page of another site"));
    } else if (LoginApi.isLogin(exchange)) {
      login.handleRequest(exchange);
    } else {
      AdminAuth.Verdict verdict = auth.check(exchange);
      if (verdict instanceof AdminAuth.Verdict.Accepted) {
        next.handleRequest(exchange);
      } else {
        refuse(
            exchange,
            verdict,
            "the token is missing or wrong; send it as Authorization: Bearer TOKEN");
      }
    }
  }

  /**
   * Refuses a request: at once, or after a moment if its source has sent too many wrong tokens. Any
   * thread may call.
   *
   * @param detail the reason, unless it is the number of wrong tokens
   */
  static void refuse(HttpServerExchange exchange, AdminAuth.Verdict verdict, String detail) {
    HeaderMap headers = exchange.getResponseHeaders();
    if (verdict instanceof AdminAuth.Verdict.Throttled throttled) {
      headers.put(Headers.RETRY_AFTER, Long.toString(throttled.delay().toSeconds() + 1));
      ApiException problem =
          new ApiException(
              StatusCodes.TOO_MANY_REQUESTS, "the token is wrong, as too many before it");
      UndertowServer.runLater(exchange, SLOW_REFUSAL, () -> ApiHandler.refuse(exchange, problem));
    } else {
      headers.put(Headers.WWW_AUTHENTICATE, "Bearer realm=\"rendezvous admin\"");
      ApiHandler.refuse(exchange, new ApiException(StatusCodes.UNAUTHORIZED, detail));
    }
  }
}
