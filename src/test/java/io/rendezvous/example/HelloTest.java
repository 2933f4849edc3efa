package io.rendezvous.example;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example works as it stands. */
class HelloTest {
  @Test
  void programIsReachedWithoutAPort(@TempDir Path directory) throws Exception {
    try (TestBroker broker = TestBroker.start()) {
      Provisioning provisioning =
          new Provisioning(
              broker.id(),
              List.of(),
              broker.entry().totp(),
              "localhost",
              broker.port(),
              Optional.of(Files.readString(Keys.directory().resolve("registrar-ca.crt"))));
      Path file = Files.writeString(directory.resolve("home.json"), provisioning.toJson());
      try (HiddenServer server = Hello.start(file);
          Peer client = broker.connect()) {
        broker.awaitParked(8);
        client.send(broker.get(broker.entry(), "/"));
        assertThat(client.readResponse()).endsWith("\r\n\r\nHello from inside a program\n");
        awaitParked(server);
      }
    }
  }

  /** Waits until tunnels that were taken have been replaced. */
  private static void awaitParked(HiddenServer server) {
    Awaitility.await().until(() -> server.status().parked() > 0);
  }
}
