package io.rendezvous.entry;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;

/**
 * A store that serves remembered entries while another cannot be reached (compare stale-if-error of
 * RFC 5861, 4). An entry that was read within the grace period is still found; it is forgotten when
 * it is deleted or revoked, or gets a password. After a failure the store is not asked for a
 * second, so that returning hidden servers do not wait for it one after the other.
 *
 * <p>Any thread may call, except I/O threads.
 */
public final class StaleOnErrorStore implements EntryStore {
  private static final int MAX_ENTRIES = 100_000;
  private static final Duration PAUSE = Duration.ofSeconds(1);

  /** An entry as JSON text, which takes a third of the memory of a parsed one. */
  private record Seen(String json, Instant at) {}

  private final EntryStore store;
  private final InstantSource clock;
  private final Duration grace;

  // Guarded by this.
  private final Map<UUID, Seen> seen = LruMap.byUse(MAX_ENTRIES);
  private Instant pausedUntil = Instant.MIN;
  private long forgotten; // how often an entry was

  /**
   * Wraps a store.
   *
   * @param grace how long an entry is served after it was last read
   */
  public StaleOnErrorStore(EntryStore store, InstantSource clock, Duration grace) {
    this.store = store;
    this.clock = clock;
    this.grace = grace;
  }

  @Override
  public Optional<Entry> find(UUID id) throws IOException {
    if (isPaused()) {
      return Optional.of(
          remembered(id, new IOException("the store could not be reached a moment ago")));
    }
    long before = forgotten();
    try {
      Optional<Entry> entry = store.find(id);
      remember(id, entry, before);
      return entry;
    } catch (IOException e) {
      pause();
      return Optional.of(remembered(id, e));
    }
  }

  private synchronized boolean isPaused() {
    Instant now = clock.instant(); // the clock may have been set back
    return now.isBefore(pausedUntil) && !now.plus(PAUSE).isBefore(pausedUntil);
  }

  private synchronized void pause() {
    pausedUntil = clock.instant().plus(PAUSE);
  }

  private synchronized long forgotten() {
    return forgotten;
  }

  /** Remembers an entry that was read or written, unless one was forgotten meanwhile. */
  private synchronized void remember(UUID id, Optional<Entry> entry, long forgottenBefore) {
    if (entry.isEmpty()) {
      seen.remove(id);
    } else if (forgotten == forgottenBefore) {
      seen.put(id, new Seen(entry.get().toJson(), clock.instant()));
    }
  }

  private synchronized Entry remembered(UUID id, IOException reason) throws IOException {
    Seen last = seen.get(id);
    if (last == null || last.at().plus(grace).isBefore(clock.instant())) {
      throw reason;
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
    long before = forgotten();
    Optional<Entry> changed = store.change(id, how);
    remember(id, changed, before);
    return changed;
  }

  @Override
  public boolean delete(UUID id) throws IOException {
    boolean deleted = store.delete(id);
    forget(id);
    return deleted;
  }

  @Override
  public void onChange(EntryListener listener) {
    store.onChange(
        new EntryListener() {
          @Override
          public void revoked(UUID id) {
            forget(id);
            listener.revoked(id);
          }

          @Override
          public void passwordSet(UUID id) {
            forget(id);
            listener.passwordSet(id);
          }
        });
  }

  /** Forgets an entry, and does not remember one that is being read now. */
  private synchronized void forget(UUID id) {
    forgotten++;
    seen.remove(id);
  }

  @Override
  public Optional<String> sharedSecret(String name, String candidate) throws IOException {
    return store.sharedSecret(name, candidate);
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
