package io.rendezvous.admin;

import io.rendezvous.entry.FailureLimiter;
import io.rendezvous.net.Source;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.Cookie;
import io.undertow.server.handlers.CookieImpl;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import io.undertow.util.Methods;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Set;

/**
 * Decides which requests may see and change what the admin listener shows. Programs send the token.
 * People log in with the token and then have a session, by a cookie. Requests from pages of other
 * origins are refused, whatever they carry. Any thread may call.
 */
final class AdminAuth {
  private static final String COOKIE = "rendezvous-admin";
  private static final String BEARER = "Bearer ";
  private static final HttpString FETCH_SITE = new HttpString("Sec-Fetch-Site");
  private static final Set<HttpString> SAFE_METHODS =
      Set.of(Methods.GET, Methods.HEAD, Methods.OPTIONS);

  /** Wrong tokens of one source within a minute after which it is blocked. */
  private static final int MAX_FAILURES = 10;

  /** The outcome of a check. */
  sealed interface Verdict {
    /** The token is right, or the session is valid, or no token is needed. */
    record Accepted() implements Verdict {}

    /** The token is wrong or missing. */
    record Refused() implements Verdict {}

    /** The token was not checked, because its source has sent too many wrong ones. */
    record Throttled(Duration delay) implements Verdict {}
  }

  private final Optional<byte[]> token;
  private final InstantSource clock;
  private final boolean tls;
  private final Sessions sessions;
  private final FailureLimiter<Source> failures = // guarded by itself
      new FailureLimiter<>(
          MAX_FAILURES, Duration.ofMinutes(1), Duration.ofSeconds(30), Duration.ofMinutes(5));

  /**
   * Creates an authenticator without sessions.
   *
   * @param token the right token; empty if none is needed
   * @param tls whether browsers may send the cookie over TLS only
   */
  AdminAuth(Optional<String> token, InstantSource clock, boolean tls) {
    this.token = token.map(text -> text.getBytes(StandardCharsets.UTF_8));
    this.clock = clock;
    this.tls = tls;
    this.sessions = new Sessions(clock);
  }

  /** Returns whether a request comes from a page of this listener, or from a program. */
  boolean isSameOrigin(HttpServerExchange exchange) {
    String site = exchange.getRequestHeaders().getFirst(FETCH_SITE);
    if (site != null && !site.equals("same-origin") && !site.equals("none")) {
      return false;
    }
    if (SAFE_METHODS.contains(exchange.getRequestMethod())) {
      return true;
    }
    String origin = exchange.getRequestHeaders().getFirst(Headers.ORIGIN);
    String host = exchange.getRequestHeaders().getFirst(Headers.HOST);
    return origin == null
        ? site != null || !hasSession(exchange) // every browser sends one header or the other
        : origin.equals("http://" + host) || origin.equals("https://" + host);
  }

  /** Checks the session or the token of a request. */
  Verdict check(HttpServerExchange exchange) {
    if (token.isEmpty() || hasSession(exchange)) {
      return new Verdict.Accepted();
    }
    String authorization = exchange.getRequestHeaders().getFirst(Headers.AUTHORIZATION);
    if (authorization == null
        || !authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      return new Verdict.Refused();
    }
    return check(exchange, authorization.substring(BEARER.length()).strip());
  }

  /** Checks a token, in a time that does not depend on it. */
  Verdict check(HttpServerExchange exchange, String given) {
    Source source = Source.of(exchange.getSourceAddress().getAddress());
    synchronized (failures) {
      Duration delay = failures.delay(source, clock.instant());
      if (!delay.isZero()) {
        return new Verdict.Throttled(delay);
      }
      if (token.isEmpty()
          || MessageDigest.isEqual(token.get(), given.getBytes(StandardCharsets.UTF_8))) {
        return new Verdict.Accepted();
      }
      failures.failed(source, clock.instant());
      return new Verdict.Refused();
    }
  }

  private boolean hasSession(HttpServerExchange exchange) {
    Cookie cookie = exchange.getRequestCookie(COOKIE);
    return cookie != null && sessions.isValid(cookie.getValue());
  }

  /** Starts a session, and sets its cookie in the response. */
  void login(HttpServerExchange exchange) {
    exchange.setResponseCookie(cookie(sessions.start(), (int) Sessions.LENGTH.toSeconds()));
  }

  /** Ends the session of a request, if it has one, and removes its cookie. */
  void logout(HttpServerExchange exchange) {
    Cookie cookie = exchange.getRequestCookie(COOKIE);
    if (cookie != null) {
      sessions.end(cookie.getValue());
      exchange.setResponseCookie(cookie("", 0));
    }
  }

  private Cookie cookie(String value, int maxAgeSeconds) {
    return new CookieImpl(COOKIE, value)
        .setPath("/")
        .setHttpOnly(true)
        .setSecure(tls)
        .setSameSiteMode("Strict")
        .setMaxAge(maxAgeSeconds);
  }
}
