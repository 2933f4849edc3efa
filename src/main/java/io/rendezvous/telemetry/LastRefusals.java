package io.rendezvous.telemetry;

import io.rendezvous.entry.LruMap;
import io.rendezvous.tunnel.Refusal;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * The last refusal of each UUID that a hidden server claimed. Strangers may claim any UUID, so only
 * the latest 10,000 are kept. Any thread may call.
 */
public final class LastRefusals {
  static final int MAX_UUIDS = 10_000;

  /** A refusal, and when it happened. */
  public record Dated(Refusal refusal, Instant time) {}

  private final Map<UUID, Dated> refusals = LruMap.byUse(MAX_UUIDS); // guarded by this

  synchronized void put(UUID id, Refusal refusal, Instant time) {
    refusals.put(id, new Dated(refusal, time));
  }

  synchronized Optional<Dated> of(UUID id) {
    return Optional.ofNullable(refusals.get(id));
  }
}
