package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.proxy.ReverseProxy;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * In HTTP mode nothing of a malformed request reaches the local server, whether it is the first,
 * the second or the third of its connection.
 */
class MalformedRequestsTest {
  private static final Queue<String> RECEIVED = new ConcurrentLinkedQueue<>();

  private static TestBroker broker;
  private static LocalServer local;
  private static HiddenServer hidden;

  @BeforeAll
  static void start() throws Exception {
    broker = TestBroker.start();
    local = new LocalServer(MalformedRequestsTest::serve);
    Provisioning provisioning =
        new Provisioning(
            broker.id(),
            List.of("home"),
            broker.entry().totp(),
            "localhost",
            broker.port(),
            Optional.empty());
    hidden =
        HiddenServer.of(provisioning)
            .trusting(Keys.trusted())
            .tunnels(2)
            .proxy(
                URI.create("http://127.0.0.1:" + local.port()),
                new ReverseProxy.Options(false, false, TrustedCertificates.all(), Duration.ZERO));
    broker.awaitParked(2);
  }

  @AfterAll
  static void stop() throws Exception {
    hidden.close();
    local.close();
    broker.close();
  }

  /** Notes all that a connection has received once it has ended. */
  private static void serve(Peer connection) {
    StringBuilder all = new StringBuilder();
    try {
      while (true) {
        all.append(connection.readHead());
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      }
    } catch (IOException e) { // the message ends with what was no whole head
      RECEIVED.add(all + String.valueOf(e.getMessage()).replace("ended within a head: ", ""));
    }
  }

  private static String good(String path) {
    return broker.get(broker.entry(), path);
  }

  /** Returns a malformed request, and another one that it may hide. */
  private static String malformed(String lines) {
    return lines.replace("ID", broker.id().toString()).replace("~", "\r\n")
        + "\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
  }

  private static String received(String path) {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }

  @ParameterizedTest
  @MethodSource("io.rendezvous.testing.MalformedHeads#all")
  void malformedRequestDoesNotReachTheLocalServer(String lines, String mistake) throws Exception {
    RECEIVED.clear();
    if (!mistake.startsWith("CONNECT")) { // as the first, that is a hidden server's
      try (Peer client = broker.connect()) {
        assertThat(client.send(malformed(lines)).readAll()).startsWith("HTTP/1.1 400 ");
      }
    }
    if (mistake.equals("more than one Authorization header")) {
      return; // as a later one, that is the local server's to judge
    }
    try (Peer client = broker.connect()) {
      assertThat(client.send(good("/1")).readResponse()).startsWith("HTTP/1.1 200 ");
      assertThat(client.send(malformed(lines)).readAll()).startsWith("HTTP/1.1 400 ");
    }
    try (Peer client = broker.connect()) {
      client.send(good("/1") + good("/2") + malformed(lines));
      assertThat(client.readResponse() + client.readResponse()).doesNotContain("HTTP/1.1 400 ");
      assertThat(client.readAll()).startsWith("HTTP/1.1 400 ");
    }
    Awaitility.await()
        .untilAsserted(
            () ->
                assertThat(RECEIVED)
                    .containsExactlyInAnyOrder(received("/1"), received("/1") + received("/2")));
  }
}
