package io.rendezvous.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Manages the entries in the configured store, whether a broker runs or not. */
@Command(
    name = "entry",
    description = "Manage the entries of hidden servers.",
    subcommands = {
      EntryCreateCommand.class,
      EntryListCommand.class,
      EntryShowCommand.class,
      EntryDeleteCommand.class,
      EntryPasswordCommand.class,
      EntryShareCommand.class,
      EntryUnshareCommand.class
    })
final class EntryCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(),
        "Missing command: create, list, show, delete, password, share or unshare");
  }
}
