package io.rendezvous.cli;

import io.rendezvous.config.RelayMode;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Creates an entry. */
@Command(name = "create", description = "Create an entry for a hidden server.")
final class EntryCreateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private InstallationOptions options;

  @Option(names = "--id", paramLabel = "UUID", description = "The UUID (default: a random one).")
  private @Nullable String id;

  @Option(names = "--label", paramLabel = "NAME", description = "A label. May be repeated.")
  private List<String> labels = List.of();

  @Option(
      names = "--digits",
      paramLabel = "N",
      defaultValue = "8",
      description = "Number of digits of a token (default: 8; old hidden servers need 6).")
  private int digits;

  @Option(names = "--open", description = "Let clients use a label in place of the UUID.")
  private boolean open;

  @Option(
      names = "--challenge",
      description = "Challenge clients even if they use the host name of a label.")
  private boolean challenge;

  @Option(
      names = "--proxy-protocol",
      description = "Send a PROXY protocol header (version 2) before each client's bytes.")
  private boolean proxyProtocol;

  @Option(
      names = "--relay",
      paramLabel = "MODE",
      description =
          "How clients are relayed: raw, or guarded to read each request's head (default: as"
              + " rendezvous.relay says).")
  private @Nullable String relay;

  @Option(names = "--json", description = "Print the provisioning file and nothing else.")
  private boolean json;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Write the provisioning file to a new file that only its owner may read.")
  private @Nullable Path file;

  @Override
  public Integer call() throws Exception {
    Entry entry = entry();
    Installation installation = options.existing();
    installation.checkFiles();
    SecretFile out = file == null ? null : new SecretFile(file);
    if (installation.createMissingCertificate()) {
      err().println("Created a certificate: " + installation.settings().tls().certificate());
    }
    Optional<Provisioning> created = Optional.empty();
    try (EntryAdmin entries = EntryAdmin.of(installation)) {
      entries.create(entry);
      if (json || out != null) {
        created = entries.provisioning(entry.id(), false);
      }
    }
    created.ifPresent(this::warnOfLoopback);
    if (created.isPresent() && out != null) {
      out.write(created.get().toJson() + "\n");
    }
    print(entry.id(), json ? created : Optional.empty());
    return 0;
  }

  private Entry entry() {
    List<String> flags = new ArrayList<>();
    if (open) {
      flags.add("open");
    }
    if (challenge) {
      flags.add("challenge");
    }
    if (proxyProtocol) {
      flags.add("proxyProtocol");
    }
    try {
      return Entry.create(uuid(), labels, digits, Instant.now(), flags).withRelay(relayMode());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private Optional<RelayMode> relayMode() {
    String given = relay;
    if (given == null) {
      return Optional.empty();
    }
    return Optional.of(
        RelayMode.named(given)
            .orElseThrow(() -> new IllegalArgumentException("Not raw or guarded: " + given)));
  }

  private UUID uuid() {
    String given = id;
    if (given == null) {
      return UUID.randomUUID();
    }
    return Entry.parseId(given)
        .orElseThrow(() -> new IllegalArgumentException("Not a UUID: " + given));
  }

  private void warnOfLoopback(Provisioning provisioning) {
    if (isLoopback(provisioning.host())) {
      err()
          .println(
              "Warning: other machines cannot reach the broker as "
                  + provisioning.host()
                  + "; set rendezvous.public-host");
    }
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }

  private void print(UUID created, Optional<Provisioning> provisioning) {
    PrintWriter out = spec.commandLine().getOut();
    if (provisioning.isPresent()) {
      out.println(provisioning.get().toJson());
    } else {
      out.println("Created " + created);
      out.println(
          file == null
              ? "For its provisioning file: rendezvous entry show " + created + " --json"
              : "Its provisioning file: " + file);
    }
  }

  private PrintWriter err() {
    return spec.commandLine().getErr();
  }
}
