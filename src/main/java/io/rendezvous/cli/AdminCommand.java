package io.rendezvous.cli;

import io.rendezvous.admin.AdminLock;
import io.rendezvous.admin.AdminServer;
import io.rendezvous.admin.AdminToken;
import io.rendezvous.config.Settings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints the URL of the admin page. */
@Command(
    name = "admin",
    description = {
      "Print the URL of the admin page with its token, to be opened in a browser.",
      "Anybody who has this URL can do everything that the page can."
    })
final class AdminCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConfigOption config;

  @Override
  public Integer call() throws Exception {
    Installation installation = config.installation();
    Settings settings = installation.settings();
    Settings.AdminSettings admin = settings.admin();
    if (!admin.enabled()) {
      throw new IOException("The admin page is switched off (rendezvous.admin.enabled=false)");
    }
    if (!AdminToken.exists(admin)) {
      throw new IOException(
          "There is no " + AdminToken.FILE + " here; the broker creates it when it first starts");
    }
    InetAddress address = InetAddress.getByName(admin.host());
    String host = address.isAnyLocalAddress() ? installation.provisioner().publicHost() : "";
    String url = AdminServer.url(address, host, AdminLock.portOfBroker(admin).orElse(admin.port()));
    Optional<String> token = AdminToken.of(admin);
    spec.commandLine()
        .getOut()
        .println(
            url
                + token
                    .map(text -> "?token=" + URLEncoder.encode(text, StandardCharsets.UTF_8))
                    .orElse(""));
    if (address.isLoopbackAddress() && AdminClient.find(settings).isEmpty()) {
      spec.commandLine()
          .getErr()
          .println("No broker is running there; start it with: rendezvous serve");
    }
    return 0;
  }
}
