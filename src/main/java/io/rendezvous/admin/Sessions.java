package io.rendezvous.admin;

import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/** Those who have logged in to the page, each for half a day. Any thread may call. */
final class Sessions {
  static final Duration LENGTH = Duration.ofHours(12);
  private static final int MAX = 1000;
  private static final int OCTETS = 32;

  private final SecureRandom random = new SecureRandom();
  private final InstantSource clock;
  private final Map<String, Instant> ends =
      new LinkedHashMap<>() { // guarded by this; the oldest first
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Instant> eldest) {
          return size() > MAX;
        }
      };

  Sessions(InstantSource clock) {
    this.clock = clock;
  }

  /** Begins one, and returns its secret name. */
  synchronized String begin() {
    byte[] octets = new byte[OCTETS];
    random.nextBytes(octets);
    String name = Base64.getUrlEncoder().withoutPadding().encodeToString(octets);
    ends.put(name, clock.instant().plus(LENGTH));
    return name;
  }

  /** Returns whether there is one of that name. Names are too long to be found by their timing. */
  synchronized boolean has(String name) {
    Instant end = ends.get(name);
    return end != null && clock.instant().isBefore(end);
  }

  synchronized void end(String name) {
    ends.remove(name);
  }
}
