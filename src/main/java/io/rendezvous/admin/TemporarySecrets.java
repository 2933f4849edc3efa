package io.rendezvous.admin;

import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Random secrets that are valid for a while: sessions, and tokens for one login. When there are too
 * many, the oldest one becomes invalid. Any thread may call.
 */
final class TemporarySecrets {
  private static final int BYTES = 32;

  /** A new secret, and when it becomes invalid. */
  record Issued(String secret, Instant until) {}

  private final SecureRandom random = new SecureRandom();
  private final InstantSource clock;
  private final Duration length;
  private final Map<String, Instant> ends; // guarded by this; the oldest first

  /**
   * Creates an empty set of secrets.
   *
   * @param length how long each is valid
   * @param max the maximum number of secrets
   */
  TemporarySecrets(InstantSource clock, Duration length, int max) {
    this.clock = clock;
    this.length = length;
    this.ends =
        new LinkedHashMap<>() {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<String, Instant> eldest) {
            return size() > max;
          }
        };
  }

  /** Issues a new secret. */
  synchronized Issued issue() {
    byte[] bytes = new byte[BYTES];
    random.nextBytes(bytes);
    String secret = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    Instant until = clock.instant().plus(length);
    ends.put(secret, until);
    return new Issued(secret, until);
  }

  /** Returns whether a secret is valid. It is too long to be found by timing this. */
  synchronized boolean isValid(String secret) {
    Instant end = ends.get(secret);
    return end != null && clock.instant().isBefore(end);
  }

  /** Makes a secret invalid. Returns whether it was valid, which is true once for each secret. */
  synchronized boolean take(String secret) {
    boolean wasValid = isValid(secret);
    ends.remove(secret);
    return wasValid;
  }
}
