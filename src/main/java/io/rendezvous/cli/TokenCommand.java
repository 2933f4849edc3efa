package io.rendezvous.cli;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.entry.Totp;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Prints a token, for tests by hand. */
@Command(
    name = "token",
    description = "Print the current token of an entry, to park a tunnel by hand.")
final class TokenCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--entry",
      paramLabel = "FILE",
      required = true,
      description = "The provisioning file, .json or .js.")
  private Path file;

  @Override
  public Integer call() throws Exception {
    Totp totp = Provisioning.parse(Files.readString(file)).totp();
    long step = totp.stepAt(Instant.now().getEpochSecond());
    spec.commandLine().getOut().println(totp.token(step, totp.digits()));
    return 0;
  }
}
