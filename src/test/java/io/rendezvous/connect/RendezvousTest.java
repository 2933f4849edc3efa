package io.rendezvous.connect;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A client is relayed to its hidden server, octet for octet. */
class RendezvousTest {
  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start();
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  @Test
  void requestReachesTheHiddenServerWithoutItsAuthorization() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/a?b=c"));
      assertThat(tunnel.readHead()).isEqualTo("GET /a?b=c HTTP/1.1\r\nHost: localhost\r\n\r\n");
      tunnel.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
      assertThat(client.readResponse()).endsWith("\r\n\r\nhi");
    }
  }
}
