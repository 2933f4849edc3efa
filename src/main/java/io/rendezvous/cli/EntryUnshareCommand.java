package io.rendezvous.cli;

import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Revokes all links to a hidden server. */
@Command(
    name = "unshare",
    description = "Revoke all links to a hidden server, and the cookies of those who opened them.")
final class EntryUnshareCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private EntryArgument entry;

  @Override
  public Integer call() throws Exception {
    UUID id = entry.change(EntryAdmin::unshare);
    spec.commandLine().getOut().println("Revoked all links to " + id);
    return 0;
  }
}
