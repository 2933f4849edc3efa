package io.rendezvous.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Directories of brokers, and their end. */
public final class Directories {
  private Directories() {}

  /** Makes a directory that of a broker, which has not run yet. */
  public static void installBroker(Path directory) throws IOException {
    Path conf = Files.createDirectories(directory.resolve("conf"));
    Path settings = conf.resolve("rendezvous.properties");
    if (!Files.exists(settings)) {
      Files.createFile(settings);
    }
  }

  /** Deletes a directory with all that is in it. */
  public static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
