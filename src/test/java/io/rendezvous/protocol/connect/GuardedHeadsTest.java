package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever head the broker refuses, it refuses on a guarded connection (protocol.md, 1.7). */
class GuardedHeadsTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

  private static TestBroker broker;

  @BeforeAll
  static void start() throws Exception {
    broker = TestBroker.start("relay", "guarded");
  }

  @AfterAll
  static void stop() throws Exception {
    broker.close();
  }

  @ParameterizedTest
  @MethodSource("io.rendezvous.testing.MalformedHeads#all")
  void malformedHeadDoesNotReachTheHiddenServer(String lines, String mistake) throws Exception {
    String head =
        lines.contains("Authorization") ? lines : lines + "~Authorization: Digest username=ID";
    check(head.replace("ID", broker.id().toString()).replace("~", "\r\n") + "\r\n\r\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\n",
        "\r\n\r\n",
        "\0",
        "\u0016\u0003",
        "GET / HTTP/1.1\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb",
        "GET / HTTP/1.1\r\nHost: a\nAuthorization: Digest username=ID\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\0",
      })
  void octetThatIsInNoHeadDoesNotReachTheHiddenServer(String sent) throws Exception {
    check(sent.replace("ID", broker.id().toString()));
  }

  /** Sends a head as the second request, and as the third one beside the second. */
  private static void check(String malformed) throws Exception {
    String more = broker.get(broker.entry(), "/smuggled");
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/1"));
      tunnel.readHead();
      tunnel.send(OK);
      assertThat(client.readResponse()).isEqualTo(OK);
      client.send(malformed + more);
      assertThat(tunnel.readAll()).isEmpty();
      assertThat(client.readAll()).isEmpty();
    }
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/1"));
      tunnel.readHead();
      client.send(broker.get(broker.entry(), "/2") + malformed + more);
      assertThat(tunnel.readHead()).startsWith("GET /2 ");
      tunnel.send(OK + OK);
      assertThat(client.readAll()).isEqualTo(OK + OK);
      assertThat(tunnel.readAll()).isEmpty();
    }
  }
}
