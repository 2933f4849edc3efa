package io.rendezvous.admin;

import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.HeaderMap;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import io.undertow.util.Methods;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Deque;
import java.util.Map;

/**
 * Guards another handler: it passes on requests with the token or a session, logs people in and
 * out, and refuses everything else. Requests reach it on I/O threads; logins are handled on
 * workers.
 */
final class AuthHandler implements HttpHandler {
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
          + " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
  private static final Map<HttpString, String> HEADERS =
      Map.of(
          new HttpString("Content-Security-Policy"),
          POLICY,
          Headers.X_CONTENT_TYPE_OPTIONS,
          "nosniff",
          Headers.REFERRER_POLICY,
          "no-referrer",
          Headers.CACHE_CONTROL,
          "no-store");

  /** Stands in login.html where the message belongs. */
  private static final String MESSAGE = "<!--message-->";

  private final AdminAuth auth;
  private final HttpHandler next;

  /**
   * Creates a guard.
   *
   * @param next handles the requests that are passed on
   */
  AuthHandler(AdminAuth auth, HttpHandler next) {
    this.auth = auth;
    this.next = next;
  }

  /** Adds the headers that restrict what browsers may do with a response. */
  static void addHeaders(HttpServerExchange exchange) {
    HeaderMap headers = exchange.getResponseHeaders();
    HEADERS.forEach(headers::put);
  }

  @Override
  public void handleRequest(HttpServerExchange exchange) throws Exception {
    boolean isRoot = exchange.getRequestPath().equals("/");
    boolean isPage = isRoot && exchange.getRequestMethod().equals(Methods.GET);
    boolean isSameOrigin = auth.isSameOrigin(exchange);
    Deque<String> token = exchange.getQueryParameters().get("token");
    if (!isPage && !isSameOrigin) { // a link on another site may lead to the page
      ApiHandler.refuse(
          exchange,
          new ApiException(StatusCodes.FORBIDDEN, "the request comes from a page of another site"));
    } else if (isPage && token != null && isSameOrigin) { // other sites must not cause failures
      ApiHandler.handler((e, body) -> login(e, token.getFirst())).handleRequest(exchange);
    } else if (exchange.getRequestPath().equals("/login")) {
      ApiHandler.handler((e, body) -> login(e, tokenIn(body))).handleRequest(exchange);
    } else {
      check(exchange, isRoot);
    }
  }

  private void check(HttpServerExchange exchange, boolean isRoot) throws Exception {
    AdminAuth.Verdict verdict = auth.check(exchange);
    if (verdict instanceof AdminAuth.Verdict.Accepted) {
      next.handleRequest(exchange);
    } else if (isRoot) {
      ApiHandler.handler((e, body) -> sendLogin(e, verdict, "")).handleRequest(exchange);
    } else {
      refuse(exchange, verdict);
    }
  }

  private static void refuse(HttpServerExchange exchange, AdminAuth.Verdict verdict) {
    int status = status(exchange, verdict);
    String detail =
        status == StatusCodes.UNAUTHORIZED
            ? "the token is missing or wrong; send it as Authorization: Bearer TOKEN"
            : "too many wrong tokens; try again later";
    ApiHandler.refuse(exchange, new ApiException(status, detail));
  }

  /** Returns the status of a refusal, and sets the header that belongs to it. */
  private static int status(HttpServerExchange exchange, AdminAuth.Verdict verdict) {
    HeaderMap headers = exchange.getResponseHeaders();
    if (verdict instanceof AdminAuth.Verdict.Throttled throttled) {
      headers.put(Headers.RETRY_AFTER, Long.toString(seconds(throttled.delay())));
      return StatusCodes.TOO_MANY_REQUESTS;
    }
    headers.put(Headers.WWW_AUTHENTICATE, "Bearer realm=\"rendezvous admin\"");
    return StatusCodes.UNAUTHORIZED;
  }

  private static long seconds(Duration delay) {
    return delay.toSeconds() + 1;
  }

  private static String tokenIn(byte[] form) {
    for (String field : new String(form, StandardCharsets.US_ASCII).split("&", -1)) {
      if (field.startsWith("token=")) {
        try {
          return URLDecoder.decode(field.substring("token=".length()), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
          return ""; // an empty token is wrong too
        }
      }
    }
    return "";
  }

  private void login(HttpServerExchange exchange, String token) throws IOException {
    AdminAuth.Verdict verdict = auth.check(exchange, token.strip());
    if (verdict instanceof AdminAuth.Verdict.Accepted) {
      auth.login(exchange);
      redirectToPage(exchange);
      return;
    }
    String message =
        verdict instanceof AdminAuth.Verdict.Throttled throttled
            ? "Too many wrong tokens. Try again in " + seconds(throttled.delay()) + " seconds."
            : "The token is wrong.";
    sendLogin(exchange, verdict, message);
  }

  private static void sendLogin(
      HttpServerExchange exchange, AdminAuth.Verdict verdict, String message) throws IOException {
    exchange.setStatusCode(status(exchange, verdict));
    ApiHandler.send(
        exchange,
        StaticFile.typeOf("login.html"),
        StaticFile.read("login.html").orElseThrow().replace(MESSAGE, message));
  }

  /** Ends the session of a request. */
  void logout(HttpServerExchange exchange) {
    auth.logout(exchange);
    redirectToPage(exchange);
  }

  private static void redirectToPage(HttpServerExchange exchange) {
    exchange.setStatusCode(StatusCodes.SEE_OTHER);
    exchange.getResponseHeaders().put(Headers.LOCATION, "/");
    exchange.endExchange();
  }
}
