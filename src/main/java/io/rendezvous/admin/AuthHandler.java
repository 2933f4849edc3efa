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
 * Stands before all that asks for access: lets programs with the token and people with a session
 * through, logs people in and out, and says what browsers may do with the answers.
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
  private static final String MESSAGE = "<!--message-->";

  private final AdminAuth access;
  private final HttpHandler behind;

  /**
   * Creates one.
   *
   * @param behind answers those who have access
   */
  AuthHandler(AdminAuth access, HttpHandler behind) {
    this.access = access;
    this.behind = behind;
  }

  /** Adds to an answer what each of ours says to browsers. */
  static void addHeaders(HttpServerExchange exchange) {
    HeaderMap headers = exchange.getResponseHeaders();
    HEADERS.forEach(headers::put);
  }

  @Override
  public void handleRequest(HttpServerExchange exchange) throws Exception {
    boolean get = exchange.getRequestMethod().equals(Methods.GET);
    boolean page = exchange.getRequestPath().equals("/");
    Deque<String> token = exchange.getQueryParameters().get("token");
    boolean ours = access.isOurOwn(exchange);
    if (!(get && page) && !ours) { // a link elsewhere may lead to the page
      ApiHandler.refuse(
          exchange,
          new ApiException(StatusCodes.FORBIDDEN, "the request comes from a page elsewhere"));
    } else if (get && page && token != null && ours) { // or pages elsewhere could use up guesses
      ApiHandler.handler((e, body) -> login(e, token.getFirst())).handleRequest(exchange);
    } else if (exchange.getRequestPath().equals("/login")) {
      ApiHandler.handler((e, body) -> login(e, tokenIn(body))).handleRequest(exchange);
    } else {
      pass(exchange, page);
    }
  }

  private void pass(HttpServerExchange exchange, boolean page) throws Exception {
    AdminAuth.Verdict verdict = access.check(exchange);
    if (verdict instanceof AdminAuth.Verdict.Right) {
      behind.handleRequest(exchange);
    } else if (page) {
      ApiHandler.handler((e, body) -> askForToken(e, verdict, "")).handleRequest(exchange);
    } else {
      refuse(exchange, verdict);
    }
  }

  private static void refuse(HttpServerExchange exchange, AdminAuth.Verdict verdict) {
    int status = status(exchange, verdict);
    String detail =
        status == StatusCodes.UNAUTHORIZED
            ? "the token is missing or wrong: Authorization: Bearer TOKEN"
            : "too many wrong tokens; try again later";
    ApiHandler.refuse(exchange, new ApiException(status, detail));
  }

  /** Says when to come back, or what is needed. */
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
          return ""; // which is wrong, too
        }
      }
    }
    return "";
  }

  private void login(HttpServerExchange exchange, String token) throws IOException {
    AdminAuth.Verdict verdict = access.check(exchange, token.strip());
    if (verdict instanceof AdminAuth.Verdict.Right) {
      access.login(exchange);
      toThePage(exchange);
      return;
    }
    String message =
        verdict instanceof AdminAuth.Verdict.Throttled throttled
            ? "Too many wrong tokens. Try again in " + seconds(throttled.delay()) + " seconds."
            : "That is not the token.";
    askForToken(exchange, verdict, message);
  }

  private static void askForToken(
      HttpServerExchange exchange, AdminAuth.Verdict verdict, String message) throws IOException {
    exchange.setStatusCode(status(exchange, verdict));
    ApiHandler.send(
        exchange,
        StaticFile.typeOf("login.html"),
        StaticFile.read("login.html").orElseThrow().replace(MESSAGE, message));
  }

  /** Ends the session. */
  void logout(HttpServerExchange exchange) {
    access.logout(exchange);
    toThePage(exchange);
  }

  private static void toThePage(HttpServerExchange exchange) {
    exchange.setStatusCode(StatusCodes.SEE_OTHER);
    exchange.getResponseHeaders().put(Headers.LOCATION, "/");
    exchange.endExchange();
  }
}
