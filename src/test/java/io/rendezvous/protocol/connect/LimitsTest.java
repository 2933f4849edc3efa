package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Connections are limited in all and per source. */
class LimitsTest {
  private static final String ASK = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

  @Test
  void connectionsOfOneSourceAreLimited() throws Exception {
    try (TestBroker broker = TestBroker.start("limits.per-source", "2");
        Peer first = broker.connect();
        Peer second = broker.connect()) {
      assertThatThrownBy(() -> broker.connect().close()).isInstanceOf(IOException.class);
      try (Peer other = broker.connect(broker.dial().from("127.0.0.9"))) {
        assertThat(other.send(ASK).readHead()).startsWith("HTTP/1.1 401 ");
      }
      assertThat(first.send(ASK).readHead()).startsWith("HTTP/1.1 401 ");
      second.end();
      Awaitility.await().until(() -> broker.broker().connections() <= 2);
      first.end();
      Awaitility.await().until(() -> broker.broker().connections() == 0);
      try (Peer third = broker.connect()) {
        assertThat(third.send(ASK).readHead()).startsWith("HTTP/1.1 401 ");
      }
    }
  }

  @Test
  void connectionsBeyondTheLimitWaitAndNoParkedTunnelIsLost() throws Exception {
    try (TestBroker broker = TestBroker.start("limits.connections", "4");
        Peer parked = broker.park();
        Peer second = broker.connect();
        Peer third = broker.connect();
        Peer fourth = broker.connect();
        Peer waits = broker.dial().plain()) {
      waits.patience(Duration.ofSeconds(1));
      Awaitility.await().pollDelay(Duration.ofMillis(300)).until(() -> true);
      assertThat(broker.broker().connections()).isEqualTo(4);
      broker.awaitParked(1);
      second.end();
      third.end();
      try (Peer late = broker.dial().tls(Keys.trust())) {
        assertThat(late.send(ASK).readHead()).startsWith("HTTP/1.1 401 ");
      }
      fourth.send(broker.get(broker.entry(), "/"));
      assertThat(parked.readHead()).startsWith("GET / ");
    }
  }
}
