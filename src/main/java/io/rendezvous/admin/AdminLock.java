package io.rendezvous.admin;

import io.rendezvous.config.FileOwner;
import io.rendezvous.config.Settings;
import io.rendezvous.net.FailureText;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.OptionalInt;

/**
 * A locked file that tells the commands of this installation that a broker with an admin listener
 * is running, and on which port. Commands send their token to that port only. They could not trust
 * a fixed port: another user might listen there while no broker runs. Only the broker's own user
 * can lock this file.
 *
 * <p>Any thread may call.
 */
public final class AdminLock implements AutoCloseable {
  private static final int MAX_DIGITS = 5; // of a port

  private final FileChannel channel;

  private AdminLock(FileChannel channel) {
    this.channel = channel;
  }

  /** Returns the path of the file, which is next to that of the activity. */
  private static Path file(Settings.AdminSettings settings) {
    return settings.ledger().resolveSibling("admin.lock");
  }

  /**
   * Locks the file until the lock is closed or the process ends.
   *
   * @param port the port of the admin listener
   * @throws IOException if the file cannot be written, or another broker has locked it
   */
  static AdminLock take(Settings.AdminSettings settings, int port) throws IOException {
    Path file = file(settings);
    FileOwner.createDirectoryOf(file);
    FileChannel channel = FileOwner.openLockFile(file);
    try {
      if (channel.tryLock() == null) {
        throw new IOException("another broker is running in this directory");
      }
      channel.truncate(0);
      channel.write(ByteBuffer.wrap(Integer.toString(port).getBytes(StandardCharsets.US_ASCII)));
      return new AdminLock(channel);
    } catch (IOException | OverlappingFileLockException e) {
      channel.close();
      throw new IOException(file + ": " + FailureText.of(e), e);
    }
  }

  /**
   * Returns the port of the running broker's admin listener. Returns empty if no broker runs.
   *
   * @throws IOException if the file cannot be read or locked
   */
  public static OptionalInt portOfBroker(Settings.AdminSettings settings) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file(settings), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      try (FileLock lock = channel.tryLock()) {
        if (lock != null) {
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
