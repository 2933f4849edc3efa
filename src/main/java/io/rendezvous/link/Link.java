package io.rendezvous.link;

import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/**
 * A permission to reach a hidden server until a certain time (protocol.md, 1.6). A link that a
 * person opens contains it, and so does the cookie that the link sets. {@link LinkKey} turns it
 * into the text of either.
 *
 * <p>To issue a link: {@code key.url(provisioner.url(), Link.to(entry, path, lifetime, now))}. To
 * revoke all links to an entry: {@code store.change(id, entry -> entry.withLinksRevoked(now))}.
 *
 * @param id the hidden server's UUID
 * @param issued when the link was issued, in milliseconds since 1970; the cookie of a link has the
 *     time of the link, so that both are revoked together
 * @param expires when it becomes void, in milliseconds since 1970
 * @param path the path, and query, that the link opens
 */
public record Link(UUID id, long issued, long expires, String path) {
  /** The path of the broker's own pages. The URL of a link ends in it and the token. */
  public static final String PREFIX = "/.well-known/rendezvous/";

  /** The maximum time from the issue of a link until it expires. */
  public static final Duration MAX_LIFETIME = Duration.ofDays(30);

  /** The path of a link that names none. */
  public static final String DEFAULT_PATH = "/";

  /** The maximum length of a path in UTF-8. */
  static final int MAX_PATH = 1024;

  /**
   * Creates a link to the hidden server of an entry.
   *
   * @param path begins with exactly one slash
   * @param lifetime the time until the link expires
   * @throws IllegalArgumentException if the path cannot be that of a link, or the lifetime is not
   *     positive or too long; the message says why, and is fit for the person who asked
   */
  public static Link to(Entry entry, String path, Duration lifetime, Instant now) {
    checkPath(path);
    if (lifetime.toMillis() <= 0 || lifetime.compareTo(MAX_LIFETIME) > 0) {
      throw new IllegalArgumentException(
          "a link is valid for more than 0 s, and for " + MAX_LIFETIME.toDays() + " days at most");
    }
    // Links that were just revoked are older than this one, whatever the clock says.
    long issued = Math.max(now.toEpochMilli(), entry.linksSince().toEpochMilli());
    return new Link(entry.id(), issued, now.plus(lifetime).toEpochMilli(), path);
  }

  private static void checkPath(String path) {
    // Browsers take "//host" and "/\host" for the address of another host.
    if (!path.startsWith("/") || path.startsWith("//") || path.startsWith("/\\")) {
      throw new IllegalArgumentException("the path of a link begins with one slash");
    }
    if (path.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException("the path of a link has no control characters");
    }
    if (path.getBytes(StandardCharsets.UTF_8).length > MAX_PATH) {
      throw new IllegalArgumentException(
          "the path of a link has at most " + MAX_PATH + " characters");
    }
  }

  /**
   * Returns the link as its cookie contains it. Its path stands for the password that clients have
   * to know, so that the cookie is void once there is another one.
   */
  public Link forCookie(Entry entry) {
    return new Link(id, issued, expires, cookiePath(entry));
  }

  private static String cookiePath(Entry entry) {
    return DEFAULT_PATH + entry.password().map(ClientPassword::fingerprint).orElse("");
  }

  /** Returns whether it has expired. An expired link is void, whatever its entry says. */
  public boolean isExpired(Instant now) {
    return now.toEpochMilli() >= expires;
  }

  /** Returns whether it is valid: it has not expired, and its entry has not revoked it. */
  public boolean isValid(Entry entry, Instant now) {
    return id.equals(entry.id()) && !isExpired(now) && issued >= entry.linksSince().toEpochMilli();
  }

  /**
   * Returns whether it is valid as a cookie: as {@link #isValid} says, and the password for clients
   * is the one that it was issued for.
   */
  public boolean isValidCookie(Entry entry, Instant now) {
    return isValid(entry, now) && path.equals(cookiePath(entry));
  }

  /** Returns the time that is left until it expires. */
  public Duration left(Instant now) {
    return Duration.ofMillis(Math.max(0, expires - now.toEpochMilli()));
  }

  /** Returns a text without the UUID, which lets its reader reach the hidden server. */
  @Override
  public String toString() {
    return "Link";
  }
}
