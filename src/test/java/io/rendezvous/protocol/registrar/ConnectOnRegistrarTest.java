package io.rendezvous.protocol.registrar;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.testing.Peer;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The registrar's HTTPS port serves hidden servers and clients of section 1, too (protocol.md, 2).
 */
class ConnectOnRegistrarTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

  private OldBroker old;

  @BeforeEach
  void start() throws Exception {
    old = OldBroker.start();
  }

  @AfterEach
  void stop() throws Exception {
    old.close();
  }

  private Peer.Dial registrar() {
    return Peer.to(old.registrar().httpAddress().getPort());
  }

  private Peer parkAtRegistrar() throws Exception {
    return old.broker().park(old.broker().entry(), registrar());
  }

  /** Sends a client's request, and lets the hidden server answer it. */
  private void assertServed(Peer client, String head, Peer hidden) throws Exception {
    client.send(head);
    assertThat(hidden.readHead()).startsWith("GET /").doesNotContain("Authorization");
    hidden.send(OK);
    assertThat(client.read(OK.length())).isEqualTo(OK);
  }

  @Test
  void tunnelsOfBothPortsAreInOnePool() throws Exception {
    String request = old.broker().get(old.broker().entry(), "/?rendezvous=x");
    try (Peer hidden = parkAtRegistrar();
        Peer client = old.broker().connect()) {
      assertServed(client, request, hidden);
    }
    try (Peer hidden = old.broker().park();
        Peer client = old.http()) {
      assertServed(client, request, hidden);
    }
    try (Peer hidden = parkAtRegistrar();
        Peer client = old.http()) {
      assertServed(client, old.broker().get(old.broker().entry(), "/style.css"), hidden);
    }
  }

  @Test
  void tunnelIsRefusedAsOnTheMainPort() throws Exception {
    Entry unknown = old.broker().addEntry();
    old.broker().store().delete(unknown.id());
    try (Peer peer = old.http()) {
      assertThat(peer.send(old.broker().connectHead(unknown)).readAll())
          .startsWith("HTTP/1.1 401 ")
          .contains("\r\nContent-Type: application/json\r\n")
          .contains("\"diagnostic\"");
    }
    try (Peer peer = old.http()) {
      assertThat(peer.send("CONNECT example.org:443 HTTP/1.1\r\n\r\n").readAll())
          .startsWith("HTTP/1.1 403 ");
    }
  }

  @Test
  void clientIsChallengedAndServedOnOneConnection() throws Exception {
    try (Peer hidden = old.broker().park();
        Peer client = old.http()) {
      String head = client.send("GET /x?rendezvous=1 HTTP/1.1\r\nHost: a\r\n\r\n").readHead();
      assertThat(head)
          .startsWith("HTTP/1.1 401 ")
          .contains("WWW-Authenticate: Digest realm=\"rendezvous\"");
      client.readBody(head);
      assertServed(client, old.broker().get(old.broker().entry(), "/x?rendezvous=1"), hidden);
    }
  }

  @Test
  void upgradeNamesItsHiddenServerInTheQuery() throws Exception {
    String head =
        "GET /chat?rendezvous="
            + old.broker().id()
            + " HTTP/1.1\r\nHost: a\r\n"
            + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    try (Peer hidden = old.broker().park();
        Peer client = old.http()) {
      client.send(head);
      assertThat(hidden.readHead()).isEqualTo(head);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET /", "GET /x", "POST /?response=1"})
  void requestThatNamesNothingIsNotFound(String asked) throws Exception {
    String[] parts = asked.split(" ", 2);
    assertThat(old.ask(parts[0], parts[1])).startsWith("HTTP/1.1 404 ");
  }

  @Test
  void queryWithAUuidBelongsToTheRegistrar() throws Exception {
    String target = "/?rendezvous=1&uuid=" + UUID.randomUUID();
    assertThat(old.ask("GET", target)).startsWith("HTTP/1.1 200 ").contains("UUID not registered");
  }
}
