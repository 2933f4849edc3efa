package io.rendezvous.cli;

import io.rendezvous.Broker;
import io.rendezvous.config.DirectoryLock;
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
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the broker until a signal ends it. */
@Command(
    name = "serve",
    description = {
      "Run the broker.",
      "At SIGTERM it accepts nothing new, and lets transfers finish for a while.",
      "At a second SIGTERM it exits at once.",
      "At SIGHUP it reads the settings again, and logs which of them need a restart."
    })
final class ServeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private InstallationOptions options;

  @Option(
      names = "--check",
      description =
          "Read the settings, keys and certificates, try the store, and print OK or what is wrong."
              + " Nothing is created.")
  private boolean check;

  private final CountDownLatch stopRequested = new CountDownLatch(1);
  private volatile @Nullable SettingsReloader reloader;

  @Override
  public Integer call() throws Exception {
    Signals.handle("HUP", this::reload);
    Installation installation = options.here();
    if (check) {
      PrintWriter err = spec.commandLine().getErr();
      ServeCheck.run(installation).forEach(warning -> err.println("Warning: " + warning));
      spec.commandLine().getOut().println("OK");
    } else {
      installation.checkFiles();
      DirectoryLock lock = installation.lock();
      try {
        serve(installation);
      } finally {
        lock.close();
      }
    }
    return 0;
  }

  private void serve(Installation installation) throws Exception {
    Settings settings = installation.settings();
    PrintWriter out = spec.commandLine().getOut();
    if (installation.createMissingCertificate()) {
      out.println("Created a certificate: " + settings.tls().certificate());
    }
    Optional<ServerCertificate> certificate = installation.certificate();
    try (EntryStore store = installation.openStore();
        Broker broker = new Broker(settings, store, certificate, InstantSource.system())) {
      SettingsReloader made = new SettingsReloader(installation, broker);
      reloader = made;
      broker.start();
      handleSignals();
      printListeners(out, installation, broker);
      stopRequested.await();
      out.println("Draining: no new connections; transfers may finish");
      out.flush();
      broker.drain(made.settings().drain());
    }
  }

  /** Reloads the settings; does nothing before the broker starts. */
  private void reload() {
    SettingsReloader running = reloader;
    if (running != null) {
      running.reload();
    }
  }

  private void handleSignals() {
    Runnable onSignal =
        () -> {
          if (stopRequested.getCount() == 0) { // the second signal
            Runtime.getRuntime().halt(0);
          }
          stopRequested.countDown();
        };
    Signals.handle("TERM", onSignal);
    Signals.handle("INT", onSignal);
  }

  /** Prints one line for each listener. */
  private static void printListeners(PrintWriter out, Installation installation, Broker broker)
      throws IOException {
    out.println("Listening on " + url(installation, broker.address()));
    if (broker.registrar().isPresent()) {
      Registrar registrar = broker.registrar().get();
      out.println("Registrar on " + url(installation, registrar.httpAddress()));
      out.println(
          "Registrar's rendezvous port on " + url("tcp", installation, registrar.tcpAddress()));
    }
    Settings settings = installation.settings();
    if (settings.taas().enabled()) {
      out.printf(
          "TAAS on https://%s:%d and *.%s, with ports %s%n",
          settings.taas().host().orElseThrow(),
          broker.address().getPort(),
          settings.domain().orElseThrow(),
          settings.taas().ports());
    }
    broker
        .adminUrl()
        .ifPresent(url -> out.println("Admin page on " + url + " (to log in: rendezvous admin)"));
    out.flush();
  }

  private static String url(Installation installation, InetSocketAddress address)
      throws IOException {
    String scheme = installation.settings().tls().enabled() ? "https" : "http";
    return url(scheme, installation, address);
  }

  private static String url(String scheme, Installation installation, InetSocketAddress address)
      throws IOException {
    boolean anyAddress = address.getAddress().isAnyLocalAddress();
    String host =
        anyAddress
            ? installation.provisioner().publicHost()
            : address.getAddress().getHostAddress();
    return scheme
        + "://"
        + (host.contains(":") ? "[" + host + "]" : host)
        + ":"
        + address.getPort();
  }
}
