package io.rendezvous.cli;

import io.rendezvous.config.SettingsException;
import io.rendezvous.net.FailureText;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The root of all commands. A failed command prints one line that says what to do. */
@Command(
    name = "rendezvous",
    description = "A tunnel broker: clients reach servers behind a NAT.",
    mixinStandardHelpOptions = true,
    versionProvider = Commands.Version.class,
    scope = ScopeType.INHERIT,
    subcommands = {
      ServeCommand.class,
      EntryCommand.class,
      AgentCommand.class,
      DemoCommand.class,
      AdminCommand.class,
      CertCommand.class,
      TokenCommand.class,
    })
public final class Commands implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Print the stack trace of an error.")
  private boolean verbose;

  /** Runs a command and returns its exit code. */
  public static int run(String... args) {
    Commands commands = new Commands();
    return new CommandLine(commands)
        .setExecutionStrategy(Commands::execute)
        .setExecutionExceptionHandler((e, line, parsed) -> commands.failed(e, line))
        .setParameterExceptionHandler((e, unparsed) -> misused(e))
        .execute(args);
  }

  private static int execute(ParseResult parsed) {
    List<CommandLine> lines = parsed.asCommandLineList();
    CommandSpec command = lines.get(lines.size() - 1).getCommandSpec();
    if (command.findOption("--directory") == null) { // else the log's settings are there
      Console.readLogSettings(BrokerDirectory.HERE);
    }
    return new CommandLine.RunLast().execute(parsed);
  }

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "Missing command");
  }

  private int failed(Exception e, CommandLine line) {
    PrintWriter err = line.getErr();
    if (e instanceof SettingsException settings) {
      settings.mistakes().forEach(err::println);
    } else {
      err.println(FailureText.of(e));
    }
    if (verbose) {
      e.printStackTrace(err);
    }
    err.flush();
    return e instanceof SettingsException
        ? CommandLine.ExitCode.USAGE
        : CommandLine.ExitCode.SOFTWARE;
  }

  private static int misused(CommandLine.ParameterException e) {
    PrintWriter err = e.getCommandLine().getErr();
    String name = e.getCommandLine().getCommandSpec().qualifiedName();
    err.println(
        String.valueOf(e.getMessage()).replaceAll("\\s*\\R\\s*", " ")
            + " (see: "
            + name
            + " --help)");
    err.flush();
    return CommandLine.ExitCode.USAGE;
  }

  /** Reads the version from the jar's manifest. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Commands.class.getPackage().getImplementationVersion();
      return new String[] {"rendezvous " + (version == null ? "(not from a jar)" : version)};
    }
  }
}
