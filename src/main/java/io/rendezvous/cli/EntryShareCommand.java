package io.rendezvous.cli;

import io.rendezvous.config.DurationText;
import io.rendezvous.link.Link;
import io.rendezvous.link.LinkIssuer;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Issues a link to a hidden server. */
@Command(
    name = "share",
    description = {
      "Print a link that opens a hidden server in a browser, without its UUID.",
      "Whoever has the link can use it until it expires or entry unshare revokes it."
    })
final class EntryShareCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private EntryArgument entry;

  @Option(
      names = "--for",
      paramLabel = "TIME",
      defaultValue = "24h",
      description = "How long the link is valid (default: 24h; at most 30d).")
  private String lifetime;

  @Option(
      names = "--path",
      paramLabel = "PATH",
      defaultValue = Link.DEFAULT_PATH,
      description = "The path that the link opens (default: /).")
  private String path;

  @Option(names = "--qr", description = "Print a QR code too.")
  private boolean qr;

  @Override
  public Integer call() throws Exception {
    Duration time = time();
    LinkIssuer.Issued link;
    try {
      link = entry.apply((entries, id) -> entries.share(id, path, time));
    } catch (IllegalArgumentException e) {
      throw new IOException("No link: " + e.getMessage(), e);
    }
    PrintWriter out = spec.commandLine().getOut();
    out.println(link.url());
    if (qr) {
      out.println(TerminalQr.of(link.url()));
    }
    spec.commandLine().getErr().println("Valid until " + link.expires());
    return 0;
  }

  private Duration time() {
    try {
      return DurationText.parse(lifetime);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--for: " + e.getMessage(), e);
    }
  }
}
