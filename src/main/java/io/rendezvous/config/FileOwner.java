package io.rendezvous.config;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Gives files that root creates to the owner of their directory. A broker that runs as a user of
 * its own could not read or replace what a command leaves there as root. Other users own what they
 * create, so nothing is done for them.
 */
public final class FileOwner {
  private static final boolean IS_ROOT = "root".equals(System.getProperty("user.name"));

  private FileOwner() {}

  /**
   * Gives a file or directory that was just created the owner and group of its directory.
   *
   * @throws IOException if the file system does not allow that
   */
  public static void inherit(Path created) throws IOException {
    Path directory = created.toAbsolutePath().getParent();
    if (!IS_ROOT || directory == null) {
      return;
    }
    // The owner of the directory could have put a link in place of the file.
    PosixFileAttributeView file =
        Files.getFileAttributeView(
            created, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
    PosixFileAttributes now = file.readAttributes();
    PosixFileAttributes wanted = Files.readAttributes(directory, PosixFileAttributes.class);
    if (!now.owner().equals(wanted.owner())) {
      file.setOwner(wanted.owner());
      file.setGroup(wanted.group());
    }
  }

  /** Creates the directory of a file, and those above it, where they are missing. */
  public static void createDirectoryOf(Path file) throws IOException {
    Path directory = file.toAbsolutePath().getParent();
    if (directory != null) {
      createDirectories(directory);
    }
  }

  /** Creates a directory and those above it that are missing. */
  public static void createDirectories(Path directory) throws IOException {
    Path path = directory.toAbsolutePath();
    if (Files.isDirectory(path)) {
      return;
    }
    Path above = path.getParent();
    if (above != null) {
      createDirectories(above);
    }
    try {
      Files.createDirectory(path);
      inherit(path);
    } catch (FileAlreadyExistsException e) { // perhaps another process was faster
      if (!Files.isDirectory(path)) {
        throw e;
      }
    }
  }

  /**
   * Opens a file that is locked rather than written, and creates it if it is missing. Only its
   * owner may read it.
   */
  public static FileChannel openLockFile(Path file) throws IOException {
    Set<OpenOption> options =
        Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    FileChannel channel =
        FileChannel.open(
            file,
            options,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try {
      inherit(file);
      return channel;
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }
}
