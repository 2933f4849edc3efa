package io.rendezvous.cli;

import io.rendezvous.entry.ClientPassword;
import java.io.IOException;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Sets or removes the password that the clients of an entry have to know. */
@Command(
    name = "password",
    description = {
      "Set the password that clients of a hidden server have to send.",
      "It is read from standard input, or asked for on a terminal. Links ask for it, too."
    })
final class EntryPasswordCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private EntryArgument entry;

  @Option(names = "--remove", description = "Remove the password: clients need none any more.")
  private boolean remove;

  @Override
  public Integer call() throws Exception {
    UUID id =
        entry.change(
            (entries, one) ->
                entries.setPassword(one, remove ? Optional.empty() : Optional.of(read())));
    spec.commandLine()
        .getOut()
        .println(remove ? "Clients of " + id + " need no password" : "Set the password of " + id);
    return 0;
  }

  /** Reads a password, and refuses one that cannot be used before the broker is asked. */
  private static String read() throws IOException {
    String password = PasswordInput.read();
    try {
      ClientPassword.check(password);
      return password;
    } catch (IllegalArgumentException e) {
      throw new IOException("Not set: " + e.getMessage(), e);
    }
  }
}
