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
 * Decides who may see and change what the admin listener shows: programs by the token, people by
 * the cookie of a session that the token began; and, whatever they have, no page of another origin.
 */
final class AdminAuth {
  private static final String COOKIE = "rendezvous-admin";
  private static final String BEARER = "Bearer ";
  private static final HttpString FETCH_SITE = new HttpString("Sec-Fetch-Site");
  private static final Set<HttpString> SAFE = Set.of(Methods.GET, Methods.HEAD, Methods.OPTIONS);
  private static final int GUESSES = 10;

  /** What a token turned out to be. */
  sealed interface Verdict {
    /** It is right. */
    record Right() implements Verdict {}

    /** It is wrong, or there is none. */
    record Wrong() implements Verdict {}

    /** It was not looked at, since there were too many wrong ones. */
    record Throttled(Duration delay) implements Verdict {}
  }

  private final Optional<byte[]> token;
  private final InstantSource clock;
  private final boolean secure;
  private final Sessions sessions;
  private final FailureLimiter<Source> guesses = // guarded by itself
      new FailureLimiter<>(
          GUESSES, Duration.ofMinutes(1), Duration.ofSeconds(30), Duration.ofMinutes(5));

  /**
   * Creates one.
   *
   * @param token what opens it; empty if nothing is needed
   * @param secure whether the cookie is for TLS only
   */
  AdminAuth(Optional<String> token, InstantSource clock, boolean secure) {
    this.token = token.map(text -> text.getBytes(StandardCharsets.UTF_8));
    this.clock = clock;
    this.secure = secure;
    this.sessions = new Sessions(clock);
  }

  /** Returns whether the request comes from a page of ours, or from no page at all. */
  boolean isOurOwn(HttpServerExchange exchange) {
    String site = exchange.getRequestHeaders().getFirst(FETCH_SITE);
    if (site != null && !site.equals("same-origin") && !site.equals("none")) {
      return false;
    }
    if (SAFE.contains(exchange.getRequestMethod())) {
      return true;
    }
    String origin = exchange.getRequestHeaders().getFirst(Headers.ORIGIN);
    String host = exchange.getRequestHeaders().getFirst(Headers.HOST);
    return origin == null
        ? site != null || !hasSession(exchange) // every browser says one or the other
        : origin.equals("http://" + host) || origin.equals("https://" + host);
  }

  /** Returns whether the request may be answered. */
  Verdict check(HttpServerExchange exchange) {
    if (token.isEmpty() || hasSession(exchange)) {
      return new Verdict.Right();
    }
    String authorization = exchange.getRequestHeaders().getFirst(Headers.AUTHORIZATION);
    if (authorization == null
        || !authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      return new Verdict.Wrong();
    }
    return check(exchange, authorization.substring(BEARER.length()).strip());
  }

  /** Returns whether that is the token, in the same time whatever it is. */
  Verdict check(HttpServerExchange exchange, String given) {
    Source source = Source.of(exchange.getSourceAddress().getAddress());
    synchronized (guesses) {
      Duration delay = guesses.delay(source, clock.instant());
      if (!delay.isZero()) {
        return new Verdict.Throttled(delay);
      }
      if (token.isEmpty()
          || MessageDigest.isEqual(token.get(), given.getBytes(StandardCharsets.UTF_8))) {
        return new Verdict.Right();
      }
      guesses.failed(source, clock.instant());
      return new Verdict.Wrong();
    }
  }

  private boolean hasSession(HttpServerExchange exchange) {
    Cookie cookie = exchange.getRequestCookie(COOKIE);
    return cookie != null && sessions.has(cookie.getValue());
  }

  /** Begins a session for whoever is answered. */
  void login(HttpServerExchange exchange) {
    exchange.setResponseCookie(cookie(sessions.begin(), (int) Sessions.LENGTH.toSeconds()));
  }

  /** Ends the session, if there is one. */
  void logout(HttpServerExchange exchange) {
    Cookie cookie = exchange.getRequestCookie(COOKIE);
    if (cookie != null) {
      sessions.end(cookie.getValue());
      exchange.setResponseCookie(cookie("", 0));
    }
  }

  private Cookie cookie(String value, int seconds) {
    return new CookieImpl(COOKIE, value)
        .setPath("/")
        .setHttpOnly(true)
        .setSecure(secure)
        .setSameSiteMode("Strict")
        .setMaxAge(seconds);
  }
}
