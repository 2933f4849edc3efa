package io.rendezvous.cli;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.entry.Totp;
import io.rendezvous.http.ReverseProxy;
import io.rendezvous.net.Trust;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the hidden server's side. */
@Command(
    name = "agent",
    description = "Make a local server reachable through a broker, as its hidden server.")
final class AgentCommand implements Callable<Integer> {
  private static final int MOST_TUNNELS = 1000;
  private static final String DIRECTORY = "file:";
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @Spec private CommandSpec spec;

  @Option(
      names = "--to",
      paramLabel = "TARGET",
      required = true,
      description =
          "What clients reach: HOST:PORT (octets as they are), http://HOST:PORT or"
              + " https://HOST:PORT (a reverse proxy), or file:DIRECTORY.")
  private String to;

  @Option(
      names = "--entry",
      paramLabel = "FILE",
      description = "The provisioning file, .json or .js.")
  private @Nullable Path entry;

  @Option(
      names = "--broker",
      paramLabel = "https://HOST:PORT",
      description = "The broker, in place of the one in the file.")
  private @Nullable String brokerUrl;

  @ArgGroup(exclusive = false, multiplicity = "0..1")
  private @Nullable Secret secret;

  /** What else the file would say. */
  static final class Secret {
    @Option(names = "--id", paramLabel = "UUID", required = true, description = "The UUID.")
    private String id;

    @Option(
        names = "--secret",
        paramLabel = "BASE32",
        required = true,
        description = "The secret. Others see it in the list of processes; better use --entry.")
    private String base32;

    @Option(
        names = "--digits",
        paramLabel = "N",
        defaultValue = "8",
        description = "Digits of its tokens (default: 8).")
    private int digits;
  }

  @Option(
      names = "--tunnels",
      paramLabel = "N",
      defaultValue = "8",
      description = "How many tunnels are kept parked (default: 8).")
  private int tunnels;

  @Option(
      names = "--ca",
      paramLabel = "FILE",
      description = "Verify the broker's certificate with this one (default: the file's).")
  private @Nullable Path ca;

  @Option(names = "--insecure", description = "Do not verify the broker's certificate.")
  private boolean insecure;

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
          "Where the entry asks for the PROXY protocol: pass its header to HOST:PORT, or not"
              + " (default: pass).")
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

  @Override
  public Integer call() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    Signals.handle("TERM", asked::countDown);
    Signals.handle("INT", asked::countDown);
    HiddenServer server = start(spec.commandLine().getOut());
    asked.await();
    server.close();
    return 0;
  }

  private static void print(PrintWriter out, String line) {
    out.println(Instant.now().truncatedTo(ChronoUnit.SECONDS) + " " + line);
    out.flush();
  }

  private HiddenServer start(PrintWriter out) throws IOException {
    if (tunnels < 1 || tunnels > MOST_TUNNELS) {
      throw misused("--tunnels is not from 1 to " + MOST_TUNNELS);
    }
    try {
      Provisioning from = provisioning();
      Optional<String> pem = ca == null ? from.ca() : Optional.of(Files.readString(ca));
      HiddenServer.Builder builder =
          HiddenServer.of(from)
              .trusting(insecure ? Trust.inAnybody() : Trust.in(pem))
              .tunnels(tunnels)
              .events(line -> print(out, line));
      return start(builder);
    } catch (IllegalArgumentException e) {
      throw misused(String.valueOf(e.getMessage()));
    }
  }

  private HiddenServer start(HiddenServer.Builder builder) throws IOException {
    if (to.startsWith(DIRECTORY)) {
      return builder.files(Path.of(to.substring(DIRECTORY.length())));
    }
    if (!to.contains("://")) {
      return builder.relay(Address.parse(to, "tcp"), proxyHeader == ProxyProtocol.pass);
    }
    String scheme = to.startsWith("https:") ? "https" : "http";
    URI local = URI.create(scheme + "://" + Address.parse(to, scheme));
    Optional<String> pem =
        localCa == null ? Optional.empty() : Optional.of(Files.readString(localCa));
    Trust trust = localInsecure ? Trust.inAnybody() : Trust.in(pem);
    return builder.proxy(local, new ReverseProxy.Options(rewriteHost, trust, PATIENCE));
  }

  /** The file, or what the options say in its place. */
  private Provisioning provisioning() throws IOException {
    if (entry != null && secret == null) {
      Provisioning file = Provisioning.parse(Files.readString(entry));
      if (brokerUrl == null) {
        return file;
      }
      Address other = Address.parse(brokerUrl, "https");
      return new Provisioning(
          file.id(), file.labels(), file.totp(), other.host(), other.port(), file.ca());
    }
    Secret given = secret;
    if (given != null && entry == null && brokerUrl != null) {
      Address broker = Address.parse(brokerUrl, "https");
      UUID id =
          Entry.parseId(given.id)
              .orElseThrow(() -> new IllegalArgumentException("not a UUID: " + given.id));
      Totp totp = new Totp("sha1", given.base32, 30, given.digits);
      return new Provisioning(id, List.of(), totp, broker.host(), broker.port(), Optional.empty());
    }
    throw misused("Needed: --entry FILE, or --broker, --id and --secret");
  }

  private CommandLine.ParameterException misused(String why) {
    return new CommandLine.ParameterException(spec.commandLine(), why);
  }
}
