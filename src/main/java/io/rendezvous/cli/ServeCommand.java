package io.rendezvous.cli;

import io.rendezvous.Broker;
import io.rendezvous.config.Settings;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.protocol.registrar.Registrar;
import io.rendezvous.tls.keys.ServerCertificate;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Runs the broker until it is told to end. */
@Command(
    name = "serve",
    description = {
      "Run the broker.",
      "SIGTERM lets transfers finish, for a while; a second one ends at once."
    })
final class ServeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConfigOption config;

  private final CountDownLatch asked = new CountDownLatch(1);

  @Override
  public Integer call() throws Exception {
    Installation installation = config.installation();
    Settings settings = installation.settings();
    PrintWriter out = spec.commandLine().getOut();
    if (installation.makeMissingCertificate()) {
      out.println("Made a certificate: " + settings.tls().certificate());
    }
    Optional<ServerCertificate> keys = installation.keys();
    try (EntryStore store = installation.openStore();
        Broker broker = new Broker(settings, store, keys, InstantSource.system())) {
      broker.start();
      onSignals();
      out.println("Listening on " + url(installation, broker.address()));
      if (broker.registrar().isPresent()) {
        Registrar registrar = broker.registrar().get();
        out.println("Registrar on " + url(installation, registrar.httpAddress()));
        out.println("Cookies are shown on " + url("tcp", installation, registrar.tcpAddress()));
      }
      if (settings.taas().enabled()) {
        out.println(
            "TAAS for https://"
                + settings.taas().host().orElseThrow()
                + ":"
                + broker.address().getPort()
                + " and *."
                + settings.domain().orElseThrow()
                + ", on ports "
                + settings.taas().ports());
      }
      broker
          .adminUrl()
          .ifPresent(
              url ->
                  out.println(
                      "Admin page on " + url + " (the command admin prints it with its token)"));
      out.flush();
      asked.await();
      out.println("Ending: no new connections; transfers may finish");
      out.flush();
      broker.drain(settings.drain());
    }
    return 0;
  }

  /** The first signal asks to end in order, a second one ends at once. */
  private void onSignals() {
    Runnable onSignal =
        () -> {
          if (asked.getCount() == 0) {
            Runtime.getRuntime().halt(0);
          }
          asked.countDown();
        };
    Signals.handle("TERM", onSignal);
    Signals.handle("INT", onSignal);
  }

  private static String url(Installation installation, InetSocketAddress address)
      throws IOException {
    String scheme = installation.settings().tls().enabled() ? "https" : "http";
    return url(scheme, installation, address);
  }

  private static String url(String scheme, Installation installation, InetSocketAddress address)
      throws IOException {
    boolean everywhere = address.getAddress().isAnyLocalAddress();
    String host =
        everywhere
            ? installation.provisioner().publicHost()
            : address.getAddress().getHostAddress();
    return scheme
        + "://"
        + (host.contains(":") ? "[" + host + "]" : host)
        + ":"
        + address.getPort();
  }
}
