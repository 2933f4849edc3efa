package io.rendezvous.cli;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.LocalTarget;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.proxy.ReverseProxy;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say what clients reach through an agent. */
final class TargetOptions {
  private static final String DIRECTORY = "file:";
  private static final String UNIX = "unix:";
  private static final String HTTP_UNIX = "http://unix:";
  private static final String PORT = "[0-9]+";
  private static final String LOOPBACK = "127.0.0.1:";

  @Option(
      names = "--to",
      paramLabel = "TARGET",
      description = {
        "What clients reach. Give one for all entries, or one for each --entry:",
        "- PORT, HOST:PORT or unix:PATH: relay bytes unchanged (PORT: 127.0.0.1:PORT)",
        "- http://HOST:PORT or https://HOST:PORT: reverse proxy",
        "- http://unix:PATH: the same, to a Unix-domain socket",
        "- file:DIRECTORY: serve its files",
        "Without this option, each provisioning file has to say so as \"to\"."
      })
  private List<String> to = List.of();

  /** What the agent does with a PROXY header. Picocli shows the names as they are. */
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
          "If the entry asks for the PROXY protocol: pass its header on to HOST:PORT or unix:PATH,"
              + " or strip it (default: pass).")
  private ProxyProtocol proxyHeader;

  @Option(
      names = "--rewrite-host",
      description =
          "Send the local HTTP server its own name as Host, not the one that the client used, and"
              + " map Origin, redirects and cookie domains. A provisioning file may say so for its"
              + " entry as \"rewriteHost\": true or false.")
  private boolean rewriteHost;

  @Option(
      names = "--no-forwarded",
      description =
          "Send the local HTTP server no Forwarded and X-Forwarded headers; those of the client"
              + " are still removed.")
  private boolean noForwarded;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "0",
      description =
          "Answer 504 if the local HTTP server does not begin to answer in time (default: 0, wait"
              + " for any time).")
  private int timeout;

  @Option(
      names = "--to-ca",
      paramLabel = "FILE",
      description = "Trust this CA certificate for a local https server.")
  private @Nullable Path localCa;

  @Option(
      names = "--to-insecure",
      description = "Do not verify the certificate of a local https server.")
  private boolean localInsecure;

  /** Starts a hidden server. */
  interface Target {
    HiddenServer start(HiddenServer.Builder builder) throws IOException;
  }

  /**
   * Checks the options.
   *
   * @param entries number of --entry options
   * @throws IllegalArgumentException if targets are missing, malformed, or of another number
   */
  void check(int entries) throws IOException {
    if (to.isEmpty() && entries == 0) {
      throw new IllegalArgumentException("Missing: --to TARGET");
    }
    if (to.size() > 1 && to.size() != Math.max(1, entries)) {
      throw new IllegalArgumentException(
          "Give one --to TARGET for all entries, or one for each --entry");
    }
    if (timeout < 0) {
      throw new IllegalArgumentException("--timeout must not be negative");
    }
    for (String text : to) {
      parse(text, rewriteHost);
    }
  }

  /**
   * Returns what clients of an entry reach.
   *
   * @param option the index of the --entry option that named the entry
   * @throws IllegalArgumentException if nothing says so
   */
  Target target(Provisioning entry, int option) throws IOException {
    LocalTarget local = entry.local();
    boolean rewrites = local.rewriteHost().orElse(rewriteHost);
    if (!to.isEmpty()) {
      return parse(to.get(to.size() == 1 ? 0 : option), rewrites);
    }
    return parse(
        local
            .to()
            .orElseThrow(
                () -> new IllegalArgumentException("Missing: --to TARGET, or \"to\" in the file")),
        rewrites);
  }

  private Target parse(String text, boolean rewrites) throws IOException {
    boolean passHeader = proxyHeader == ProxyProtocol.pass;
    if (text.startsWith(DIRECTORY)) {
      Path directory = path(text, DIRECTORY, "DIRECTORY");
      return builder -> builder.files(directory);
    }
    if (text.startsWith(UNIX)) {
      Path socket = path(text, UNIX, "PATH");
      return builder -> builder.relay(socket, passHeader);
    }
    if (text.startsWith(HTTP_UNIX)) {
      Path socket = path(text, HTTP_UNIX, "PATH");
      ReverseProxy.Options options = proxyOptions(rewrites);
      return builder -> builder.proxy(socket, options);
    }
    if (text.contains("://")) {
      String scheme = text.startsWith("https:") ? "https" : "http";
      URI local = URI.create(scheme + "://" + Address.parse(text, scheme));
      ReverseProxy.Options options = proxyOptions(rewrites);
      return builder -> builder.proxy(local, options);
    }
    Address local = relayed(text);
    return builder -> builder.relay(local, passHeader);
  }

  private static Address relayed(String text) {
    try {
      return Address.parse(text.matches(PORT) ? LOOPBACK + text : text, "tcp");
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "not a target (PORT, HOST:PORT, unix:PATH, http://HOST:PORT or file:DIRECTORY): " + text,
          e);
    }
  }

  private static Path path(String text, String prefix, String name) {
    if (text.equals(prefix)) {
      throw new IllegalArgumentException("Missing: " + name + " after " + prefix);
    }
    return Path.of(text.substring(prefix.length()));
  }

  private ReverseProxy.Options proxyOptions(boolean rewrites) throws IOException {
    Optional<String> pem =
        localCa == null ? Optional.empty() : Optional.of(Files.readString(localCa));
    TrustedCertificates trusted =
        localInsecure ? TrustedCertificates.all() : TrustedCertificates.in(pem);
    return new ReverseProxy.Options(rewrites, !noForwarded, trusted, Duration.ofSeconds(timeout));
  }
}
