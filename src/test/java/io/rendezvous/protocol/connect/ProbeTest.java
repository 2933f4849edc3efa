package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.testing.FaultRelay;
import io.rendezvous.testing.HookedStore;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.net.SocketException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A hidden server that was silent for long is probed over TLS before a client gets its tunnel
 * (protocol.md, 1.3). A peer here answers only while it reads. The decisions, such as which tunnel
 * is probed and how often, are tested in {@code tunnel.LivenessProbeTest}.
 */
class ProbeTest {
  private static final Duration PROBE = Duration.ofMillis(200);
  private static final String BODY = "a body of 25 octets, once";

  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start("probe", PROBE.toMillis() + "ms");
    answerOnce(broker);
  }

  /** Lets the broker learn that its hidden server answers. Otherwise it is not probed. */
  private static void answerOnce(TestBroker of) throws IOException {
    try (Peer tunnel = of.park()) {
      while (!of.broker().metrics().scrape().contains("{outcome=\"answered\"} 1.0")) {
        assertThat(tunnel.hearsNothing()).isTrue();
      }
    }
    of.awaitParked(0);
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  private static void pause(Duration time) {
    Awaitility.await().pollDelay(time).until(() -> true);
  }

  /** Waits until tunnels that were parked before count as silent for long. */
  private static void growSilent() {
    pause(PROBE.plusMillis(100));
  }

  /** Waits until a tunnel that does not read has a probe to answer. */
  private static void awaitProbed(Peer tunnel) {
    Awaitility.await().until(tunnel::hasUnread);
  }

  private Peer post(Peer client, String path) throws IOException {
    String line = "Content-Length: " + BODY.length() + "\r\n";
    return client.send(broker.request("POST", broker.entry(), path, line) + BODY);
  }

  /** Answers one request with its path, and returns everything that was received. */
  private static String serve(Peer tunnel) throws IOException {
    String head = tunnel.readHead();
    String body = tunnel.readBody(head);
    String path = head.split(" ", -1)[1];
    tunnel.send("HTTP/1.1 200 OK\r\nContent-Length: " + path.length() + "\r\n\r\n" + path);
    return head + body;
  }

  private static CompletableFuture<String> reader(Peer tunnel) {
    return Octets.beside(() -> serve(tunnel));
  }

  private void assertOutcome(String outcome, int count) {
    assertThat(broker.broker().metrics().scrape())
        .contains("rendezvous_probes_total{outcome=\"" + outcome + "\"} " + count + ".0\n");
  }

  /** Parks a fresh tunnel, which serves the client that waits. */
  private void assertServedByAnother(Peer client) throws Exception {
    try (Peer fresh = broker.park()) {
      assertThat(serve(fresh)).endsWith("\r\n\r\n" + BODY);
      assertThat(client.readResponse()).endsWith("/");
    }
  }

  @Test
  void tunnelThatAnswersIsPairedAndNotAByteMoreReachesIt() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      CompletableFuture<String> served = reader(tunnel);
      growSilent();
      assertThat(post(client, "/1").readResponse()).endsWith("/1");
      assertThat(served.get()).startsWith("POST /1 HTTP/1.1\r\n").endsWith("\r\n\r\n" + BODY);
      client.end();
      assertThat(tunnel.readAll()).isEmpty();
      assertOutcome("answered", 2);
      assertThat(broker.broker().metrics().scrape()).contains("\nrendezvous_probe_seconds_count 2");
    }
  }

  @Test
  void tunnelThatDoesNotAnswerIsResetAfterTwoSeconds() throws Exception {
    try (Peer silent = broker.park();
        Peer client = broker.connect()) {
      growSilent();
      long began = System.nanoTime();
      post(client, "/");
      broker.awaitParked(0);
      assertThat(Duration.ofNanos(System.nanoTime() - began))
          .isGreaterThan(Duration.ofMillis(1900));
      assertServedByAnother(client);
      assertThatThrownBy(silent::readAll).isInstanceOf(SocketException.class);
      assertOutcome("silent", 1);
      assertThat(broker.broker().metrics().scrape())
          .contains("rendezvous_ends_total{reason=\"unproven\"} 1.0\n");
    }
  }

  @Test
  void tunnelBehindARelayThatSwallowsIsFoundSilent() throws Exception {
    try (FaultRelay relay = new FaultRelay(broker.port());
        Peer client = broker.connect()) {
      Peer tunnel = broker.park(broker.entry(), Peer.to(relay.port()));
      CompletableFuture<String> reading = reader(tunnel);
      growSilent();
      relay.swallow();
      post(client, "/");
      broker.awaitParked(0);
      assertServedByAnother(client);
      assertThat(reading).isNotDone();
      tunnel.reset();
    }
  }

  @ParameterizedTest
  @EnumSource(MatchTest.Death.class)
  void clientThatLeavesMeanwhileTakesNoTunnel(MatchTest.Death death) throws Exception {
    try (Peer tunnel = broker.park();
        Peer leaves = broker.connect()) {
      growSilent();
      leaves.send(broker.get(broker.entry(), "/gone"));
      awaitProbed(tunnel);
      death.of(leaves);
      broker.awaitWaiting(0); // after a moment, if it ended in order
      assertThat(tunnel.hearsNothing()).isTrue(); // and answers the probe
      Awaitility.await().untilAsserted(() -> assertOutcome("answered", 2));
      broker.awaitParked(1);
    }
  }

  @Test
  void clientThatHasEndedItsStreamIsServed() throws Exception {
    for (int i = 0; i < 5; i++) {
      try (Peer tunnel = broker.park();
          Peer client = broker.connect()) {
        CompletableFuture<String> served = reader(tunnel);
        growSilent();
        post(client, "/all").shutdownOutput();
        assertThat(client.readResponse()).endsWith("/all");
        assertThat(served.get()).endsWith(BODY);
        assertThat(tunnel.in().read()).isEqualTo(-1);
      }
    }
  }

  /** The ways in which a tunnel ends while it is being probed. */
  enum End {
    CLOSED,
    RESET,
    SPOKE;

    void of(Peer tunnel) throws IOException {
      switch (this) {
        case CLOSED -> tunnel.shutdownTcpOutput();
        case RESET -> tunnel.reset();
        case SPOKE -> tunnel.send("x");
      }
    }
  }

  @ParameterizedTest
  @EnumSource(End.class)
  void tunnelThatEndsMeanwhileIsNoticedAtOnce(End end) throws Exception {
    try (Peer ends = broker.park();
        Peer client = broker.connect()) {
      growSilent();
      post(client, "/");
      awaitProbed(ends);
      end.of(ends);
      Awaitility.await().untilAsserted(() -> assertOutcome("ended", 1)); // not silent
      assertServedByAnother(client);
    }
  }

  @Test
  void deletedEntryEndsBoth() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      growSilent();
      post(client, "/");
      awaitProbed(tunnel);
      broker.store().delete(broker.id());
      assertThat(client.readAll()).startsWith("HTTP/1.1 404 ");
      assertThat(tunnel.in().read()).isEqualTo(-1); // in order
    }
  }

  @Test
  void drainEndsBoth() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      growSilent();
      post(client, "/");
      awaitProbed(tunnel);
      broker.broker().drain(Duration.ofMillis(100));
      assertThat(client.readAll()).startsWith("HTTP/1.1 503 ");
      assertThat(tunnel.in().read()).isEqualTo(-1);
    }
  }

  @Test
  void tunnelOverTls12IsTakenWithoutAProbe() throws Exception {
    Peer.Dial tls12 = broker.dial().speaking("TLSv1.2");
    try (Peer tunnel = broker.park(broker.entry(), tls12);
        Peer client = broker.connect()) {
      growSilent();
      assertTakenWithoutAProbe(broker, client, tunnel);
    }
  }

  private static void assertTakenWithoutAProbe(TestBroker of, Peer client, Peer tunnel)
      throws Exception {
    client.send(of.get(of.entry(), "/unasked"));
    Awaitility.await().until(() -> of.broker().paired() == 1); // though nobody reads
    assertThat(serve(tunnel)).startsWith("GET /unasked ");
    assertThat(client.readResponse()).endsWith("/unasked");
  }

  @ParameterizedTest
  @ValueSource(strings = {"probe=0s", "tls.enabled=false"})
  void tunnelIsTakenWithoutAProbeWhereProbesAreOffOrImpossible(String setting) throws Exception {
    String[] keyAndValue = setting.split("=", 2);
    String probe = setting.equals("probe=0s") ? "0s" : PROBE.toMillis() + "ms";
    try (TestBroker other = TestBroker.start("probe", probe, keyAndValue[0], keyAndValue[1]);
        Peer tunnel = other.park();
        Peer client = other.connect()) {
      growSilent();
      assertTakenWithoutAProbe(other, client, tunnel);
    }
  }

  /** The silence begins with the head, not when the entry was found, which may take a while. */
  @Test
  void tunnelWasHeardWhenItsHeadCame() throws Exception {
    HookedStore store = new HookedStore();
    try (TestBroker other =
            TestBroker.startOn(store, new TestBroker.SteppedClock(), "probe", "1s");
        Peer client = other.connect()) {
      answerOnce(other);
      store.hook(id -> pause(Duration.ofMillis(1100)));
      try (Peer silent = other.park()) {
        store.hook(id -> {});
        client.send(other.get(other.entry(), "/"));
        awaitProbed(silent);
        assertThat(other.broker().paired()).isZero();
        CompletableFuture<String> served = reader(silent);
        assertThat(client.readResponse()).endsWith("/");
        assertThat(served.get()).startsWith("GET / ");
      }
    }
  }
}
