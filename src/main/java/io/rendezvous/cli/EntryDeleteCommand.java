package io.rendezvous.cli;

import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Deletes an entry. */
@Command(name = "delete", description = "Delete an entry and close its tunnels.")
final class EntryDeleteCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private EntryArgument entry;

  @Override
  public Integer call() throws Exception {
    UUID id = entry.change(EntryAdmin::delete);
    spec.commandLine().getOut().println("Deleted " + id);
    return 0;
  }
}
