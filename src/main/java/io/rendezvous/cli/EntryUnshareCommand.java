package io.rendezvous.cli;

import java.io.IOException;
import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Revokes all links to a hidden server. */
@Command(
    name = "unshare",
    description = "Revoke all links to a hidden server, and the cookies of those who opened them.")
final class EntryUnshareCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private InstallationOptions options;

  @Parameters(paramLabel = "UUID|LABEL", description = "The UUID or a label of the entry.")
  private String name;

  @Override
  public Integer call() throws Exception {
    Installation installation = options.existing();
    installation.checkFiles();
    UUID id;
    try (EntryAdmin entries = EntryAdmin.of(installation)) {
      id = entries.idOf(name);
      if (!entries.unshare(id)) {
        throw new IOException("No entry with UUID " + id);
      }
    }
    spec.commandLine().getOut().println("Revoked all links to " + id);
    return 0;
  }
}
