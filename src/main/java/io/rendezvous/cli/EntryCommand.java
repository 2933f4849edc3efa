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

/** Looks after the entries in the configured store, whether a broker runs or not. */
@Command(
    name = "entry",
    description = "Create, list, show and delete entries of hidden servers.",
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
        spec.commandLine(), "Which of create, list, show, delete?");
  }

  private static UUID id(CommandSpec spec, String text) {
    return Entry.parseId(text)
        .orElseThrow(
            () -> new CommandLine.ParameterException(spec.commandLine(), "Not a UUID: " + text));
  }

  @Command(name = "create", description = "Create an entry, and print what its server needs.")
  static final class Create implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ConfigOption config;

    @Option(names = "--id", paramLabel = "UUID", description = "Its UUID (default: a new one).")
    private @Nullable String id;

    @Option(names = "--label", paramLabel = "NAME", description = "A label; several may be given.")
    private List<String> labels = List.of();

    @Option(
        names = "--digits",
        paramLabel = "N",
        defaultValue = "8",
        description = "Digits of its tokens (default: 8; old hidden servers need 6).")
    private int digits;

    @Option(names = "--open", description = "Clients may name it by a label too.")
    private boolean open;

    @Option(names = "--challenge", description = "Clients are challenged at its host name too.")
    private boolean challenge;

    @Option(names = "--proxy-protocol", description = "It is sent the PROXY protocol, version 2.")
    private boolean proxyProtocol;

    @Option(names = "--json", description = "Print the provisioning file and nothing else.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
      Entry entry = entry();
      Installation installation = config.installation();
      PrintWriter out = spec.commandLine().getOut();
      PrintWriter err = spec.commandLine().getErr();
      if (installation.makeMissingCertificate()) {
        err.println("Made a certificate: " + installation.settings().tls().certificate());
      }
      Optional<Provisioning> made = Optional.empty();
      try (EntryAdmin entries = EntryAdmin.of(installation)) {
        entries.create(entry);
        if (json) {
          made = entries.provisioning(entry.id(), false);
        }
      }
      if (made.isPresent()) {
        Provisioning provisioning = made.get();
        if (isLoopback(provisioning.host())) {
          err.println(
              "Warning: other machines cannot reach the broker as "
                  + provisioning.host()
                  + "; set rendezvous.public-host");
        }
        out.println(provisioning.toJson());
      } else {
        out.println("Created " + entry.id());
        out.println("Its provisioning file: rendezvous entry show " + entry.id() + " --json");
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

    @Option(names = "--json", description = "As JSON.")
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

  @Command(name = "show", description = "Show what a hidden server needs, its secret in it.")
  static final class Show implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ConfigOption config;

    @Parameters(paramLabel = "ID", description = "The UUID.")
    private String id;

    @ArgGroup(exclusive = true, multiplicity = "0..1")
    private Form form = new Form();

    /** How it is shown. */
    static final class Form {
      @Option(names = "--json", description = "As the provisioning file (the default).")
      boolean json;

      @Option(names = "--js", description = "As the provisioning file of old hidden servers.")
      boolean js;

      @Option(names = "--qr", description = "As a QR code for an authenticator app.")
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

    /** Two rows of modules to a line of text, with the quiet zone that readers want. */
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

  @Command(name = "delete", description = "Delete an entry, and end its tunnels.")
  static final class Delete implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private ConfigOption config;

    @Parameters(paramLabel = "ID", description = "The UUID.")
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
