package io.rendezvous.admin;

import io.rendezvous.entry.FailureLimiter;
import io.rendezvous.net.Source;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.Headers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Decides which requests may see and change what the admin listener shows. Programs send the token.
 * People log in to the page with the token, or by a link with a token for one login, and then have
 * a session. Token and session are sent in the same header. A cookie is never used, because
 * browsers send cookies of {@code 127.0.0.1} to all of its ports.
 *
 * <p>Requests from pages of other origins are refused, whatever they carry. Any thread may call.
 */
final class AdminAuth {
  private static final Duration SESSION_LENGTH = Duration.ofHours(12);
  private static final Duration ONE_TIME_TOKEN_LENGTH = Duration.ofMinutes(10);
  private static final int MAX_SESSIONS = 1000;
  private static final int MAX_ONE_TIME_TOKENS = 100;
  private static final String BEARER = "Bearer ";

  /** Wrong tokens of one source within a minute after which further wrong ones are slowed down. */
  private static final int MAX_FAILURES = 10;

  /** The outcome of a check. */
  sealed interface Verdict {
    /** The token is right, or the session is valid, or no token is needed. */
    record Accepted() implements Verdict {}

    /** The token is wrong or missing. */
    record Refused() implements Verdict {}

    /** The token is wrong, and its source has sent too many wrong ones. */
    record Throttled(Duration delay) implements Verdict {}
  }

  private final Optional<byte[]> token;
  private final Consumer<HttpServerExchange> onAccepted;
  private final InstantSource clock;
  private final TemporarySecrets sessions;
  private final TemporarySecrets oneTimeTokens;
  private final FailureLimiter<Source> failures = // guarded by itself
      new FailureLimiter<>(
          MAX_FAILURES, Duration.ofMinutes(1), Duration.ofSeconds(30), Duration.ofMinutes(5));

  /**
   * Creates an authenticator without sessions.
   *
   * @param token the right token; empty if none is needed
   * @param onAccepted accepts each request with the token or a session
   */
  AdminAuth(Optional<String> token, Consumer<HttpServerExchange> onAccepted, InstantSource clock) {
    this.token = token.map(text -> text.getBytes(StandardCharsets.UTF_8));
    this.onAccepted = onAccepted;
    this.clock = clock;
    this.sessions = new TemporarySecrets(clock, SESSION_LENGTH, MAX_SESSIONS);
    this.oneTimeTokens = new TemporarySecrets(clock, ONE_TIME_TOKEN_LENGTH, MAX_ONE_TIME_TOKENS);
  }

  /** Checks the session or the token of a request. */
  Verdict check(HttpServerExchange exchange) {
    if (token.isEmpty()) {
      return new Verdict.Accepted();
    }
    Optional<String> given = bearer(exchange);
    if (given.isEmpty()) {
      return new Verdict.Refused();
    }
    if (!sessions.isValid(given.get()) && !isToken(given.get())) {
      return wrong(exchange);
    }
    onAccepted.accept(exchange);
    return new Verdict.Accepted();
  }

  /**
   * Returns a test of whether the token or session of a request that was accepted is still valid.
   */
  BooleanSupplier validity(HttpServerExchange exchange) {
    Optional<String> session = bearer(exchange).filter(sessions::isValid);
    return () -> session.isEmpty() || sessions.isValid(session.get());
  }

  /** Checks the token of a login. A token for one login is valid no longer afterwards. */
  Verdict checkLogin(HttpServerExchange exchange, String given) {
    return isToken(given) || oneTimeTokens.take(given) ? new Verdict.Accepted() : wrong(exchange);
  }

  /** Returns whether a request carries the token itself, rather than a session. */
  boolean hasToken(HttpServerExchange exchange) {
    return token.isEmpty() || bearer(exchange).filter(this::isToken).isPresent();
  }

  private static Optional<String> bearer(HttpServerExchange exchange) {
    return Optional.ofNullable(exchange.getRequestHeaders().getFirst(Headers.AUTHORIZATION))
        .filter(text -> text.regionMatches(true, 0, BEARER, 0, BEARER.length()))
        .map(text -> text.substring(BEARER.length()).strip());
  }

  /** Compares in a time that does not depend on the given text. */
  private boolean isToken(String given) {
    return token.isEmpty()
        || MessageDigest.isEqual(token.get(), given.getBytes(StandardCharsets.UTF_8));
  }

  /** Counts a wrong token. The right one is compared before, so no guesser keeps it out. */
  private Verdict wrong(HttpServerExchange exchange) {
    Source source = Source.of(exchange.getSourceAddress().getAddress());
    synchronized (failures) {
      Duration delay = failures.delay(source, clock.instant());
      if (!delay.isZero()) {
        return new Verdict.Throttled(delay);
      }
      failures.failed(source, clock.instant());
      return new Verdict.Refused();
    }
  }

  /** Starts a session. */
  TemporarySecrets.Issued startSession() {
    return sessions.issue();
  }

  /** Ends the session of a request, if it has one. */
  void endSession(HttpServerExchange exchange) {
    bearer(exchange).ifPresent(sessions::take);
  }

  /** Issues a token for one login. */
  TemporarySecrets.Issued issueOneTimeToken() {
    return oneTimeTokens.issue();
  }
}
