package io.rendezvous.entry;

import io.rendezvous.config.AtomicFile;
import io.rendezvous.config.FileOwner;
import io.rendezvous.net.FailureText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory of entries, one file {@code UUID.json} each, with the UUID in lower case. Files of
 * other names are ignored. A file is replaced as a whole, so no reader sees part of an entry.
 *
 * <p>Any thread may call, but no I/O thread. Writers have to exclude each other.
 */
final class EntryDirectory {
  private static final Logger LOG = LoggerFactory.getLogger(EntryDirectory.class);
  private static final String SUFFIX = ".json";

  /** Some editors put it at the beginning of a file. */
  private static final String BYTE_ORDER_MARK = "\uFEFF";

  /** More than a tick of the clock that file times are taken from, and than clocks differ by. */
  private static final Duration SETTLED_AFTER = Duration.ofSeconds(3);

  /**
   * One version of a file. Different stamps mean different versions. Equal stamps mean the same
   * version if they are settled; otherwise the file may have been written twice in one tick.
   */
  record Stamp(@Nullable Object fileKey, FileTime modified, long size) {
    boolean isSettled() {
      return EntryDirectory.isSettled(modified);
    }
  }

  private final Path directory;

  /**
   * Opens a directory, which is created if it is missing.
   *
   * @throws IOException if it cannot be created
   */
  EntryDirectory(Path directory) throws IOException {
    this.directory = directory;
    if (!Files.isDirectory(directory)) {
      FileOwner.createDirectories(directory);
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
    }
  }

  Path path() {
    return directory;
  }

  /** Returns the UUIDs for which there is a file, whatever it contains. */
  Set<UUID> ids() throws IOException {
    Set<UUID> ids = new HashSet<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        String stem = name.substring(0, name.length() - SUFFIX.length());
        Entry.parseId(stem).filter(id -> id.toString().equals(stem)).ifPresent(ids::add);
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return ids;
  }

  boolean contains(UUID id) {
    return Files.exists(file(id));
  }

  /**
   * Reads the entry of a UUID. A file that does not contain it counts as missing, and a warning
   * says so.
   *
   * @throws IOException if the directory is gone or no file can be read
   */
  Optional<Entry> read(UUID id) throws IOException {
    Path file = file(id);
    try {
      if (Files.size(file) <= Entry.MAX_BYTES) {
        return parse(file, id, Files.readAllBytes(file));
      }
      LOG.warn("{} counts as missing: it is too large for an entry", file);
    } catch (NoSuchFileException e) {
      if (!Files.isDirectory(directory)) { // then nothing is known about the entry
        throw new IOException("the directory of entries is gone: " + directory, e);
      }
    } catch (IOException e) {
      // A file that is unreadable concerns one entry. Anything else, such as a lack of descriptors,
      // concerns them all.
      if (Files.isRegularFile(file) && Files.isReadable(file) || !Files.isReadable(directory)) {
        throw e;
      }
      LOG.warn("{} counts as missing: it cannot be read", file);
    }
    return Optional.empty();
  }

  private static Optional<Entry> parse(Path file, UUID id, byte[] bytes) {
    String text = new String(bytes, StandardCharsets.UTF_8);
    try {
      Entry entry = Entry.parse(text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text);
      if (entry.id().equals(id)) {
        return Optional.of(entry);
      }
      LOG.warn("{} counts as missing: it contains the entry of another UUID", file);
    } catch (IOException e) {
      LOG.warn("{} counts as missing: {}", file, FailureText.of(e));
    }
    return Optional.empty();
  }

  void write(Entry entry) throws IOException {
    AtomicFile.writeSecret(file(entry.id()), entry.toJson() + "\n");
  }

  void delete(UUID id) throws IOException {
    Files.delete(file(id));
  }

  /**
   * Returns the version of an entry's file.
   *
   * @throws NoSuchFileException if there is no file
   */
  Stamp stamp(UUID id) throws IOException {
    BasicFileAttributes now = Files.readAttributes(file(id), BasicFileAttributes.class);
    return new Stamp(now.fileKey(), now.lastModifiedTime(), now.size());
  }

  /** Returns when a file was last added, replaced or removed. */
  FileTime lastModified() throws IOException {
    return Files.getLastModifiedTime(directory);
  }

  /** Returns whether a time is so long ago that a later change would have a later time. */
  static boolean isSettled(FileTime time) {
    return time.toInstant().isBefore(Instant.now().minus(SETTLED_AFTER));
  }

  private Path file(UUID id) {
    return directory.resolve(id + SUFFIX);
  }
}
