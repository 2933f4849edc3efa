package io.rendezvous.testing;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.FileStore;
import io.rendezvous.entry.Provisioning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
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

  /**
   * Adds an entry to a broker's directory as the command does, but without a process. The broker
   * must have made its certificate. Returns what the hidden server needs.
   *
   * @param label is in the provisioning only, so that brokers that last may have many of one name
   * @param port where the broker listens, at localhost
   */
  public static Provisioning addEntry(Path directory, String label, int port) throws IOException {
    Entry entry = Entry.create(UUID.randomUUID(), List.of(), 8, Instant.now(), List.of());
    try (EntryStore store = new FileStore(directory.resolve("data/entries"))) {
      store.create(entry);
    }
    String ca = Files.readString(directory.resolve("conf/registrar-ca.crt"));
    return new Provisioning(
        entry.id(), List.of(label), entry.totp(), "localhost", port, Optional.of(ca));
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
