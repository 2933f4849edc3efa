package io.rendezvous.telemetry;

import io.rendezvous.entry.LruMap;
import io.rendezvous.tunnel.Refusal;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;

/**
 * The last refusal of each UUID that a hidden server claimed. Strangers may claim any UUID, so only
 * the latest 10,000 are kept of those that have an entry, and as many of the others: a flood of
 * UUIDs that nobody has does not displace what an owner wants to know. Any thread may call.
 */
public final class LastRefusals {
  static final int MAX_UUIDS = 10_000;

  /** A refusal, and when it happened. */
  public record Dated(Refusal refusal, Instant time) {}

  private final Predicate<UUID> isEntry;

  // Guarded by this.
  private final Map<UUID, Dated> ofEntries = LruMap.byUse(MAX_UUIDS);
  private final Map<UUID, Dated> ofOthers = LruMap.byUse(MAX_UUIDS);

  /**
   * Creates an empty object.
   *
   * @param isEntry tests whether a UUID is known to have an entry, without waiting for the store
   */
  LastRefusals(Predicate<UUID> isEntry) {
    this.isEntry = isEntry;
  }

  /** Keeps a refusal. Returns whether the UUID is known to have an entry. */
  boolean put(UUID id, Refusal refusal, Instant time) {
    boolean known = isEntry.test(id);
    synchronized (this) {
      (known ? ofEntries : ofOthers).put(id, new Dated(refusal, time));
      (known ? ofOthers : ofEntries).remove(id);
    }
    return known;
  }

  synchronized Optional<Dated> of(UUID id) {
    return Optional.ofNullable(ofEntries.get(id)).or(() -> Optional.ofNullable(ofOthers.get(id)));
  }
}
