package io.rendezvous.cli;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.undertow.ReverseProxy;
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

/** What clients reach through an agent, and how. */
final class TargetOptions {
  private static final String DIRECTORY = "file:";
  private static final String UNIX = "unix:";
  private static final String HTTP_UNIX = "http://unix:";
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @Option(
      names = "--to",
      paramLabel = "TARGET",
      description =
          "What clients reach: HOST:PORT or unix:PATH (octets as they are), http://HOST:PORT,"
              + " https://HOST:PORT or http://unix:PATH (a reverse proxy), or file:DIRECTORY. One"
              + " for all entries, or one for each --entry; without any, each file names its own"
              + " as \"to\".")
  private List<String> to = List.of();

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

  /** Starts a hidden server. */
  interface Target {
    HiddenServer start(HiddenServer.Builder builder) throws IOException;
  }

  /**
   * Checks what was given.
   *
   * @param entries how many options name entries
   * @throws IllegalArgumentException if it is none, or not as many
   */
  void check(int entries) throws IOException {
    if (to.isEmpty() && entries == 0) {
      throw new IllegalArgumentException("Needed: --to TARGET");
    }
    if (to.size() > 1 && to.size() != Math.max(1, entries)) {
      throw new IllegalArgumentException(
          "Needed: one --to TARGET for all entries, or one for each");
    }
    for (String text : to) {
      parse(text);
    }
  }

  /**
   * Returns what clients of an entry reach.
   *
   * @param option the number of the option that named the entry
   * @throws IllegalArgumentException if it is not known
   */
  Target target(Provisioning entry, int option) throws IOException {
    if (!to.isEmpty()) {
      return parse(to.get(to.size() == 1 ? 0 : option));
    }
    return parse(
        entry
            .to()
            .orElseThrow(
                () -> new IllegalArgumentException("Needed: --to TARGET, or \"to\" in the file")));
  }

  private Target parse(String text) throws IOException {
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

  private static Path path(String text, String prefix, String name) {
    if (text.equals(prefix)) {
      throw new IllegalArgumentException("Needed: " + prefix + name);
    }
    return Path.of(text.substring(prefix.length()));
  }

  private ReverseProxy.Options how() throws IOException {
    Optional<String> pem =
        localCa == null ? Optional.empty() : Optional.of(Files.readString(localCa));
    TrustedCertificates trust =
        localInsecure ? TrustedCertificates.inAnybody() : TrustedCertificates.in(pem);
    return new ReverseProxy.Options(rewriteHost, trust, PATIENCE);
  }
}
