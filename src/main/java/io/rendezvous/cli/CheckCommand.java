package io.rendezvous.cli;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.check.Check;
import io.rendezvous.agent.check.CheckResult;
import io.rendezvous.agent.check.ClientCheck;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.net.FailureText;
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

/** Runs the checks, and prints what to do about each failure. */
@Command(
    name = "check",
    description = "Check what a hidden server needs of its broker and of the path to it.")
final class CheckCommand implements Callable<Integer> {
  private static final int MAX_IDLE = 3600;

  @Spec private CommandSpec spec;
  @Mixin private BrokerOptions broker;

  @Option(
      names = "--idle",
      paramLabel = "SECONDS",
      defaultValue = "15",
      description = "How long a parked tunnel has to survive in silence (default: 15).")
  private int idle;

  @Option(
      names = "--as-client",
      description =
          "Check a running hidden server instead, whoever wrote it, as its client. --broker and --id"
              + " suffice; no secret is needed.")
  private boolean asClient;

  @Option(
      names = "--path",
      paramLabel = "/PATH",
      description =
          "The path that --as-client requests, with GET, HEAD and small POSTs (default: /).")
  private @Nullable String path;

  @Override
  public Integer call() throws Exception {
    if (idle < 1 || idle > MAX_IDLE) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--idle must be from 1 to " + MAX_IDLE);
    }
    if (path != null && !(asClient && path.matches("/[!-~]*"))) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--path must begin with /, and needs --as-client");
    }
    try {
      boolean passed = asClient ? asClient().run() : asHiddenServer().run();
      return passed ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    } catch (IllegalArgumentException e) {
      throw new CommandLine.ParameterException(spec.commandLine(), FailureText.of(e), e);
    }
  }

  private Check asHiddenServer() throws IOException {
    Provisioning entry = broker.provisioning();
    Check.Plan plan =
        new Check.Plan(
            entry.id(),
            entry.totp(),
            new Address(entry.host(), entry.port()),
            broker.trusted(entry.ca()),
            Duration.ofSeconds(idle));
    return new Check(plan, InstantSource.system(), this::print);
  }

  private ClientCheck asClient() throws IOException {
    BrokerOptions.Named named = broker.named();
    ClientCheck.Plan plan =
        new ClientCheck.Plan(
            named.id(),
            named.broker(),
            broker.trusted(named.ca()),
            path == null ? "/" : path,
            Duration.ofSeconds(idle));
    return new ClientCheck(plan, InstantSource.system(), this::print);
  }

  private void print(CheckResult result) {
    PrintWriter out = spec.commandLine().getOut();
    String mark = result.passed() ? "ok  " : "FAIL";
    out.printf("%s  %-28s %s%n", mark, result.step(), result.detail());
    out.flush();
  }
}
