package io.rendezvous.entry;

import io.rendezvous.net.DutyThread;
import io.rendezvous.net.FailureText;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches a directory of entries for changes that matter at once, whichever process makes them. It
 * compares what is there with what was there at the last look, a second ago, and with what was
 * found since. Polling also works on network file systems, where changes by other machines cause no
 * events.
 *
 * <p>{@link #look} is called by one thread at a time; any thread may call {@link #onFound}.
 */
final class EntryFileWatcher {
  private static final Logger LOG = LoggerFactory.getLogger(EntryFileWatcher.class);
  private static final Duration INTERVAL = Duration.ofSeconds(1);

  /**
   * An entry at the last look, or when it was found.
   *
   * @param stamp the version of its file, or null if that is not known
   * @param created when the entry was created, or empty if it does not say
   * @param revoked when its secret was last revoked, or empty if it never was
   * @param hasPassword whether its clients have to know a password
   */
  private record Seen(
      EntryDirectory.@Nullable Stamp stamp, String created, String revoked, boolean hasPassword) {
    static Seen of(EntryDirectory.@Nullable Stamp stamp, Optional<Entry> entry) {
      return new Seen(
          stamp,
          entry.flatMap(Entry::created).orElse(""),
          entry.flatMap(Entry::revoked).orElse(""),
          entry.map(Entry::hasPassword).orElse(false));
    }

    /** Returns whether tunnels of this entry are void now that this is what is there. */
    boolean isRevokedBy(@Nullable Seen now) {
      return now == null
          || !now.revoked.isEmpty() && !now.revoked.equals(revoked)
          || !created.isEmpty() && !now.created.isEmpty() && !created.equals(now.created);
    }
  }

  private final EntryDirectory directory;
  private final EntryListener listener;
  private final DutyThread thread = new DutyThread("entry-files");
  private final Map<UUID, Seen> found = new ConcurrentHashMap<>(); // since the last look

  // Of the thread that looks.
  private @Nullable FileTime lastModified;
  private Map<UUID, Seen> seen = Map.of();

  /**
   * Creates a watcher that has seen nothing yet.
   *
   * @param listener is told of an entry that was replaced by a new one as of a revoked one
   */
  EntryFileWatcher(EntryDirectory directory, EntryListener listener) {
    this.directory = directory;
    this.listener = listener;
  }

  /** Looks every second on a thread of its own, until {@link #close}. */
  void start() {
    thread.nowAndEvery(INTERVAL, "watching the directory of entries", this::look);
  }

  void close() {
    thread.close();
  }

  /**
   * Remembers until the next look an entry that was found. Tunnels may be parked on its account
   * although it comes and goes between two looks.
   */
  void onFound(Entry entry) {
    found.putIfAbsent(entry.id(), Seen.of(null, Optional.of(entry)));
  }

  /**
   * Looks once, and tells the listener of what has changed since the last look. While the directory
   * is away nothing counts as deleted.
   */
  void look() {
    Map<UUID, Seen> before = seen;
    Map<UUID, Seen> foundBefore = takeFound();
    try {
      // It changes with each file that is added, replaced or removed, and takes one call to read.
      FileTime modified = directory.lastModified();
      if (!EntryDirectory.isSettled(modified) || !modified.equals(lastModified)) {
        seen = readAll(before);
        lastModified = modified;
      }
    } catch (IOException e) {
      LOG.debug("The directory of entries cannot be read now: {}", FailureText.of(e));
      foundBefore.forEach(found::putIfAbsent); // for the next look
      return;
    }
    Set<UUID> revoked = new HashSet<>();
    addRevoked(before, revoked);
    addRevoked(foundBefore, revoked);
    revoked.forEach(id -> tell(id, listener::revoked));
    tellOfPasswords(before);
  }

  private Map<UUID, Seen> takeFound() {
    Map<UUID, Seen> taken = new HashMap<>(found);
    taken.forEach(found::remove);
    return taken;
  }

  private void addRevoked(Map<UUID, Seen> before, Set<UUID> revoked) {
    before.forEach(
        (id, then) -> {
          if (then.isRevokedBy(seen.get(id))) {
            revoked.add(id);
          }
        });
  }

  private void tellOfPasswords(Map<UUID, Seen> before) {
    seen.forEach(
        (id, now) -> {
          if (now.hasPassword() && !now.equals(before.get(id))) {
            tell(id, listener::passwordSet);
          }
        });
  }

  private static void tell(UUID id, Consumer<UUID> method) {
    try {
      method.accept(id);
    } catch (RuntimeException e) { // the others have to be told too
      LOG.error("The change of an entry was not handled", e);
    }
  }

  private Map<UUID, Seen> readAll(Map<UUID, Seen> before) throws IOException {
    Map<UUID, Seen> all = new HashMap<>();
    for (UUID id : directory.ids()) {
      try {
        all.put(id, read(id, before.get(id)));
      } catch (NoSuchFileException e) {
        if (!Files.isDirectory(directory.path())) { // the directory is away, so nothing was deleted
          throw e;
        }
      }
    }
    return all;
  }

  private Seen read(UUID id, @Nullable Seen before) throws IOException {
    EntryDirectory.Stamp stamp = directory.stamp(id);
    if (before != null && stamp.equals(before.stamp())) {
      return before;
    }
    return Seen.of(stamp, directory.read(id));
  }
}
