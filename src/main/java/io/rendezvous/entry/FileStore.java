package io.rendezvous.entry;

import io.rendezvous.config.AtomicFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Entries as files, {@code UUID.json} each, in one directory. Nobody sees half of one ({@link
 * AtomicFile}); a lock file keeps writers apart. An entry is read anew each time it is asked for,
 * so a change by whatever process counts at once.
 */
public final class FileStore implements EntryStore {
  private static final Logger LOG = LoggerFactory.getLogger(FileStore.class);
  private static final String SUFFIX = ".json";
  private static final String BYTE_ORDER_MARK = "\uFEFF";
  private static final String DELETED = "deleted";
  private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

  private final Path directory;
  private final CountDownLatch closed = new CountDownLatch(1);

  private volatile Map<UUID, Listed> listed = Map.of(); // replaced, never changed

  private final Map<UUID, String> told = new ConcurrentHashMap<>();
  private volatile Consumer<UUID> listener = id -> {};

  // The watcher's own.
  private @Nullable FileTime seenAt;
  private Map<UUID, Seen> seen = Map.of();

  /**
   * An entry as it was when last listed.
   *
   * @param looks of its file; empty if that is to be read again
   */
  private record Listed(String looks, Entry entry) {}

  /**
   * An entry's file as it was when last looked at.
   *
   * @param looks tells one file from another in its place
   * @param created when the entry in it was created, empty if it does not say
   * @param revoked when its secret was last revoked, empty if never
   */
  private record Seen(String looks, String created, String revoked) {}

  /**
   * Opens a directory, and makes it if it is not there.
   *
   * @throws IOException if it cannot be made
   */
  public FileStore(Path directory) throws IOException {
    this.directory = directory;
    if (!Files.isDirectory(directory)) {
      Files.createDirectories(directory);
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
    }
  }

  @Override
  public Optional<Entry> find(UUID id) throws IOException {
    Path file = fileOf(id);
    try {
      if (Files.size(file) <= Entry.MAX_OCTETS) {
        return entry(file, id, Files.readAllBytes(file));
      }
      LOG.warn("{} counts as missing: it is too large for an entry", file);
    } catch (NoSuchFileException e) {
      if (!Files.isDirectory(directory)) { // then who knows what would be in it
        throw new IOException("the directory of entries is gone: " + directory, e);
      }
    } catch (IOException e) {
      // Whatever is wrong with one file, others are not affected; but a lack of descriptors is.
      if (Files.isRegularFile(file) && Files.isReadable(file) || !Files.isReadable(directory)) {
        throw e;
      }
      LOG.warn("{} counts as missing: it cannot be read", file);
    }
    return Optional.empty();
  }

  private static Optional<Entry> entry(Path file, UUID id, byte[] octets) {
    String text = new String(octets, StandardCharsets.UTF_8);
    try {
      // A byte order mark is some editors' habit.
      Entry entry = Entry.parse(text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text);
      if (entry.id().equals(id)) {
        return Optional.of(entry);
      }
      LOG.warn("{} counts as missing: it holds the entry of another UUID", file);
    } catch (IOException e) {
      LOG.warn("{} counts as missing: {}", file, e.getMessage());
    }
    return Optional.empty();
  }

  /** Files that look as when they were read last are not read again. */
  @Override
  public List<Entry> list() throws IOException {
    List<Entry> entries = new ArrayList<>();
    Map<UUID, Listed> before = listed;
    Map<UUID, Listed> now = new HashMap<>();
    for (UUID id : ids()) {
      Optional<String> looks = looksOf(id);
      Listed known = before.get(id);
      if (known == null || looks.isEmpty() || !known.looks().equals(looks.get())) {
        Optional<Entry> entry = find(id);
        known = entry.isEmpty() ? null : new Listed(looks.orElse(""), entry.get());
      }
      if (known != null) {
        now.put(id, known);
        entries.add(known.entry());
      }
    }
    listed = now;
    return entries;
  }

  /** Tells one state of an entry's file from another, where its time suffices for that. */
  private Optional<String> looksOf(UUID id) {
    try {
      BasicFileAttributes now = Files.readAttributes(fileOf(id), BasicFileAttributes.class);
      FileTime time = now.lastModifiedTime();
      return isSettled(time)
          ? Optional.of(now.fileKey() + " " + time + " " + now.size())
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Within one tick of the clock there may be a second change that the time does not show. */
  private static boolean isSettled(FileTime time) {
    return time.toInstant().isBefore(Instant.now().minus(LOOK_EVERY.multipliedBy(3)));
  }

  private Set<UUID> ids() throws IOException {
    Set<UUID> ids = new HashSet<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        String stem = name.substring(0, name.length() - SUFFIX.length());
        Entry.parseId(stem).filter(id -> id.toString().equals(stem)).ifPresent(ids::add);
      }
    }
    return ids;
  }

  @Override
  public void create(Entry entry) throws IOException {
    whileLocked(
        () -> {
          if (Files.exists(fileOf(entry.id()))) {
            throw new IllegalArgumentException("there is an entry with that UUID already");
          }
          checkLabelsAreFree(entry);
          write(entry);
          return true;
        });
  }

  @Override
  public Optional<Entry> change(UUID id, UnaryOperator<Entry> how) throws IOException {
    AtomicBoolean revoked = new AtomicBoolean();
    Optional<Entry> result =
        whileLocked(
            () -> {
              Optional<Entry> old = find(id);
              if (old.isEmpty()) {
                return old;
              }
              Entry changed = how.apply(old.get());
              if (!old.get().labels().containsAll(changed.labels())) {
                checkLabelsAreFree(changed);
              }
              if (changed.revoked().equals(old.get().revoked())) {
                write(changed);
              } else {
                revoked.set(true);
                revoke(id, changed.revoked().orElse(""), () -> write(changed));
              }
              return Optional.of(changed);
            });
    if (revoked.get()) {
      listener.accept(id);
    }
    return result;
  }

  private interface Step {
    void take() throws IOException;
  }

  /** Our own revocations are told of at once, and the watcher need not do it later. */
  private void revoke(UUID id, String stamp, Step revocation) throws IOException {
    told.put(id, stamp);
    try {
      revocation.take();
    } catch (IOException e) {
      told.remove(id);
      throw e;
    }
  }

  private void checkLabelsAreFree(Entry newcomer) throws IOException {
    if (newcomer.labels().isEmpty()) {
      return;
    }
    for (Entry other : list()) {
      for (String label : newcomer.labels()) {
        if (!other.id().equals(newcomer.id()) && other.labels().contains(label)) {
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
              boolean there = Files.exists(fileOf(id));
              if (there) {
                revoke(id, DELETED, () -> Files.delete(fileOf(id)));
              }
              return there;
            });
    if (deleted) {
      listener.accept(id);
    }
    return deleted;
  }

  private interface Change<T> {
    T make() throws IOException;
  }

  /** A file lock keeps other processes out, but not other threads of this one. */
  private <T> T whileLocked(Change<T> change) throws IOException {
    synchronized (FileStore.class) {
      try (FileChannel channel =
          FileChannel.open(
              directory.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.lock(); // until the channel is closed
        return change.make();
      }
    }
  }

  private void write(Entry entry) throws IOException {
    AtomicFile.writeSecret(fileOf(entry.id()), entry.toJson() + "\n");
  }

  private Path fileOf(UUID id) {
    return directory.resolve(id + SUFFIX);
  }

  @Override
  public void onRevoked(Consumer<UUID> toTell) {
    listener = toTell;
    Thread watcher = new Thread(this::watch, "entry-files");
    watcher.setDaemon(true);
    watcher.start();
  }

  private void watch() {
    try {
      do {
        look();
      } while (!closed.await(LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The time of a directory changes with each name that comes or goes, and costs one look. */
  private void look() {
    try {
      FileTime now = Files.getLastModifiedTime(directory);
      if (isSettled(now) && now.equals(seenAt)) {
        return;
      }
      Map<UUID, Seen> before = seen;
      seen = lookAtAll(before);
      seenAt = now;
      before.forEach(
          (id, then) -> {
            Seen anew = seen.get(id);
            if (isAnother(then, anew) && !isTold(id, anew)) {
              listener.accept(id);
            }
          });
    } catch (IOException e) {
      LOG.debug("The directory of entries cannot be looked at now: {}", e.toString());
    } catch (RuntimeException e) { // the watch goes on
      LOG.error("An entry's deletion was not acted upon", e);
    }
  }

  private Map<UUID, Seen> lookAtAll(Map<UUID, Seen> before) throws IOException {
    Map<UUID, Seen> all = new HashMap<>();
    for (UUID id : ids()) {
      try {
        BasicFileAttributes now = Files.readAttributes(fileOf(id), BasicFileAttributes.class);
        String looks = now.fileKey() + " " + now.lastModifiedTime();
        Seen then = before.get(id);
        if (then != null && then.looks().equals(looks)) {
          all.put(id, then);
        } else {
          Optional<Entry> entry = find(id);
          String created = entry.flatMap(Entry::created).orElse("");
          String revoked = entry.flatMap(Entry::revoked).orElse("");
          all.put(id, new Seen(looks, created, revoked));
        }
      } catch (NoSuchFileException e) {
        if (!Files.isDirectory(directory)) { // all at once: that is no deletion
          throw e;
        }
      }
    }
    return all;
  }

  private boolean isTold(UUID id, @Nullable Seen anew) {
    String stamp = told.remove(id);
    return DELETED.equals(stamp) || anew != null && anew.revoked().equals(stamp);
  }

  /** One that was deleted and created again between two looks is another. */
  private static boolean isAnother(Seen then, @Nullable Seen now) {
    return now == null
        || !now.revoked().isEmpty() && !now.revoked().equals(then.revoked())
        || !then.created().isEmpty()
            && !now.created().isEmpty()
            && !then.created().equals(now.created());
  }

  @Override
  public String where() {
    return "file:" + directory.toAbsolutePath().normalize();
  }

  @Override
  public void close() {
    closed.countDown();
  }
}
