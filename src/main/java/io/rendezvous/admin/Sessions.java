package io.rendezvous.admin;

import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The sessions of people who have logged in to the page. A session ends after 12 hours, or when it
 * is the oldest of more than 1000. Any thread may call.
 */
final class Sessions {
  static final Duration LENGTH = Duration.ofHours(12);
  private static final int MAX_SESSIONS = 1000;
  private static final int ID_BYTES = 32;

  private final SecureRandom random = new SecureRandom();
  private final InstantSource clock;
  private final Map<String, Instant> ends =
      new LinkedHashMap<>() { // guarded by this; the oldest first
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Instant> eldest) {
          return size() > MAX_SESSIONS;
        }
      };

  Sessions(InstantSource clock) {
    this.clock = clock;
  }

  /** Starts a session, and returns its secret ID. */
  synchronized String start() {
    byte[] bytes = new byte[ID_BYTES];
    random.nextBytes(bytes);
    String id = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    ends.put(id, clock.instant().plus(LENGTH));
    return id;
  }

  /**
   * Returns whether a session has started and not ended. An ID is too long to be found by timing
   * this.
   */
  synchronized boolean isValid(String id) {
    Instant end = ends.get(id);
    return end != null && clock.instant().isBefore(end);
  }

  synchronized void end(String id) {
    ends.remove(id);
  }
}
