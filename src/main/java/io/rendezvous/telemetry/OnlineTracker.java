package io.rendezvous.telemetry;

import io.rendezvous.tunnel.Presence;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Follows which hidden servers are online, by comparing states about once a second. A hidden server
 * is offline once its last tunnel has been gone for ten seconds; one that is back sooner was never
 * offline. Not thread-safe.
 */
final class OnlineTracker {
  private static final long OFFLINE_AFTER = Duration.ofSeconds(10).toNanos();

  private final Set<UUID> online = new HashSet<>(); // as it was reported
  private final Map<UUID, Long> goneSince = new HashMap<>();

  /**
   * Reports what has changed since the last call.
   *
   * @param now in nanoseconds
   * @param counts the counts of each ID that is known to be connected
   * @param came accepts each ID that has come online
   * @param went accepts each ID that has gone offline
   */
  void sweep(
      long now, Map<UUID, Presence.Counts> counts, Consumer<UUID> came, Consumer<UUID> went) {
    counts.forEach(
        (id, of) -> {
          if (of.isOnline() && online.add(id)) {
            came.accept(id);
          }
        });
    for (Iterator<UUID> ids = online.iterator(); ids.hasNext(); ) {
      UUID id = ids.next();
      if (isOnline(id, counts)) {
        goneSince.remove(id);
      } else if (now - goneSince.computeIfAbsent(id, i -> now) >= OFFLINE_AFTER) {
        goneSince.remove(id);
        ids.remove();
        went.accept(id);
      }
    }
  }

  static boolean isOnline(UUID id, Map<UUID, Presence.Counts> counts) {
    Presence.Counts of = counts.get(id);
    return of != null && of.isOnline();
  }
}
