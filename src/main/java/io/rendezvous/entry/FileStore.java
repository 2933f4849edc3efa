package io.rendezvous.entry;

import io.rendezvous.config.FileOwner;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A store of files in one directory. Each lookup reads the file, so a change by any process takes
 * effect at once. Writers of all processes exclude each other with a lock file.
 */
public final class FileStore implements EntryStore {
  /** An entry at the last listing. The stamp is null if its file has to be read again. */
  private record Listed(EntryDirectory.@Nullable Stamp stamp, Entry entry) {}

  private interface Change<T> {
    T make() throws IOException;
  }

  private final EntryDirectory directory;
  private volatile Map<UUID, Listed> listed = Map.of(); // replaced, never changed
  private volatile EntryListener listener = id -> {};
  private volatile @Nullable EntryFileWatcher watcher;

  /**
   * Opens a directory, which is created if it is missing.
   *
   * @throws IOException if it cannot be created
   */
  public FileStore(Path directory) throws IOException {
    this.directory = new EntryDirectory(directory);
  }

  @Override
  public Optional<Entry> find(UUID id) throws IOException {
    Optional<Entry> entry = directory.read(id);
    EntryFileWatcher running = watcher;
    if (running != null) {
      entry.ifPresent(running::onFound);
    }
    return entry;
  }

  /** {@inheritDoc} A file that has not changed since the last listing is not read again. */
  @Override
  public List<Entry> list() throws IOException {
    List<Entry> entries = new ArrayList<>();
    Map<UUID, Listed> before = listed;
    Map<UUID, Listed> now = new HashMap<>();
    for (UUID id : directory.ids()) {
      EntryDirectory.Stamp stamp = settledStamp(id);
      Listed known = before.get(id);
      if (known == null || stamp == null || !stamp.equals(known.stamp())) {
        known = directory.read(id).map(entry -> new Listed(stamp, entry)).orElse(null);
      }
      if (known != null) {
        now.put(id, known);
        entries.add(known.entry());
      }
    }
    listed = now;
    return entries;
  }

  /** Returns the version of a file, or null if the file could change without a new stamp. */
  private EntryDirectory.@Nullable Stamp settledStamp(UUID id) {
    try {
      EntryDirectory.Stamp stamp = directory.stamp(id);
      return stamp.isSettled() ? stamp : null;
    } catch (IOException e) {
      return null;
    }
  }

  @Override
  public void create(Entry entry) throws IOException {
    whileLocked(
        () -> {
          if (directory.contains(entry.id())) {
            throw new IllegalArgumentException("an entry with that UUID exists already");
          }
          checkLabelsAreFree(entry);
          directory.write(entry);
          return true;
        });
  }

  @Override
  public Optional<Entry> change(UUID id, UnaryOperator<Entry> how) throws IOException {
    AtomicBoolean revoked = new AtomicBoolean();
    AtomicBoolean protectedNow = new AtomicBoolean();
    Optional<Entry> result =
        whileLocked(
            () -> {
              Optional<Entry> old = directory.read(id);
              if (old.isEmpty()) {
                return old;
              }
              Entry changed = how.apply(old.get());
              if (!old.get().labels().containsAll(changed.labels())) {
                checkLabelsAreFree(changed);
              }
              directory.write(changed);
              revoked.set(!changed.revoked().equals(old.get().revoked()));
              protectedNow.set(changed.hasNewPassword(old.get()));
              return Optional.of(changed);
            });
    // At once; the watcher tells again at its next look.
    if (revoked.get()) {
      listener.revoked(id);
    }
    if (protectedNow.get()) {
      listener.passwordSet(id);
    }
    return result;
  }

  private static boolean hasName(Entry entry, String name) {
    return entry.labels().stream().map(Label::nameOf).anyMatch(name::equals);
  }

  private void checkLabelsAreFree(Entry newcomer) throws IOException {
    if (newcomer.labels().isEmpty()) {
      return;
    }
    for (Entry other : list()) {
      for (String label : newcomer.labels()) {
        if (!other.id().equals(newcomer.id()) && hasName(other, Label.nameOf(label))) {
          throw new IllegalArgumentException("the label " + label + " belongs to another entry");
        }
      }
    }
  }

  @Override
  public boolean delete(UUID id) throws IOException {
    boolean deleted =
        whileLocked(
            () -> {
              boolean exists = directory.contains(id);
              if (exists) {
                directory.delete(id);
              }
              return exists;
            });
    if (deleted) {
      listener.revoked(id); // at once; the watcher tells again at its next look
    }
    return deleted;
  }

  /** Makes a change under the lock file, which excludes processes but not threads of this one. */
  private <T> T whileLocked(Change<T> change) throws IOException {
    synchronized (FileStore.class) {
      try (FileChannel channel = FileOwner.openLockFile(directory.path().resolve(".lock"))) {
        channel.lock(); // released when the channel is closed
        return change.make();
      }
    }
  }

  @Override
  public void onChange(EntryListener newListener) {
    listener = newListener;
    EntryFileWatcher started = new EntryFileWatcher(directory, newListener);
    watcher = started;
    started.start();
  }

  /** {@inheritDoc} This store shares none: it is used from one data directory. */
  @Override
  public Optional<String> sharedSecret(String name, String candidate) {
    return Optional.empty();
  }

  @Override
  public String where() {
    return "file:" + directory.path().toAbsolutePath().normalize();
  }

  @Override
  public void close() {
    EntryFileWatcher running = watcher;
    if (running != null) {
      running.close();
    }
  }
}
