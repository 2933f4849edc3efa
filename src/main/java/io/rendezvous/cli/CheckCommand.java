package io.rendezvous.cli;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.check.Check;
import io.rendezvous.agent.check.CheckResult;
import io.rendezvous.agent.check.ClientCheck;
import io.rendezvous.entry.Provisioning;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Tries everything once, and says what to do about what fails. */
@Command(
    name = "check",
    description = "Try once all that a hidden server needs of its broker and of the way there.")
final class CheckCommand implements Callable<Integer> {
  private static final int MAX_IDLE = 3600;

  @Spec private CommandSpec spec;
  @Mixin private BrokerOptions broker;

  @Option(
      names = "--idle",
      paramLabel = "SECONDS",
      defaultValue = "15",
      description = "How long a parked tunnel has to live in silence (default: 15).")
  private int idle;

  @Option(
      names = "--as-client",
      description =
          "Try the hidden server that runs, whoever wrote it, as its client; --broker and --id"
              + " suffice, without a secret.")
  private boolean asClient;

  @Option(
      names = "--path",
      paramLabel = "/PATH",
      description =
          "What --as-client asks for, with GET, HEAD and a POST of 5 or 10 octets (default: /).")
  private @Nullable String path;

  @Override
  public Integer call() throws Exception {
    if (idle < 1 || idle > MAX_IDLE) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--idle is not from 1 to " + MAX_IDLE);
    }
    if (path != null && !(asClient && path.matches("/[!-~]*"))) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--path is for --as-client, and begins with /");
    }
    try {
      boolean passed = asClient ? asClient().run() : asHiddenServer().run();
      return passed ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    } catch (IllegalArgumentException e) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  private Check asHiddenServer() throws IOException {
    Provisioning from = broker.provisioning();
    Check.Plan plan =
        new Check.Plan(
            from.id(),
            from.totp(),
            new Address(from.host(), from.port()),
            broker.trust(from.ca()),
            Duration.ofSeconds(idle));
    return new Check(plan, InstantSource.system(), this::print);
  }

  private ClientCheck asClient() throws IOException {
    BrokerOptions.Named named = broker.named();
    ClientCheck.Plan plan =
        new ClientCheck.Plan(
            named.id(),
            named.broker(),
            broker.trust(named.ca()),
            path == null ? "/" : path,
            Duration.ofSeconds(idle));
    return new ClientCheck(plan, InstantSource.system(), this::print);
  }

  private void print(CheckResult finding) {
    PrintWriter out = spec.commandLine().getOut();
    String mark = finding.passed() ? "ok  " : "FAIL";
    out.printf("%s  %-28s %s%n", mark, finding.step(), finding.detail());
    out.flush();
  }
}
