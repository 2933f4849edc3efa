package io.rendezvous.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.ReverseProxy;
import io.rendezvous.net.Network;
import io.rendezvous.net.Trust;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
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
  private static final int MOST_TUNNELS = 1000;
  private static final int IO_THREADS = 2;
  private static final int SHORT_ID = 8;
  private static final int MOST_EVENTS = 1000;
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String DIRECTORY = "file:";
  private static final String UNIX = "unix:";
  private static final String HTTP_UNIX = "http://unix:";
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** What finds it full is dropped. */
  private final ThreadPoolExecutor printer =
      new ThreadPoolExecutor(
          1,
          1,
          0,
          TimeUnit.SECONDS,
          new ArrayBlockingQueue<>(MOST_EVENTS),
          AgentCommand::printing,
          new ThreadPoolExecutor.DiscardPolicy());

  @Spec private CommandSpec spec;
  @Mixin private BrokerOptions broker;

  @Option(
      names = "--to",
      paramLabel = "TARGET",
      description =
          "What clients reach: HOST:PORT or unix:PATH (octets as they are), http://HOST:PORT,"
              + " https://HOST:PORT or http://unix:PATH (a reverse proxy), or file:DIRECTORY. One"
              + " for all entries, or one for each.")
  private List<String> to = List.of();

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

  /** What becomes of a PROXY header; picocli shows the names as they are. */
  @SuppressWarnings("MemberName")
  enum ProxyProtocol {
    pass,
    strip
  }

  @Option(
      names = "--proxy-protocol",
      paramLabel = "pass|strip",
      defaultValue = "pass",
      description =
          "Where the entry asks for the PROXY protocol: pass its header to HOST:PORT or unix:PATH,"
              + " or not (default: pass).")
  private ProxyProtocol proxyHeader;

  @Option(
      names = "--rewrite-host",
      description = "Show the local server its own name as Host rather than the broker's.")
  private boolean rewriteHost;

  @Option(
      names = "--to-ca",
      paramLabel = "FILE",
      description = "Verify the certificate of a local https server with this one.")
  private @Nullable Path localCa;

  @Option(
      names = "--to-insecure",
      description = "Do not verify the certificate of a local https server.")
  private boolean localInsecure;

  /** Starts what {@code --to} names. */
  private interface Target {
    HiddenServer start(HiddenServer.Builder builder) throws IOException;
  }

  @Override
  public Integer call() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    Signals.handle("TERM", asked::countDown);
    Signals.handle("INT", asked::countDown);
    try (Network network = new Network("agent", IO_THREADS)) {
      List<HiddenServer> servers = start(network, spec.commandLine().getOut());
      asked.await();
      servers.parallelStream().forEach(HiddenServer::close);
    }
    printer.shutdown();
    printer.awaitTermination(1, TimeUnit.SECONDS);
    return 0;
  }

  private List<HiddenServer> start(Network network, PrintWriter out) throws IOException {
    if (tunnels < 1 || tunnels > MOST_TUNNELS) {
      throw misused("--tunnels is not from 1 to " + MOST_TUNNELS);
    }
    if (mostTunnels < 1 || mostTunnels > MOST_TUNNELS) {
      throw misused("--most-tunnels is not from 1 to " + MOST_TUNNELS);
    }
    try {
      List<Target> targets = targets();
      List<Provisioning> entries = broker.provisionings();
      if (targets.size() != 1 && targets.size() != entries.size()) {
        throw misused("Needed: one --to TARGET for all entries, or one for each");
      }
      List<HiddenServer> servers = new ArrayList<>();
      for (int i = 0; i < entries.size(); i++) {
        Provisioning entry = entries.get(i);
        String prefix = entries.size() == 1 ? "" : name(entry) + ": ";
        servers.add(
            targets
                .get(Math.min(i, targets.size() - 1))
                .start(
                    HiddenServer.of(entry)
                        .on(network)
                        .trusting(broker.trust(entry))
                        .tunnels(tunnels)
                        .mostTunnels(mostTunnels)
                        .events(line -> print(out, prefix + line))));
      }
      return servers;
    } catch (IllegalArgumentException e) {
      throw misused(String.valueOf(e.getMessage()));
    }
  }

  private static String name(Provisioning entry) {
    return entry.labels().isEmpty()
        ? entry.id().toString().substring(0, SHORT_ID)
        : entry.labels().get(0);
  }

  private List<Target> targets() throws IOException {
    if (to.isEmpty()) {
      throw misused("Needed: --to TARGET");
    }
    List<Target> targets = new ArrayList<>();
    for (String text : to) {
      targets.add(target(text));
    }
    return targets;
  }

  private Target target(String text) throws IOException {
    boolean pass = proxyHeader == ProxyProtocol.pass;
    if (text.startsWith(DIRECTORY)) {
      Path directory = path(text, DIRECTORY, "DIRECTORY");
      return builder -> builder.files(directory);
    }
    if (text.startsWith(UNIX)) {
      Path socket = path(text, UNIX, "PATH");
      return builder -> builder.relay(socket, pass);
    }
    if (text.startsWith(HTTP_UNIX)) {
      Path socket = path(text, HTTP_UNIX, "PATH");
      ReverseProxy.Options how = how();
      return builder -> builder.proxy(socket, how);
    }
    if (text.contains("://")) {
      String scheme = text.startsWith("https:") ? "https" : "http";
      URI local = URI.create(scheme + "://" + Address.parse(text, scheme));
      ReverseProxy.Options how = how();
      return builder -> builder.proxy(local, how);
    }
    Address local = Address.parse(text, "tcp");
    return builder -> builder.relay(local, pass);
  }

  private Path path(String text, String prefix, String name) {
    if (text.equals(prefix)) {
      throw misused("Needed: " + prefix + name);
    }
    return Path.of(text.substring(prefix.length()));
  }

  private ReverseProxy.Options how() throws IOException {
    Optional<String> pem =
        localCa == null ? Optional.empty() : Optional.of(Files.readString(localCa));
    Trust trust = localInsecure ? Trust.inAnybody() : Trust.in(pem);
    return new ReverseProxy.Options(rewriteHost, trust, PATIENCE);
  }

  /** Events come on I/O threads, which must not wait for whoever reads this output. */
  private void print(PrintWriter out, String line) {
    Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    Object text =
        json
            ? JSON.createObjectNode().put("time", now.toString()).put("event", line)
            : now + " " + line;
    printer.execute(
        () -> {
          out.println(text);
          out.flush();
        });
  }

  private static Thread printing(Runnable task) {
    Thread thread = new Thread(task, "agent-events");
    thread.setDaemon(true);
    return thread;
  }

  private CommandLine.ParameterException misused(String why) {
    return new CommandLine.ParameterException(spec.commandLine(), why);
  }
}
