package io.rendezvous.config;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;

/**
 * Files that nobody sees half of, whatever happens: they are written aside, synced and renamed.
 * Their directory has to be there.
 */
public final class AtomicFile {
  private AtomicFile() {}

  /** Writes what its owner alone may read. */
  public static void writeSecret(Path file, String text) throws IOException {
    write(file, text, "rw-------");
  }

  /**
   * Writes a file, in the place of one that may be there.
   *
   * @param permissions as {@link PosixFilePermissions#fromString} reads them
   */
  public static void write(Path file, String text, String permissions) throws IOException {
    Path whole = file.toAbsolutePath();
    Path directory = Objects.requireNonNull(whole.getParent());
    Path aside =
        Files.createTempFile(
            directory,
            ".new",
            ".tmp",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions)));
    try {
      Files.writeString(aside, text, StandardOpenOption.WRITE);
      sync(aside, StandardOpenOption.WRITE);
      Files.move(aside, whole, StandardCopyOption.ATOMIC_MOVE);
      sync(directory, StandardOpenOption.READ);
    } finally {
      Files.deleteIfExists(aside);
    }
  }

  private static void sync(Path path, StandardOpenOption how) throws IOException {
    try (FileChannel channel = FileChannel.open(path, how)) {
      channel.force(true);
    }
  }
}
