package io.rendezvous.cli;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.Check;
import io.rendezvous.agent.Finding;
import io.rendezvous.entry.Provisioning;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Callable;
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
  private static final int MOST_IDLE = 3600;

  @Spec private CommandSpec spec;
  @Mixin private BrokerOptions broker;

  @Option(
      names = "--idle",
      paramLabel = "SECONDS",
      defaultValue = "15",
      description = "How long a parked tunnel has to live in silence (default: 15).")
  private int idle;

  @Override
  public Integer call() throws Exception {
    if (idle < 1 || idle > MOST_IDLE) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--idle is not from 1 to " + MOST_IDLE);
    }
    try {
      Provisioning from = broker.provisioning();
      Check.Plan plan =
          new Check.Plan(
              from.id(),
              from.totp(),
              new Address(from.host(), from.port()),
              broker.trust(from),
              Duration.ofSeconds(idle));
      return new Check(plan, InstantSource.system(), this::print).run()
          ? CommandLine.ExitCode.OK
          : CommandLine.ExitCode.SOFTWARE;
    } catch (IllegalArgumentException e) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  private void print(Finding finding) {
    PrintWriter out = spec.commandLine().getOut();
    String mark = finding.passed() ? "ok  " : "FAIL";
    out.printf("%s  %-28s %s%n", mark, finding.step(), finding.detail());
    out.flush();
  }
}
