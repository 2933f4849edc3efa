package io.rendezvous.http;

import java.util.OptionalInt;

/**
 * A reason why a request cannot be served, as the peer is told.
 *
 * @param status the HTTP status code
 * @param permanent whether the same request would fail again
 * @param diagnostic an explanation for people; it contains nothing that the peer has sent
 * @param retryAfter the seconds after which the peer may try again, if that is known
 * @param atHostName whether the client named the hidden server by the host name, so that no other
 *     identity counts
 */
public record Problem(
    int status, boolean permanent, String diagnostic, OptionalInt retryAfter, boolean atHostName) {
  /** The broker is shutting down. Another one may be up in a moment. */
  public static final Problem DRAINING = retry(503, "the broker is closing down", 5);

  /** Returns a problem that remains if the request is repeated. */
  public static Problem permanent(int status, String diagnostic) {
    return new Problem(status, true, diagnostic, OptionalInt.empty(), false);
  }

  /** Returns a problem that may be gone later. */
  public static Problem temporary(int status, String diagnostic) {
    return new Problem(status, false, diagnostic, OptionalInt.empty(), false);
  }

  /** Returns a problem that should be gone in a number of seconds; less than one counts as one. */
  public static Problem retry(int status, String diagnostic, int seconds) {
    return new Problem(status, false, diagnostic, OptionalInt.of(Math.max(1, seconds)), false);
  }

  /** Returns this problem for a client that named the hidden server by the host name. */
  public Problem atHost() {
    return new Problem(status, permanent, diagnostic, retryAfter, true);
  }

  /** Returns the reason phrase of the status code. */
  public String reason() {
    return switch (status) {
      case 400 -> "Bad Request";
      case 401 -> "Unauthorized";
      case 403 -> "Forbidden";
      case 404 -> "Not Found";
      case 405 -> "Method Not Allowed";
      case 407 -> "Proxy Authentication Required";
      case 408 -> "Request Timeout";
      case 409 -> "Conflict";
      case 410 -> "Gone";
      case 413 -> "Content Too Large";
      case 429 -> "Too Many Requests";
      case 431 -> "Request Header Fields Too Large";
      case 502 -> "Bad Gateway";
      case 503 -> "Service Unavailable";
      case 504 -> "Gateway Timeout";
      default -> throw new IllegalStateException("no reason phrase for status " + status);
    };
  }
}
