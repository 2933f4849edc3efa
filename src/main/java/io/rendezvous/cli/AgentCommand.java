package io.rendezvous.cli;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.net.Network;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the hidden server's side. */
@Command(
    name = "agent",
    description = "Make a local server reachable through a broker, as its hidden server.",
    subcommands = CheckCommand.class)
final class AgentCommand implements Callable<Integer> {
  private static final int MAX_TUNNELS = 1000;
  private static final int IO_THREADS = 2;

  @Spec private CommandSpec spec;
  @Mixin private BrokerOptions broker;
  @Mixin private TargetOptions targets;

  @Option(
      names = "--tunnels",
      paramLabel = "N",
      defaultValue = "8",
      description = "How many tunnels are kept parked (default: 8).")
  private int tunnels;

  @Option(
      names = "--most-tunnels",
      paramLabel = "N",
      defaultValue = "32",
      description = "Up to how many, while clients take them faster (default: 32).")
  private int mostTunnels;

  @Option(names = "--json", description = "Print what happens as JSON, a line each.")
  private boolean json;

  @Option(
      names = "--status",
      paramLabel = "HOST:PORT",
      description = "Serve /health and /metrics there, on a loopback address, over plain HTTP.")
  private @Nullable String status;

  @Override
  public Integer call() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    Signals.handle("TERM", asked::countDown);
    Signals.handle("INT", asked::countDown);
    RunningAgents fleet = new RunningAgents();
    PrintWriter out = spec.commandLine().getOut();
    try (Network network = new Network("agent", IO_THREADS);
        AgentOutput output = new AgentOutput(form(), out, fleet::statuses);
        StatusServer server = statusServer(network, fleet)) {
      begin(fleet, network, output);
      if (server != null && !json) {
        out.println("Status on http://" + Address.of(server.address()) + "/health and /metrics");
      }
      output.start();
      asked.await();
      fleet.close();
    } catch (IllegalArgumentException e) {
      throw misused(String.valueOf(e.getMessage()));
    }
    return 0;
  }

  private AgentOutput.Form form() {
    if (json) {
      return AgentOutput.Form.JSON;
    }
    return Ansi.AUTO.enabled() ? AgentOutput.Form.TERMINAL : AgentOutput.Form.LINES;
  }

  private @Nullable StatusServer statusServer(Network network, RunningAgents fleet)
      throws IOException {
    return status == null
        ? null
        : new StatusServer(Address.parse(status, "http"), network, fleet::statuses);
  }

  /** What cannot be read at the start does not become right by trying again, as systemd would. */
  private void begin(RunningAgents fleet, Network network, AgentOutput output) {
    try {
      start(fleet, network, output);
    } catch (IOException e) {
      throw misused(Commands.reason(e));
    }
  }

  private void start(RunningAgents fleet, Network network, AgentOutput output) throws IOException {
    if (tunnels < 1 || tunnels > MAX_TUNNELS) {
      throw misused("--tunnels is not from 1 to " + MAX_TUNNELS);
    }
    if (mostTunnels < 1 || mostTunnels > MAX_TUNNELS) {
      throw misused("--most-tunnels is not from 1 to " + MAX_TUNNELS);
    }
    List<Path> files = broker.files();
    targets.check(files.size());
    EntryFiles.Starting starting =
        (name, entry, option) ->
            targets
                .target(entry, option)
                .start(
                    HiddenServer.of(entry)
                        .on(network)
                        .trusting(broker.trust(entry.ca()))
                        .tunnels(tunnels)
                        .mostTunnels(mostTunnels)
                        .events(event -> output.event(name, event)));
    if (files.isEmpty()) {
      Provisioning entry = broker.fromOptions();
      String name = EntryFiles.nameOf(entry);
      fleet.put(name, starting.start(name, entry, 0));
    } else {
      new EntryFiles(files, broker, starting, fleet, output::event).start();
    }
  }

  private CommandLine.ParameterException misused(String why) {
    return new CommandLine.ParameterException(spec.commandLine(), why);
  }
}
