package io.rendezvous.telemetry;

import io.rendezvous.entry.LruMap;
import io.rendezvous.net.Source;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;

/**
 * Limits the lines that strangers can cause in the log: one a minute for each UUID, one a minute
 * for each source, and a hundred a minute in all. The others are counted. Any thread may call.
 */
final class LogLimiter {
  static final int MAX_PER_MINUTE = 100;

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final int MAX_KEYS = 10_000;

  // Guarded by this.
  private final Map<Object, Instant> loggedAt = LruMap.byUse(MAX_KEYS); // by UUID and by source
  private Instant minuteEnds = Instant.MIN;
  private int logged;
  private long suppressed;

  /** Returns whether a line about a UUID and a source may be written. Counts it if not. */
  synchronized boolean mayLog(UUID id, Source source, Instant now) {
    if (!now.isBefore(minuteEnds)) {
      minuteEnds = now.plus(MINUTE);
      logged = 0;
    }
    if (wasLogged(id, now) || wasLogged(source, now) || logged >= MAX_PER_MINUTE) {
      suppressed++;
      return false;
    }
    logged++;
    loggedAt.put(id, now);
    loggedAt.put(source, now);
    return true;
  }

  private boolean wasLogged(Object key, Instant now) {
    Instant at = loggedAt.get(key);
    return at != null && now.isBefore(at.plus(MINUTE));
  }

  /** Returns the number of lines that were not written in a minute that is over, once for each. */
  synchronized long takeSuppressed(Instant now) {
    if (now.isBefore(minuteEnds)) {
      return 0;
    }
    long taken = suppressed;
    suppressed = 0;
    return taken;
  }
}
