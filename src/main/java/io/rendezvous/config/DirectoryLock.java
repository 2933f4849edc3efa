package io.rendezvous.config;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The lock on a broker's data directory, so that no second broker overwrites what the first one
 * keeps there. The kernel releases it when the process ends, however it ends. Commands do not take
 * it. Any thread may call.
 */
public final class DirectoryLock implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DirectoryLock.class);
  private static final String FILE = "broker.lock";

  private final Optional<FileChannel> channel; // empty if the file system has no locks

  private DirectoryLock(Optional<FileChannel> channel) {
    this.channel = channel;
  }

  /**
   * Locks a directory, which is created if it is missing, until the lock is closed. Where that is
   * impossible for another reason than a second broker, the log says so, and nothing is locked.
   *
   * @throws IOException if another broker holds the lock; the message says what to do
   */
  public static DirectoryLock take(Path directory) throws IOException {
    Path file = directory.resolve(FILE);
    Optional<FileChannel> channel = Optional.empty();
    boolean isFree = true;
    try {
      FileOwner.createDirectories(directory);
      channel = Optional.of(FileOwner.openLockFile(file));
      isFree = tryLock(channel.get());
    } catch (IOException e) {
      LOG.warn(
          "{} cannot be locked, so a second broker would not be noticed: {}", file, e.toString());
    }
    DirectoryLock lock = new DirectoryLock(channel);
    if (!isFree) {
      lock.close();
      throw new IOException(
          String.format(
              "another broker (process %s) is running with the data directory %s;"
                  + " stop it, or run this one in another directory",
              Files.readString(file).strip(), directory.toAbsolutePath().normalize()));
    }
    return lock;
  }

  /** Locks the file and writes the number of this process into it, unless another has the lock. */
  private static boolean tryLock(FileChannel channel) throws IOException {
    try {
      if (channel.tryLock() == null) {
        return false;
      }
    } catch (OverlappingFileLockException e) { // it is in this process
      return false;
    }
    channel.truncate(0);
    channel.write(StandardCharsets.US_ASCII.encode(ProcessHandle.current().pid() + "\n"));
    return true;
  }

  @Override
  public void close() throws IOException {
    if (channel.isPresent()) {
      channel.get().close();
    }
  }
}
