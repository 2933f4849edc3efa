package io.rendezvous.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nayuki.qrcodegen.QrCode;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Manages the entries in the configured store, whether a broker runs or not. */
@Command(
    name = "entry",
    description = "Manage the entries of hidden servers.",
    subcommands = {
      EntryCommand.Create.class,
      EntryCommand.ListAll.class,
      EntryCommand.Show.class,
      EntryCommand.Delete.class
    })
final class EntryCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(), "Missing command: create, list, show or delete");
  }

  private static UUID id(CommandSpec spec, String text) {
    return Entry.parseId(text)
        .orElseThrow(
            () -> new CommandLine.ParameterException(spec.commandLine(), "Not a UUID: " + text));
  }

  @Command(name = "create", description = "Create an entry for a hidden server.")
  static final class Create implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ConfigOption config;

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

    @Option(names = "--json", description = "Print the provisioning file and nothing else.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
      Entry entry = entry();
      Installation installation = config.installation();
      PrintWriter out = spec.commandLine().getOut();
      PrintWriter err = spec.commandLine().getErr();
      if (installation.createMissingCertificate()) {
        err.println("Created a certificate: " + installation.settings().tls().certificate());
      }
      Optional<Provisioning> created = Optional.empty();
      try (EntryAdmin entries = EntryAdmin.of(installation)) {
        entries.create(entry);
        if (json) {
          created = entries.provisioning(entry.id(), false);
        }
      }
      if (created.isPresent()) {
        Provisioning provisioning = created.get();
        if (isLoopback(provisioning.host())) {
          err.println(
              "Warning: other machines cannot reach the broker as "
                  + provisioning.host()
                  + "; set rendezvous.public-host");
        }
        out.println(provisioning.toJson());
      } else {
        out.println("Created " + entry.id());
        out.println("For its provisioning file: rendezvous entry show " + entry.id() + " --json");
      }
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
      UUID uuid = id == null ? UUID.randomUUID() : EntryCommand.id(spec, id);
      try {
        return Entry.create(uuid, labels, digits, Instant.now(), flags);
      } catch (IllegalArgumentException e) {
        throw new CommandLine.ParameterException(spec.commandLine(), e.getMessage());
      }
    }

    private static boolean isLoopback(String host) {
      try {
        return InetAddress.getByName(host).isLoopbackAddress();
      } catch (UnknownHostException e) {
        return false;
      }
    }
  }

  @Command(name = "list", description = "List the entries, without their secrets.")
  static final class ListAll implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ConfigOption config;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
      List<EntryAdmin.Line> entries;
      try (EntryAdmin all = EntryAdmin.of(config.installation())) {
        entries = new ArrayList<>(all.list());
      }
      entries.sort(Comparator.comparing(e -> e.id().toString()));
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        out.println(toJson(entries));
      } else {
        entries.forEach(e -> out.println((e.id() + " " + String.join(" ", e.labels())).strip()));
      }
      return 0;
    }

    private static String toJson(List<EntryAdmin.Line> entries) {
      ArrayNode array = new ObjectMapper().createArrayNode();
      for (EntryAdmin.Line entry : entries) {
        ObjectNode object = array.addObject().put("uuid", entry.id().toString());
        ArrayNode labels = object.putArray("labels");
        entry.labels().forEach(labels::add);
        entry.created().ifPresent(created -> object.put("created", created));
      }
      return array.toPrettyString();
    }
  }

  @Command(name = "show", description = "Show what a hidden server needs, including its secret.")
  static final class Show implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ConfigOption config;

    @Parameters(paramLabel = "UUID", description = "The UUID of the entry.")
    private String id;

    @ArgGroup(exclusive = true, multiplicity = "0..1")
    private Form form = new Form();

    /** The output format. */
    static final class Form {
      @Option(names = "--json", description = "Print the provisioning file (default).")
      boolean json;

      @Option(
          names = "--js",
          description = "Print the provisioning file in JavaScript, for old hidden servers.")
      boolean js;

      @Option(names = "--qr", description = "Print a QR code for an authenticator app.")
      boolean qr;
    }

    @Override
    public Integer call() throws Exception {
      UUID uuid = EntryCommand.id(spec, id);
      Provisioning provisioning;
      try (EntryAdmin entries = EntryAdmin.of(config.installation())) {
        provisioning =
            entries
                .provisioning(uuid, form.js)
                .orElseThrow(() -> new IOException("No entry with UUID " + uuid));
      }
      String text =
          form.qr
              ? qr(provisioning.toOtpauth())
              : form.js ? provisioning.toJs() : provisioning.toJson();
      spec.commandLine().getOut().println(text);
      return 0;
    }

    /** Draws a QR code, two rows of modules in each line, with a quiet zone for readers. */
    private static String qr(String text) {
      QrCode code = QrCode.encodeText(text, QrCode.Ecc.MEDIUM);
      StringBuilder lines = new StringBuilder();
      for (int y = -2; y < code.size + 2; y += 2) {
        for (int x = -2; x < code.size + 2; x++) {
          boolean upper = code.getModule(x, y);
          boolean lower = code.getModule(x, y + 1);
          lines.append(upper ? (lower ? ' ' : '\u2584') : (lower ? '\u2580' : '\u2588'));
        }
        lines.append('\n');
      }
      return lines.toString();
    }
  }

  @Command(name = "delete", description = "Delete an entry and close its tunnels.")
  static final class Delete implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ConfigOption config;

    @Parameters(paramLabel = "UUID", description = "The UUID of the entry.")
    private String id;

    @Override
    public Integer call() throws Exception {
      UUID uuid = EntryCommand.id(spec, id);
      try (EntryAdmin entries = EntryAdmin.of(config.installation())) {
        if (!entries.delete(uuid)) {
          throw new IOException("No entry with UUID " + uuid);
        }
      }
      spec.commandLine().getOut().println("Deleted " + uuid);
      return 0;
    }
  }
}
