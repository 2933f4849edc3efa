package io.rendezvous.cli;

import io.rendezvous.Broker;
import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.config.Settings;
import io.rendezvous.config.SettingsLoader;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.FileStore;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.tls.keys.CertificateAuthority;
import io.rendezvous.tls.keys.ServerCertificate;
import io.undertow.Undertow;
import io.undertow.util.Headers;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * Demonstrates the main use: a broker, an entry, an agent and a small web server in one process, on
 * free ports of this machine, with a temporary directory that is deleted in the end.
 */
@Command(
    name = "demo",
    description = "Try it: run a broker, an agent and a small web server in one process.")
final class DemoCommand implements Callable<Integer> {
  private static final int TUNNELS = 4;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    CountDownLatch stopRequested = new CountDownLatch(1);
    Signals.handle("TERM", stopRequested::countDown);
    Signals.handle("INT", stopRequested::countDown);
    Path directory = Files.createTempDirectory("rendezvous-demo");
    try {
      run(directory, stopRequested);
    } finally {
      delete(directory);
    }
    return 0;
  }

  private void run(Path directory, CountDownLatch stopRequested) throws Exception {
    CertificateAuthority authority =
        new CertificateAuthority(
            directory.resolve("registrar.crt"), directory.resolve("registrar.key"));
    authority.make(List.of("localhost", "127.0.0.1"), Instant.now());
    Entry entry = Entry.create(UUID.randomUUID(), List.of("demo"), 8, Instant.now(), List.of());
    Undertow web = localServer();
    try (Broker broker = broker(directory, entry)) {
      broker.start();
      web.start();
      Provisioning provisioning =
          new Provisioning(
              entry.id(),
              entry.labels(),
              entry.totp(),
              "localhost",
              broker.address().getPort(),
              Optional.of(Files.readString(authority.authority())));
      PrintWriter out = spec.commandLine().getOut();
      try (HiddenServer agent = agent(provisioning, web, out)) {
        while (agent.status().parked() < TUNNELS
            && !stopRequested.await(10, TimeUnit.MILLISECONDS)) {
          // tunnels are being parked
        }
        explain(out, provisioning, authority.authority());
        stopRequested.await();
      }
    } finally {
      web.stop();
    }
  }

  private static Broker broker(Path directory, Entry entry) throws Exception {
    Settings settings =
        SettingsLoader.load(
            Map.of(
                "rendezvous.host", "127.0.0.1",
                "rendezvous.port", "0",
                "rendezvous.admin.enabled", "false",
                "rendezvous.access-log.enabled", "false"));
    ServerCertificate certificate =
        new ServerCertificate(
            directory.resolve("registrar.crt"),
            directory.resolve("registrar.key"),
            InstantSource.system());
    EntryStore store = new FileStore(directory.resolve("entries"));
    store.create(entry);
    return new Broker(settings, store, Optional.of(certificate), InstantSource.system());
  }

  private static HiddenServer agent(Provisioning provisioning, Undertow web, PrintWriter out)
      throws IOException {
    InetSocketAddress local = (InetSocketAddress) web.getListenerInfo().get(0).getAddress();
    return HiddenServer.of(provisioning)
        .tunnels(TUNNELS)
        .events(event -> print(out, "  agent: " + event.text()))
        .relay(new Address("127.0.0.1", local.getPort()), false);
  }

  private static Undertow localServer() {
    return Undertow.builder()
        .addHttpListener(0, "127.0.0.1")
        .setIoThreads(1)
        .setWorkerThreads(1)
        .setHandler(
            exchange -> {
              exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, "text/plain");
              exchange
                  .getResponseSender()
                  .send(
                      "Hello from the hidden server! You asked for "
                          + exchange.getRequestURI()
                          + "\n");
            })
        .build();
  }

  private static void explain(PrintWriter out, Provisioning provisioning, Path authority) {
    String url = "https://" + provisioning.host() + ":" + provisioning.port() + "/";
    String user = provisioning.id() + ":x";
    print(out, "");
    print(out, "A hidden server is connected to a broker on this machine. To reach it:");
    print(out, "");
    print(out, "  URL        " + url);
    print(out, "  user name  " + provisioning.id());
    print(out, "  password   anything");
    print(out, "");
    print(out, "  curl --digest --user " + user + " --cacert " + authority + " " + url);
    print(out, "");
    print(out, "Press Ctrl-C to stop.");
  }

  private static void print(PrintWriter out, String line) {
    out.println(line);
    out.flush();
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      files
          .sorted(Comparator.reverseOrder())
          .forEach(
              file -> {
                try {
                  Files.delete(file);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    }
  }
}
