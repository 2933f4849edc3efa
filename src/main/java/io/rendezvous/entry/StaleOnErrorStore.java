package io.rendezvous.entry;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * Bridges the times when another store cannot be reached: an entry seen within a while still
 * counts. And a store that has just failed is left alone for a second, so that a herd of returning
 * hidden servers does not wait for it one after the other.
 */
public final class StaleOnErrorStore implements EntryStore {
  private static final int MAX_REMEMBERED = 100_000;
  private static final Duration LEFT_ALONE = Duration.ofSeconds(1);

  /** An entry as text, which has a third of the size. */
  private record Seen(String json, Instant at) {}

  private final EntryStore store;
  private final InstantSource clock;
  private final Duration grace;

  // Guarded by this.
  private final Map<UUID, Seen> seen = LruMap.byUse(MAX_REMEMBERED);
  private Instant leaveAloneUntil = Instant.MIN;
  private long revocations;

  /**
   * Puts a bridge before a store.
   *
   * @param grace how long an entry counts after it was last seen there
   */
  public StaleOnErrorStore(EntryStore store, InstantSource clock, Duration grace) {
    this.store = store;
    this.clock = clock;
    this.grace = grace;
  }

  @Override
  public Optional<Entry> find(UUID id) throws IOException {
    if (isLeftAlone()) {
      return Optional.of(remembered(id, new IOException("the store was out of reach just now")));
    }
    long before = revocations();
    try {
      Optional<Entry> entry = store.find(id);
      remember(id, entry, before);
      return entry;
    } catch (IOException e) {
      leaveAlone();
      return Optional.of(remembered(id, e));
    }
  }

  private synchronized boolean isLeftAlone() {
    Instant now = clock.instant(); // which may have been set back
    return now.isBefore(leaveAloneUntil) && !now.plus(LEFT_ALONE).isBefore(leaveAloneUntil);
  }

  private synchronized void leaveAlone() {
    leaveAloneUntil = clock.instant().plus(LEFT_ALONE);
  }

  private synchronized long revocations() {
    return revocations;
  }

  /** Remembers what was read, unless it may have been revoked since. */
  private synchronized void remember(UUID id, Optional<Entry> entry, long revocationsBefore) {
    if (revocations == revocationsBefore) {
      remember(id, entry);
    }
  }

  private synchronized void remember(UUID id, Optional<Entry> entry) {
    if (entry.isPresent()) {
      seen.put(id, new Seen(entry.get().toJson(), clock.instant()));
    } else {
      seen.remove(id);
    }
  }

  private synchronized Entry remembered(UUID id, IOException otherwise) throws IOException {
    Seen last = seen.get(id);
    if (last == null || last.at().plus(grace).isBefore(clock.instant())) {
      throw otherwise;
    }
    return Entry.parse(last.json());
  }

  @Override
  public List<Entry> list() throws IOException {
    return store.list();
  }

  @Override
  public void create(Entry entry) throws IOException {
    store.create(entry);
  }

  @Override
  public Optional<Entry> change(UUID id, UnaryOperator<Entry> how) throws IOException {
    Optional<Entry> changed = store.change(id, how);
    remember(id, changed);
    return changed;
  }

  @Override
  public boolean delete(UUID id) throws IOException {
    boolean deleted = store.delete(id);
    revoked(id);
    return deleted;
  }

  @Override
  public void onRevoked(Consumer<UUID> listener) {
    store.onRevoked(
        id -> {
          revoked(id);
          listener.accept(id);
        });
  }

  private synchronized void revoked(UUID id) {
    revocations++;
    seen.remove(id);
  }

  @Override
  public String where() {
    return store.where();
  }

  @Override
  public void close() {
    store.close();
  }
}
