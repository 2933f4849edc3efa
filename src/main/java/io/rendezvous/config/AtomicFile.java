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
 * Writes files that are complete at every moment. The text goes into a temporary file in the same
 * directory, which is synced and then renamed. So a reader finds the old file or the new one, never
 * a part of either, even after a crash. The directory has to exist. {@link FileOwner} says to whom
 * a file belongs.
 */
public final class AtomicFile {
  private AtomicFile() {}

  /** Writes a file that only its owner may read. */
  public static void writeSecret(Path file, String text) throws IOException {
    write(file, text, "rw-------");
  }

  /**
   * Writes a file, replacing an existing one.
   *
   * @param permissions in the form that {@link PosixFilePermissions#fromString} reads
   */
  public static void write(Path file, String text, String permissions) throws IOException {
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
      Files.writeString(temporary, text, StandardOpenOption.WRITE);
      sync(temporary, StandardOpenOption.WRITE);
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      sync(directory, StandardOpenOption.READ);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void sync(Path path, StandardOpenOption access) throws IOException {
    try (FileChannel channel = FileChannel.open(path, access)) {
      channel.force(true);
    }
  }
}
