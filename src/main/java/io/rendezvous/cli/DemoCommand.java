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
 * Shows the main job: a broker, an entry, an agent and a small web server, in one process, on free
 * ports of this machine only, in a directory that is gone afterwards.
 */
@Command(
    name = "demo",
    description = "Try it: a broker, an agent and a small web server in one process.")
final class DemoCommand implements Callable<Integer> {
  private static final int TUNNELS = 4;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    Signals.handle("TERM", asked::countDown);
    Signals.handle("INT", asked::countDown);
    Path directory = Files.createTempDirectory("rendezvous-demo");
    try {
      run(directory, asked);
    } finally {
      delete(directory);
    }
    return 0;
  }

  private void run(Path directory, CountDownLatch asked) throws Exception {
    CertificateAuthority maker =
        new CertificateAuthority(
            directory.resolve("registrar.crt"), directory.resolve("registrar.key"));
    maker.make(List.of("localhost", "127.0.0.1"), Instant.now());
    ServerCertificate keys =
        new ServerCertificate(
            directory.resolve("registrar.crt"),
            directory.resolve("registrar.key"),
            InstantSource.system());
    Settings settings =
        SettingsLoader.load(
            Map.of(
                "rendezvous.host", "127.0.0.1",
                "rendezvous.port", "0",
                "rendezvous.admin.enabled", "false",
                "rendezvous.access-log.enabled", "false"));
    Entry entry = Entry.create(UUID.randomUUID(), List.of("demo"), 8, Instant.now(), List.of());
    EntryStore store = new FileStore(directory.resolve("entries"));
    store.create(entry);
    Undertow web = localServer();
    try (Broker broker = new Broker(settings, store, Optional.of(keys), InstantSource.system())) {
      broker.start();
      web.start();
      InetSocketAddress local = (InetSocketAddress) web.getListenerInfo().get(0).getAddress();
      Provisioning provisioning =
          new Provisioning(
              entry.id(),
              entry.labels(),
              entry.totp(),
              "localhost",
              broker.address().getPort(),
              Optional.of(Files.readString(maker.authority())));
      PrintWriter out = spec.commandLine().getOut();
      HiddenServer agent =
          HiddenServer.of(provisioning)
              .tunnels(TUNNELS)
              .events(event -> print(out, "  agent: " + event.text()))
              .relay(new Address("127.0.0.1", local.getPort()), false);
      while (agent.status().parked() < TUNNELS && !asked.await(10, TimeUnit.MILLISECONDS)) {
        // it is being parked
      }
      explain(out, broker.address().getPort(), entry.id(), maker.authority());
      asked.await();
      agent.close();
    } finally {
      web.stop();
    }
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

  private static void explain(PrintWriter out, int port, UUID id, Path authority) {
    String url = "https://localhost:" + port + "/";
    print(out, "");
    print(out, "A hidden server is parked at a broker of this machine. Reach it:");
    print(out, "");
    print(out, "  URL        " + url);
    print(out, "  user name  " + id);
    print(out, "  password   anything");
    print(out, "");
    print(out, "  curl --digest --user " + id + ":x --cacert " + authority + " " + url);
    print(out, "");
    print(out, "Ctrl-C ends it.");
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
