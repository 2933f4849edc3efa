package io.rendezvous.cli;

import io.rendezvous.admin.AdminLock;
import io.rendezvous.admin.AdminServer;
import io.rendezvous.admin.AdminToken;
import io.rendezvous.config.Settings;
import java.io.IOException;
import java.net.InetAddress;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints a link to the admin page. */
@Command(
    name = "admin",
    description = {
      "Print a link to the admin page, to be opened in a browser.",
      "The link works once, within ten minutes. Keep it to yourself: whoever opens it first",
      "can create and delete entries, and see their secrets."
    })
final class AdminCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private InstallationOptions options;

  @Override
  public Integer call() throws Exception {
    Installation installation = options.existing();
    Settings settings = installation.settings();
    Settings.AdminSettings admin = settings.admin();
    if (!admin.enabled()) {
      throw new IOException("The admin page is switched off (rendezvous.admin.enabled=false)");
    }
    if (!AdminToken.exists(admin)) {
      throw new IOException(
          "There is no " + admin.tokenFile() + " yet; the broker creates it when it first starts");
    }
    InetAddress address = InetAddress.getByName(admin.host());
    spec.commandLine()
        .getOut()
        .println(address.isLoopbackAddress() ? link(settings) : url(installation, address));
    return 0;
  }

  private static String link(Settings settings) throws IOException {
    return AdminClient.find(settings)
        .orElseThrow(
            () -> new IOException("No broker is running here; start it with: rendezvous serve"))
        .link();
  }

  /** Returns the URL without a token: one is only requested from a broker on this machine. */
  private String url(Installation installation, InetAddress address) throws IOException {
    Settings.AdminSettings admin = installation.settings().admin();
    String host = address.isAnyLocalAddress() ? installation.provisioner().publicHost() : "";
    spec.commandLine()
        .getErr()
        .println(
            "Log in with "
                + (admin.token().isPresent()
                    ? "rendezvous.admin.token"
                    : "the token in " + admin.tokenFile())
                + "; links that log in are only for a loopback address.");
    return AdminServer.url(address, host, AdminLock.portOfBroker(admin).orElse(admin.port()));
  }
}
