package io.rendezvous.entry;

import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All entries of a store in memory, as they were a moment ago: those who look at many of them do
 * not read the whole store each time. It is listed again when it is asked for and the last listing
 * is a second old, or ten times as old as it took.
 *
 * <p>Any thread may call, but no I/O thread, except where it says so.
 */
public final class EntryIndex {
  private static final Logger LOG = LoggerFactory.getLogger(EntryIndex.class);
  private static final long LEAST_AGE = Duration.ofSeconds(1).toNanos();
  private static final int SHARE = 10;

  private final EntryStore store;
  private volatile Map<UUID, Entry> entries = Map.of(); // replaced, never changed
  private volatile Optional<String> trouble = Optional.empty();

  // Guarded by this.
  private boolean listed;
  private long goodUntil;

  /** Creates one that knows nothing yet. */
  public EntryIndex(EntryStore store) {
    this.store = store;
  }

  /**
   * Returns all entries, by their UUIDs. While the store cannot be reached, they are as old as
   * that.
   *
   * @throws IOException if the store could not be reached yet
   */
  public synchronized Map<UUID, Entry> all() throws IOException {
    long begun = System.nanoTime();
    if (listed && begun - goodUntil < 0) {
      return entries;
    }
    try {
      Map<UUID, Entry> now = new HashMap<>();
      store.list().forEach(entry -> now.put(entry.id(), entry));
      if (!now.equals(entries)) { // or whoever compares would have to look at each
        entries = now;
      }
      listed = true;
      trouble = Optional.empty();
    } catch (IOException e) {
      if (!listed) {
        throw e;
      }
      trouble = Optional.of(String.valueOf(e.getMessage()));
      LOG.debug("The entries are as they were: {}", e.getMessage());
    }
    long end = System.nanoTime();
    goodUntil = end + Math.max(LEAST_AGE, SHARE * (end - begun));
    return entries;
  }

  /** Returns an entry, if it was there when last listed. An I/O thread may call. */
  public Optional<Entry> known(UUID id) {
    return Optional.ofNullable(entries.get(id));
  }

  /** Returns why the entries are older than they should be, if they are. An I/O thread may call. */
  public Optional<String> trouble() {
    return trouble;
  }

  /** Returns where the store is. An I/O thread may call. */
  public String where() {
    return store.where();
  }

  /** Learns of an entry that was created or changed. */
  public void put(Entry entry) {
    change(map -> map.put(entry.id(), entry));
  }

  /** Learns of an entry that was deleted. */
  public void remove(UUID id) {
    change(map -> map.remove(id));
  }

  private synchronized void change(Consumer<Map<UUID, Entry>> how) {
    if (listed) {
      Map<UUID, Entry> changed = new HashMap<>(entries);
      how.accept(changed);
      entries = changed;
    }
  }
}
