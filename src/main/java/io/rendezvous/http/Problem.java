package io.rendezvous.http;

import java.util.OptionalInt;

/**
 * Something that cannot be done for a peer, and what it is told.
 *
 * @param status the HTTP status
 * @param permanent whether trying again unchanged is in vain
 * @param diagnostic what is wrong, for people; it holds nothing that the peer sent
 * @param retryAfter seconds after which trying again makes sense
 */
public record Problem(int status, boolean permanent, String diagnostic, OptionalInt retryAfter) {
  /** The broker closes down; another one may be up in a moment. */
  public static final Problem DRAINING = retry(503, "the broker is closing down", 5);

  /** Returns one that trying again will not mend. */
  public static Problem permanent(int status, String diagnostic) {
    return new Problem(status, true, diagnostic, OptionalInt.empty());
  }

  /** Returns one that may be gone later. */
  public static Problem passing(int status, String diagnostic) {
    return new Problem(status, false, diagnostic, OptionalInt.empty());
  }

  /** Returns one that should be gone in so many seconds. */
  public static Problem retry(int status, String diagnostic, int seconds) {
    return new Problem(status, false, diagnostic, OptionalInt.of(Math.max(1, seconds)));
  }

  /** Returns the reason phrase that belongs to the status. */
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
      case 429 -> "Too Many Requests";
      case 431 -> "Request Header Fields Too Large";
      case 502 -> "Bad Gateway";
      case 503 -> "Service Unavailable";
      default -> throw new IllegalStateException("no reason for status " + status);
    };
  }
}
