package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.FileStore;
import io.rendezvous.entry.Totp;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A broker with little memory, and strangers who would fill more. */
class HeapIT {
  private static final List<String> LITTLE_MEMORY =
      List.of("-Xmx64m", "-XX:+ExitOnOutOfMemoryError");
  private static final int STRANGERS = 4000;

  /** A head that lacks its end: the broker keeps it for ten seconds. */
  private static final String UNFINISHED = "GET / HTTP/1.1\r\nX: " + "x".repeat(16_000);

  private final List<Peer> strangers = new ArrayList<>();
  @TempDir private Path directory;
  private Entry entry;
  private Program broker;
  private int port;

  @BeforeEach
  void start() throws Exception {
    Files.createDirectories(directory.resolve("conf"));
    Files.createDirectories(directory.resolve("data/entries"));
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        """
        rendezvous.host=127.0.0.1
        rendezvous.port=0
        rendezvous.tls.enabled=false
        rendezvous.limits.connections=6000
        rendezvous.limits.per-source=6000
        """);
    entry = Entry.create(UUID.randomUUID(), List.of("home"), 8, Instant.now(), List.of());
    new FileStore(directory.resolve("data/entries")).create(entry);
    broker = Program.rendezvous(directory, LITTLE_MEMORY, "serve");
    port = Integer.parseInt(broker.await("Listening on http://127\\.0\\.0\\.1:(\\d+)"));
  }

  @AfterEach
  void stop() throws IOException {
    broker.close();
    for (Peer stranger : strangers) {
      stranger.cut();
    }
  }

  private Peer park() throws IOException {
    Totp totp = entry.totp();
    String token = totp.token(totp.stepAt(Instant.now().getEpochSecond()), totp.digits());
    Peer tunnel = Peer.to(port).plain();
    String head = "CONNECT uuid:" + entry.id() + "?response=" + token + " HTTP/1.1\r\n\r\n";
    assertThat(tunnel.send(head).readHead()).startsWith("HTTP/1.1 200 ");
    return tunnel;
  }

  private Peer ask() throws IOException {
    String authorization = "Authorization: Digest username=\"" + entry.id() + "\"\r\n";
    return Peer.to(port).plain().send("GET / HTTP/1.1\r\nHost: a\r\n" + authorization + "\r\n");
  }

  @Test
  void strangersMakeRoomBeforeTheHeapIsFull() throws Exception {
    try (Peer first = park();
        Peer second = park();
        Peer client = ask()) {
      Awaitility.await().until(() -> first.hasUnread() || second.hasUnread());
      Peer paired = second.hasUnread() ? second : first;
      Peer parked = paired == first ? second : first;
      assertThat(paired.readHead()).startsWith("GET / ");
      for (int i = 0; i < STRANGERS; i++) {
        strangers.add(Peer.to(port).from("127.0.1." + (1 + i % 200)).plain());
        try {
          strangers.get(i).send(UNFINISHED);
        } catch (IOException e) {
          // It made room for another.
        }
      }
      broker.await("have used up their share of the heap: .* closed, .* from 127\\.0\\.1\\.");
      paired.send("still here");
      assertThat(client.read(10)).isEqualTo("still here");
      try (Peer late = ask()) {
        assertThat(parked.readHead()).startsWith("GET / ");
        parked.send("and here");
        assertThat(late.read(8)).isEqualTo("and here");
      }
      assertThat(broker.isRunning()).isTrue();
    }
  }
}
