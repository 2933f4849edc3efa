package io.rendezvous.cli;

import java.io.IOException;
import java.util.Optional;
import java.util.UUID;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The argument that names the entry of a command, and the options that say where it is. */
final class EntryArgument {
  @Mixin private InstallationOptions options;

  @Parameters(paramLabel = "UUID|LABEL", description = "The UUID or a label of the entry.")
  private String name;

  /** What a command does with its entry. */
  interface Action<T> {
    /** Returns the result; empty if there is no such entry. */
    Optional<T> on(EntryAdmin entries, UUID id) throws IOException;
  }

  /** What a command changes in its entry. */
  interface Change {
    /** Returns whether there is such an entry. */
    boolean on(EntryAdmin entries, UUID id) throws IOException;
  }

  /**
   * Runs an action on the entry, and returns its result.
   *
   * @throws IOException if there is no such entry, too
   */
  <T> T apply(Action<T> action) throws Exception {
    Installation installation = options.existing();
    installation.checkFiles();
    try (EntryAdmin entries = EntryAdmin.of(installation)) {
      UUID id = entries.idOf(name);
      return action.on(entries, id).orElseThrow(() -> new IOException("No entry with UUID " + id));
    }
  }

  /**
   * Changes the entry, and returns its UUID.
   *
   * @throws IOException if there is no such entry, too
   */
  UUID change(Change change) throws Exception {
    return apply((entries, id) -> change.on(entries, id) ? Optional.of(id) : Optional.empty());
  }
}
