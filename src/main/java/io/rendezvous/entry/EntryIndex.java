package io.rendezvous.entry;

import io.rendezvous.net.FailureText;
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
 * A copy of all entries in memory, for callers that need many of them or look for a label. The
 * store is listed again on demand, once the last listing is older than a second and than ten times
 * the time that it took.
 *
 * <p>Any thread may call, except I/O threads, which may call only methods that say so.
 */
public final class EntryIndex {
  private static final Logger LOG = LoggerFactory.getLogger(EntryIndex.class);
  private static final long MIN_AGE = Duration.ofSeconds(1).toNanos();

  /** A listing is used for this many times as long as it took. */
  private static final int USE_FACTOR = 10;

  private static final Duration MAX_WAIT = Duration.ofSeconds(1);

  /**
   * The precedence of two entries that claim one label: the earliest {@code created} first. None,
   * as older servers wrote it, counts as earliest.
   */
  private static final Comparator<Entry> PRECEDENCE =
      Comparator.comparing((Entry entry) -> entry.created().orElse("")).thenComparing(Entry::id);

  private final EntryStore store;
  private final LongSupplier ticker;
  private final ReentrantLock listing = new ReentrantLock();

  // Replaced, never changed.
  private volatile Map<UUID, Entry> entries = Map.of();
  private volatile Map<String, Entry> byLabel = Map.of();
  private volatile Map<String, Entry> byName = Map.of(); // labels without their ports
  private volatile Optional<String> trouble = Optional.empty();
  private volatile boolean listed;

  // Guarded by listing.
  private long goodUntil;
  private Set<String> warned = Set.of();

  /** Creates an index that is listed when it is first used. */
  public EntryIndex(EntryStore store) {
    this(store, System::nanoTime);
  }

  /**
   * Creates an index with a clock.
   *
   * @param ticker tells nanoseconds, as {@link System#nanoTime} does
   */
  EntryIndex(EntryStore store, LongSupplier ticker) {
    this.store = store;
    this.ticker = ticker;
  }

  /**
   * Returns all entries by UUID. While the store cannot be reached, they are those of the last
   * successful listing.
   *
   * @throws IOException if no listing has succeeded yet
   */
  public Map<UUID, Entry> all() throws IOException {
    if (!tryToLock()) {
      if (!listed) {
        throw new IOException("the entries are being read for the first time");
      }
      return entries; // another thread is listing, and these are not much older
    }
    try {
      list();
    } finally {
      listing.unlock();
    }
    return entries;
  }

  /** Locks the listing. Only the first listing is worth waiting for, and not for long. */
  private boolean tryToLock() throws IOException {
    try {
      return listed
          ? listing.tryLock()
          : listing.tryLock(MAX_WAIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private void list() throws IOException {
    long start = ticker.getAsLong();
    if ((listed || trouble.isPresent()) && start - goodUntil < 0) {
      if (!listed) { // the first listing failed a moment ago
        throw new IOException(trouble.orElseThrow());
      }
      return;
    }
    try {
      Map<UUID, Entry> now = new HashMap<>();
      store.list().forEach(entry -> now.put(entry.id(), entry));
      if (!now.equals(entries)) { // an unchanged map stays the same object, quick to compare
        replace(now);
      }
      listed = true;
      trouble = Optional.empty();
    } catch (IOException e) {
      trouble = Optional.of(FailureText.of(e));
      if (!listed) {
        goodUntil = ticker.getAsLong() + MIN_AGE;
        throw e;
      }
      LOG.debug("The index of entries could not be refreshed: {}", FailureText.of(e));
    }
    long end = ticker.getAsLong();
    boolean failed = trouble.isPresent(); // then the next listing is due soon
    goodUntil = end + (failed ? MIN_AGE : Math.max(MIN_AGE, USE_FACTOR * (end - start)));
  }

  private void replace(Map<UUID, Entry> now) {
    Map<String, Entry> labels = new HashMap<>();
    Map<String, Entry> names = new HashMap<>();
    for (Entry entry : now.values()) {
      for (String label : entry.labels()) {
        labels.merge(label, entry, EntryIndex::first);
        names.merge(Label.nameOf(label), entry, EntryIndex::first);
      }
    }
    warnOfDuplicates(now, labels);
    entries = now;
    byLabel = labels;
    byName = names;
  }

  private static Entry first(Entry one, Entry other) {
    return PRECEDENCE.compare(one, other) <= 0 ? one : other;
  }

  /**
   * Warns, once for each, of labels that two entries claim: an older database may have such labels.
   */
  private void warnOfDuplicates(Map<UUID, Entry> now, Map<String, Entry> labels) {
    Set<String> duplicates = new HashSet<>();
    for (Entry entry : now.values()) {
      for (String label : entry.labels()) {
        Entry owner = labels.get(label);
        if (owner != null
            && !owner.id().equals(entry.id())
            && duplicates.add(label)
            && !warned.contains(label)) {
          LOG.warn(
              "More than one entry has the label {}; it belongs to the one that was created first",
              label);
        }
      }
    }
    warned = duplicates;
  }

  /**
   * Returns the entry to which a label belongs, if there is one. A label with a port is found by
   * its name, too.
   *
   * @param label in lower case
   * @throws IOException if no listing has succeeded yet
   */
  public Optional<Entry> labelled(String label) throws IOException {
    all();
    return knownLabel(label);
  }

  /** Returns the same as of the last listing. I/O threads may call. */
  public Optional<Entry> knownLabel(String label) {
    return Optional.ofNullable(byLabel.get(label)).or(() -> Optional.ofNullable(byName.get(label)));
  }

  /** Returns an entry of the last listing, if it was there. I/O threads may call. */
  public Optional<Entry> known(UUID id) {
    return Optional.ofNullable(entries.get(id));
  }

  /** Returns why the last listing failed, if it did. I/O threads may call. */
  public Optional<String> trouble() {
    return trouble;
  }

  /** Returns the location of the store. I/O threads may call. */
  public String where() {
    return store.where();
  }

  /** Adds or replaces an entry that was just written to the store. */
  public void put(Entry entry) {
    change(map -> map.put(entry.id(), entry));
  }

  /** Removes an entry that was just deleted from the store. */
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
