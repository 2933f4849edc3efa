package io.rendezvous.cli;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.agent.requests.RequestHistory;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.net.FailureText;
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

/** Runs the agent: one or more hidden servers in this process. */
@Command(
    name = "agent",
    description = "Make a local server reachable through a broker.",
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
      description = "Keep this number of tunnels parked (default: 8).")
  private int tunnels;

  @Option(
      names = "--most-tunnels",
      paramLabel = "N",
      defaultValue = "32",
      description = "Park up to this number of tunnels under high demand (default: 32).")
  private int maxTunnels;

  @Option(
      names = "--json",
      description = "Print events and the status as JSON, one object per line.")
  private boolean json;

  @Option(
      names = "--status",
      paramLabel = "HOST:PORT",
      description =
          "Serve a page with the latest requests, /health and /metrics at this loopback address,"
              + " over plain HTTP.")
  private @Nullable String status;

  private final RequestHistory history = new RequestHistory();

  @Override
  public Integer call() throws Exception {
    CountDownLatch stopRequested = new CountDownLatch(1);
    Signals.handle("TERM", stopRequested::countDown);
    Signals.handle("INT", stopRequested::countDown);
    RunningAgents agents = new RunningAgents();
    PrintWriter out = spec.commandLine().getOut();
    try (Network network = new Network("agent", IO_THREADS);
        AgentOutput output = new AgentOutput(form(), out, agents::statuses);
        StatusServer server = statusServer(network, agents)) {
      startOrMisused(agents, network, output);
      if (server != null && !json) {
        String at = "http://" + Address.of(server.address());
        out.println("Status on " + at + "/health and /metrics; requests on " + at + "/");
      }
      output.start();
      stopRequested.await();
      agents.close();
    } catch (IllegalArgumentException e) {
      throw misused(FailureText.of(e));
    }
    return 0;
  }

  private AgentOutput.Form form() {
    if (json) {
      return AgentOutput.Form.JSON;
    }
    return Ansi.AUTO.enabled() ? AgentOutput.Form.TERMINAL : AgentOutput.Form.LINES;
  }

  private @Nullable StatusServer statusServer(Network network, RunningAgents agents)
      throws IOException {
    return status == null
        ? null
        : new StatusServer(Address.parse(status, "http"), network, agents::statuses, history);
  }

  /**
   * Starts the agents. A file that cannot be read is wrong usage, so that systemd does not retry.
   */
  private void startOrMisused(RunningAgents agents, Network network, AgentOutput output) {
    try {
      start(agents, network, output);
    } catch (IOException e) {
      throw misused(FailureText.of(e));
    }
  }

  private void start(RunningAgents agents, Network network, AgentOutput output) throws IOException {
    if (tunnels < 1 || tunnels > MAX_TUNNELS) {
      throw misused("--tunnels must be from 1 to " + MAX_TUNNELS);
    }
    if (maxTunnels < 1 || maxTunnels > MAX_TUNNELS) {
      throw misused("--most-tunnels must be from 1 to " + MAX_TUNNELS);
    }
    List<Path> files = broker.files();
    targets.check(files.size());
    EntryFiles.Starter starter =
        (name, entry, option) ->
            targets.target(entry, option).start(builder(name, entry, network, output));
    if (files.isEmpty()) {
      Provisioning entry = broker.fromOptions();
      String name = EntryFiles.nameOf(entry);
      agents.put(name, starter.start(name, entry, 0));
    } else {
      new EntryFiles(files, broker, starter, agents, output::event).start();
    }
  }

  private HiddenServer.Builder builder(
      String name, Provisioning entry, Network network, AgentOutput output) throws IOException {
    HiddenServer.Builder builder =
        HiddenServer.of(entry)
            .on(network)
            .trusting(broker.trusted(entry.ca()))
            .tunnels(tunnels)
            .maxTunnels(maxTunnels)
            .watchLocalServer()
            .events(event -> output.event(name, event));
    return status == null ? builder : builder.history(history, name);
  }

  private CommandLine.ParameterException misused(String why) {
    return new CommandLine.ParameterException(spec.commandLine(), why);
  }
}
