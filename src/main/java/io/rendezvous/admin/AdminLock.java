package io.rendezvous.admin;

import io.rendezvous.config.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Tells the commands of this installation that a broker's admin listener runs, and on which port.
 * Whoever could bind the port while none runs would else be handed the token by them; but only the
 * broker's own user can lock this file.
 */
public final class AdminLock implements AutoCloseable {
  private static final int MAX_DIGITS = 5;

  private final FileChannel channel;

  private AdminLock(FileChannel channel) {
    this.channel = channel;
  }

  /** It lies beside the other file that the page keeps. */
  private static Path file(Settings.AdminSettings settings) {
    return settings.ledger().resolveSibling("admin.lock");
  }

  /**
   * Locks the file, until this is closed or the process ends.
   *
   * @param port that is listened on
   * @throws IOException if the file cannot be written, or another broker has it
   */
  static AdminLock take(Settings.AdminSettings settings, int port) throws IOException {
    Path file = file(settings);
    Path parent = file.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try {
      if (channel.tryLock() == null) {
        throw new IOException("another broker runs in this directory");
      }
      channel.truncate(0);
      channel.write(ByteBuffer.wrap(Integer.toString(port).getBytes(StandardCharsets.US_ASCII)));
      return new AdminLock(channel);
    } catch (IOException | OverlappingFileLockException e) {
      channel.close();
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Returns the port that is listened on, if a broker has the lock.
   *
   * @throws IOException if that cannot be found out
   */
  public static OptionalInt portOfBroker(Settings.AdminSettings settings) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file(settings), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      try (FileLock mine = channel.tryLock()) {
        if (mine != null) {
          return OptionalInt.empty();
        }
      }
      ByteBuffer digits = ByteBuffer.allocate(MAX_DIGITS);
      channel.read(digits);
      String port = new String(digits.array(), 0, digits.position(), StandardCharsets.US_ASCII);
      return port.isEmpty() ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(port));
    } catch (NoSuchFileException e) {
      return OptionalInt.empty();
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
