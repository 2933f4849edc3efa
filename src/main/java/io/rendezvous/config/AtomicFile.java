package io.rendezvous.config;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;

/**
 * Writes files that are complete at every moment. The text goes into a temporary file in the same
 * directory, which is synced and then renamed. So a reader finds the old file or the new one, never
 * a part of either, even after a crash. The directory has to exist. {@link FileOwner} says to whom
 * a file belongs.
 */
public final class AtomicFile {
  private static final String SECRET = "rw-------";

  private AtomicFile() {}

  /** Writes a file that only its owner may read. */
  public static void writeSecret(Path file, String text) throws IOException {
    write(file, text, SECRET);
  }

  /**
   * Writes a file, replacing an existing one.
   *
   * @param permissions in the form that {@link PosixFilePermissions#fromString} reads
   */
  public static void write(Path file, String text, String permissions) throws IOException {
    put(file, text.getBytes(StandardCharsets.UTF_8), permissions, AtomicFile::replace);
  }

  /**
   * Creates a file that only its owner may read, unless it exists. If several processes create it
   * at the same time, one of them succeeds. A file system without links cannot guarantee that; read
   * the file afterwards.
   *
   * @throws FileAlreadyExistsException if the file exists
   */
  public static void createSecret(Path file, byte[] bytes) throws IOException {
    put(file, bytes, SECRET, AtomicFile::create);
  }

  /** Moves the temporary file to its place. */
  private interface Mover {
    void move(Path temporary, Path target) throws IOException;
  }

  private static void put(Path file, byte[] bytes, String permissions, Mover mover)
      throws IOException {
    Path target = file.toAbsolutePath();
    Path directory = Objects.requireNonNull(target.getParent());
    Path temporary =
        Files.createTempFile(
            directory,
            ".new",
            ".tmp",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions)));
    try {
      FileOwner.inherit(temporary);
      Files.write(temporary, bytes, StandardOpenOption.WRITE);
      sync(temporary, StandardOpenOption.WRITE);
      mover.move(temporary, target);
      sync(directory, StandardOpenOption.READ);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void replace(Path temporary, Path target) throws IOException {
    Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Puts the file in place by a link, which never replaces a file. */
  private static void create(Path temporary, Path target) throws IOException {
    try {
      Files.createLink(target, temporary);
    } catch (FileAlreadyExistsException e) {
      throw e;
    } catch (FileSystemException | UnsupportedOperationException e) {
      replace(temporary, target);
    }
  }

  private static void sync(Path path, StandardOpenOption access) throws IOException {
    try (FileChannel channel = FileChannel.open(path, access)) {
      channel.force(true);
    }
  }
}
