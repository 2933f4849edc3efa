package io.rendezvous.entry;

import java.io.IOException;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
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
  private static final long MIN_AGE = Duration.ofSeconds(1).toNanos();
  private static final int SHARE = 10;
  private static final Duration FIRST_PATIENCE = Duration.ofSeconds(1);

  /** Who was created first has a label; who does not say when was made by an older server. */
  private static final Comparator<Entry> FIRST =
      Comparator.comparing((Entry entry) -> entry.created().orElse("")).thenComparing(Entry::id);

  private final EntryStore store;
  private final LongSupplier nanoTime;
  private final ReentrantLock listing = new ReentrantLock();

  // Replaced, never changed.
  private volatile Map<UUID, Entry> entries = Map.of();
  private volatile Map<String, Entry> byLabel = Map.of();
  private volatile Optional<String> trouble = Optional.empty();

  private volatile boolean listed;
  // Guarded by listing.
  private long goodUntil;
  private Set<String> told = Set.of();

  /** Creates one that knows nothing yet. */
  public EntryIndex(EntryStore store) {
    this(store, System::nanoTime);
  }

  /** Creates one for which time goes by as it is told. */
  EntryIndex(EntryStore store, LongSupplier nanoTime) {
    this.store = store;
    this.nanoTime = nanoTime;
  }

  /**
   * Returns all entries, by their UUIDs. While the store cannot be reached, they are as old as
   * that.
   *
   * @throws IOException if the store could not be reached yet
   */
  public Map<UUID, Entry> all() throws IOException {
    if (!isMine()) {
      if (!listed) {
        throw new IOException("the entries are being read for the first time");
      }
      return entries; // somebody is at it, and these are not much older
    }
    try {
      list();
    } finally {
      listing.unlock();
    }
    return entries;
  }

  /** Returns whether this thread is to list. Not many wait for the first one that does. */
  private boolean isMine() throws IOException {
    try {
      return listed
          ? listing.tryLock()
          : listing.tryLock(FIRST_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private void list() throws IOException {
    long begun = nanoTime.getAsLong();
    if ((listed || trouble.isPresent()) && begun - goodUntil < 0) {
      if (!listed) { // it has failed just now
        throw new IOException(trouble.orElseThrow());
      }
      return;
    }
    try {
      Map<UUID, Entry> now = new HashMap<>();
      store.list().forEach(entry -> now.put(entry.id(), entry));
      if (!now.equals(entries)) { // or whoever compares would have to look at each
        replace(now);
      }
      listed = true;
      trouble = Optional.empty();
    } catch (IOException e) {
      trouble = Optional.of(String.valueOf(e.getMessage()));
      if (!listed) {
        goodUntil = nanoTime.getAsLong() + MIN_AGE;
        throw e;
      }
      LOG.debug("The entries are as they were: {}", e.getMessage());
    }
    long end = nanoTime.getAsLong();
    boolean failed = trouble.isPresent(); // then it is tried again soon
    goodUntil = end + (failed ? MIN_AGE : Math.max(MIN_AGE, SHARE * (end - begun)));
  }

  private void replace(Map<UUID, Entry> now) {
    Map<String, Entry> labels = new HashMap<>();
    for (Entry entry : now.values()) {
      for (String label : entry.labels()) {
        labels.merge(label, entry, EntryIndex::first);
      }
    }
    tellTwofold(now, labels);
    entries = now;
    byLabel = labels;
  }

  private static Entry first(Entry one, Entry other) {
    return FIRST.compare(one, other) <= 0 ? one : other;
  }

  /** A database may already hold what is refused here (PROTOCOL 4). Said once for each. */
  private void tellTwofold(Map<UUID, Entry> now, Map<String, Entry> labels) {
    Set<String> twofold = new HashSet<>();
    for (Entry entry : now.values()) {
      for (String label : entry.labels()) {
        Entry owner = labels.get(label);
        if (owner != null
            && !owner.id().equals(entry.id())
            && twofold.add(label)
            && !told.contains(label)) {
          LOG.warn("More than one entry has the label {}; it belongs to the first created", label);
        }
      }
    }
    told = twofold;
  }

  /**
   * Returns whose label that is, if it is anybody's.
   *
   * @param label in lower case
   * @throws IOException if the store could not be reached yet
   */
  public Optional<Entry> labelled(String label) throws IOException {
    all();
    return Optional.ofNullable(byLabel.get(label));
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

  private void change(Consumer<Map<UUID, Entry>> how) {
    listing.lock();
    try {
      if (listed) {
        Map<UUID, Entry> changed = new HashMap<>(entries);
        how.accept(changed);
        replace(changed);
      }
    } finally {
      listing.unlock();
    }
  }
}
