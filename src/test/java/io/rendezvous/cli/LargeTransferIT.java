package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.Directories;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Program;
import io.rendezvous.testing.Soak;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A transfer of far more bytes than broker and agent have memory. */
class LargeTransferIT {
  /** A gibibyte in a full test; else 51 MiB, still more than a program's memory. */
  private static final int SIZE = Soak.repetitions(1024) * 1024 * 1024;

  private static final List<String> LITTLE_MEMORY =
      Stream.concat(
              Program.FULL_SPEED.stream(),
              Stream.of("-Xmx48m", "-XX:MaxDirectMemorySize=16m", "-XX:+ExitOnOutOfMemoryError"))
          .toList();

  private final CompletableFuture<String> sent = new CompletableFuture<>();
  private final CompletableFuture<String> received = new CompletableFuture<>();
  @TempDir private Path directory;
  private Program broker;
  private int port;
  private Provisioning home;

  @BeforeEach
  void start() throws Exception {
    Files.createDirectory(directory.resolve("conf"));
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        "rendezvous.host=127.0.0.1\nrendezvous.port=0\nrendezvous.public-host=localhost\n");
    broker = Program.rendezvous(directory, LITTLE_MEMORY, "serve");
    port = Integer.parseInt(broker.await("Listening on https://127\\.0\\.0\\.1:(\\d+)"));
    home = Directories.addEntry(directory, "home", port);
    Files.writeString(directory.resolve("home.json"), home.toJson());
  }

  @AfterEach
  void stop() {
    broker.close();
  }

  private void serve(Peer connection) throws IOException {
    if (connection.readHead().startsWith("GET")) {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + SIZE + "\r\n\r\n");
      sent.complete(Octets.write(connection.out(), SIZE, 1));
    } else {
      received.complete(Octets.read(connection.in(), SIZE));
      connection.send("HTTP/1.1 204 No Content\r\n\r\n");
    }
    connection.in().read();
  }

  private String head(String method, String more) {
    return method
        + " / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Digest username=\""
        + home.id()
        + "\"\r\n"
        + more
        + "\r\n";
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "http://"})
  void passesUpAndDownInLittleMemory(String mode) throws Exception {
    TrustedCertificates trust = TrustedCertificates.in(home.ca());
    try (LocalServer local = new LocalServer(this::serve);
        Program agent =
            Program.rendezvous(
                directory,
                LITTLE_MEMORY,
                "agent",
                "--broker",
                "https://localhost:" + port,
                "--entry",
                "home.json",
                "--to",
                mode + "127.0.0.1:" + local.port())) {
      agent.await("8 of 8");
      try (Peer client = Peer.to(port).tls(trust.context())) {
        client.send(head("GET", "")).readHead();
        assertThat(Octets.read(client.in(), SIZE)).isEqualTo(sent.get());
      }
      try (Peer client = Peer.to(port).tls(trust.context())) {
        client.send(head("POST", "Content-Length: " + SIZE + "\r\n"));
        String hash = Octets.write(client.out(), SIZE, 2);
        assertThat(client.readHead()).startsWith("HTTP/1.1 204 ");
        assertThat(received.get()).isEqualTo(hash);
      }
      assertThat(agent.isRunning()).isTrue();
      assertThat(broker.isRunning()).isTrue();
    }
  }
}
