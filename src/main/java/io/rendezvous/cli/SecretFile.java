package io.rendezvous.cli;

import io.rendezvous.config.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** A new file for a secret, which only its owner may read. */
final class SecretFile {
  private final Path file;

  /**
   * Checks that a file can be created, before there is a secret to write.
   *
   * @throws IOException if the file exists or its directory cannot be written
   */
  SecretFile(Path file) throws IOException {
    this.file = file;
    Path directory = file.toAbsolutePath().getParent();
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException(file + " exists already");
    }
    if (directory == null || !Files.isDirectory(directory)) {
      throw new IOException("there is no directory for " + file);
    }
    if (!Files.isWritable(directory)) {
      throw new IOException("no permission to write to " + directory);
    }
  }

  void write(String text) throws IOException {
    AtomicFile.writeSecret(file, text);
  }
}
