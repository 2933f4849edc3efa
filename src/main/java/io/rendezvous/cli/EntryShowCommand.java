package io.rendezvous.cli;

import io.rendezvous.entry.Provisioning;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows the provisioning file of an entry, in one of its forms. */
@Command(name = "show", description = "Show what a hidden server needs, including its secret.")
final class EntryShowCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private EntryArgument entry;

  @ArgGroup(exclusive = true, multiplicity = "0..1")
  private Form form = new Form();

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Write it to a new file that only its owner may read.")
  private @Nullable Path file;

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
    SecretFile out = file == null ? null : new SecretFile(file);
    Provisioning provisioning = entry.apply((entries, id) -> entries.provisioning(id, form.js));
    if (out == null) {
      spec.commandLine().getOut().println(text(provisioning));
    } else {
      out.write(text(provisioning) + "\n");
    }
    return 0;
  }

  private String text(Provisioning provisioning) {
    if (form.qr) {
      return TerminalQr.of(provisioning.toOtpauth());
    }
    return form.js ? provisioning.toJs() : provisioning.toJson();
  }
}
