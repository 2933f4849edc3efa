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
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Before a client has a tunnel that was silent for long, its hidden server proves that it lives
 * (PROTOCOL 1.3). A peer here does so only while it reads.
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

  /** Lets the broker learn that its hidden server answers, which it is not asked for otherwise. */
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

  /** Waits until what was parked before counts as silent for long. */
  private static void growSilent() {
    pause(PROBE.plusMillis(100));
  }

  /** Waits until tunnels that do not read have questions to answer. */
  private static void awaitAsked(Peer... tunnels) {
    for (Peer tunnel : tunnels) {
      Awaitility.await().until(tunnel::hasUnread);
    }
  }

  private Peer post(Peer client, String path) throws IOException {
    String line = "Content-Length: " + BODY.length() + "\r\n";
    return client.send(broker.request("POST", broker.entry(), path, line) + BODY);
  }

  /** Answers one POST with its path, and returns all that came. */
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

  private static Duration since(long began) {
    return Duration.ofNanos(System.nanoTime() - began);
  }

  @Test
  void tunnelThatAnswersIsPairedAndNotAnOctetMoreReachesIt() throws Exception {
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
  void freshTunnelIsNotAsked() throws Exception {
    try (TestBroker usual = TestBroker.start();
        Peer client = usual.connect()) {
      answerOnce(usual);
      try (Peer tunnel = usual.park()) {
        assertHandedOutUnasked(usual, client, tunnel);
      }
    }
  }

  @Test
  void tunnelThatDoesNotAnswerIsResetAndTheNextOneIsTaken() throws Exception {
    try (Peer alive = broker.park();
        Peer client = broker.connect()) {
      CompletableFuture<String> served = reader(alive);
      pause(Duration.ofMillis(5100)); // so that the other is asked first, whatever its thread
      Peer silent = broker.park();
      growSilent();
      long began = System.nanoTime();
      assertThat(post(client, "/").readResponse()).endsWith("/");
      assertThat(since(began)).isBetween(Duration.ofMillis(1900), Duration.ofMillis(3500));
      assertThat(served.get()).endsWith("\r\n\r\n" + BODY);
      assertThatThrownBy(silent::readAll).isInstanceOf(SocketException.class);
      assertOutcome("silent", 1);
      assertOutcome("answered", 2);
      assertThat(broker.broker().metrics().scrape())
          .contains("rendezvous_ends_total{reason=\"unproven\"} 1.0\n");
    }
  }

  @Test
  void whatIsBehindARelayThatSwallowsIsFoundSilent() throws Exception {
    try (FaultRelay relay = new FaultRelay(broker.port());
        Peer client = broker.connect()) {
      Peer tunnel = broker.park(broker.entry(), Peer.to(relay.port()));
      CompletableFuture<String> reading = reader(tunnel);
      growSilent();
      relay.swallow();
      post(client, "/");
      broker.awaitParked(0);
      try (Peer fresh = broker.park()) {
        assertThat(serve(fresh)).endsWith(BODY);
        assertThat(client.readResponse()).endsWith("/");
      }
      assertThat(reading).isNotDone();
      tunnel.reset();
    }
  }

  @Test
  void freshTunnelIsTakenAtOnceWhileASilentOneIsAsked() throws Exception {
    try (Peer silent = broker.park();
        Peer client = broker.connect()) {
      growSilent();
      post(client, "/");
      awaitAsked(silent);
      long began = System.nanoTime();
      try (Peer fresh = broker.park()) {
        assertThat(serve(fresh)).endsWith(BODY);
        assertThat(since(began)).isLessThan(Duration.ofSeconds(1));
        assertOutcome("silent", 0);
        assertThat(client.readResponse()).endsWith("/");
      }
      Awaitility.await().untilAsserted(() -> assertOutcome("silent", 1));
      assertThatThrownBy(silent::readAll).isInstanceOf(SocketException.class);
    }
  }

  @Test
  void oneSilentTunnelHasAllOthersAskedAndTheClientWaitsNoLongerThanEver() throws Exception {
    for (int i = 0; i < 5; i++) {
      broker.park();
    }
    growSilent();
    try (Peer client = broker.connect()) {
      long began = System.nanoTime();
      post(client, "/");
      broker.awaitParked(0);
      assertThat(since(began)).isBetween(Duration.ofMillis(3900), Duration.ofMillis(4900));
      assertThat(client.readAll()).startsWith("HTTP/1.1 503 ").contains("\r\nRetry-After: 5\r\n");
      assertThat(since(began)).isBetween(Duration.ofMillis(4900), Duration.ofMillis(6000));
    }
    assertOutcome("silent", 5);
  }

  @Test
  void twoClientsHaveTwoTunnelsAskedAtOnce() throws Exception {
    try (Peer first = broker.park();
        Peer second = broker.park();
        Peer one = broker.connect();
        Peer two = broker.connect()) {
      growSilent();
      post(one, "/one");
      post(two, "/two");
      awaitAsked(first, second);
      long began = System.nanoTime();
      List<CompletableFuture<String>> both = List.of(reader(first), reader(second));
      assertThat(one.readResponse()).endsWith("/one");
      assertThat(two.readResponse()).endsWith("/two");
      assertThat(since(began)).isLessThan(Duration.ofSeconds(1));
      for (CompletableFuture<String> served : both) {
        assertThat(served.get()).endsWith(BODY);
      }
      assertOutcome("answered", 3);
    }
  }

  @ParameterizedTest
  @EnumSource(MatchTest.Death.class)
  void clientThatLeavesMeanwhileTakesNoTunnelAndTheTunnelCountsAsHeard(MatchTest.Death death)
      throws Exception {
    try (TestBroker patient = TestBroker.start("probe", "1s")) {
      answerOnce(patient);
      assertLeavingTakesNone(patient, death);
    }
  }

  private static void assertLeavingTakesNone(TestBroker patient, MatchTest.Death death)
      throws Exception {
    try (Peer tunnel = patient.park();
        Peer leaves = patient.connect();
        Peer client = patient.connect()) {
      pause(Duration.ofMillis(1100));
      leaves.send(patient.get(patient.entry(), "/gone"));
      awaitAsked(tunnel);
      death.of(leaves);
      patient.awaitWaiting(0); // one that ends in order may only have said all
      assertThat(tunnel.hearsNothing()).isTrue(); // and answers
      patient.awaitParked(1);
      client.send(patient.get(patient.entry(), "/"));
      Awaitility.await().until(() -> patient.broker().paired() == 1); // before it reads again
      assertThat(serve(tunnel)).startsWith("GET / ");
      assertThat(client.readResponse()).endsWith("/");
    }
  }

  @Test
  void clientThatHasNothingMoreToSayIsServed() throws Exception {
    for (int i = 0; i < 20; i++) {
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

  /** The ways in which a tunnel ends while it is asked. */
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
  void tunnelThatEndsMeanwhileIsFollowedByTheNext(End end) throws Exception {
    try (Peer alive = broker.park();
        Peer client = broker.connect()) {
      CompletableFuture<String> served = reader(alive);
      pause(Duration.ofMillis(5100));
      try (Peer ends = broker.park()) {
        growSilent();
        post(client, "/");
        awaitAsked(ends);
        long began = System.nanoTime();
        end.of(ends);
        assertThat(client.readResponse()).endsWith("/");
        assertThat(since(began)).isLessThan(Duration.ofSeconds(1));
        assertThat(served.get()).endsWith(BODY);
        Awaitility.await().untilAsserted(() -> assertOutcome("ended", 1));
      }
    }
  }

  @Test
  void deletedEntryEndsBoth() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      growSilent();
      post(client, "/");
      awaitAsked(tunnel);
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
      awaitAsked(tunnel);
      broker.broker().drain(Duration.ofMillis(100));
      assertThat(client.readAll()).startsWith("HTTP/1.1 503 ");
      assertThat(tunnel.in().read()).isEqualTo(-1);
    }
  }

  @Test
  void overTls12ATunnelIsHandedOutUnasked() throws Exception {
    Peer.Dial tls12 = broker.dial().speaking("TLSv1.2");
    try (Peer tunnel = broker.park(broker.entry(), tls12);
        Peer client = broker.connect()) {
      growSilent();
      assertHandedOutUnasked(broker, client, tunnel);
    }
  }

  private static void assertHandedOutUnasked(TestBroker of, Peer client, Peer tunnel)
      throws Exception {
    client.send(of.get(of.entry(), "/unasked"));
    Awaitility.await().until(() -> of.broker().paired() == 1); // though nobody reads
    assertThat(serve(tunnel)).startsWith("GET /unasked ");
    assertThat(client.readResponse()).endsWith("/unasked");
  }

  @ParameterizedTest
  @ValueSource(strings = {"probe=0s", "tls.enabled=false"})
  void whereItCannotBeOrIsNotToBeATunnelIsHandedOutUnasked(String setting) throws Exception {
    String[] keyAndValue = setting.split("=", 2);
    String probe = setting.equals("probe=0s") ? "0s" : PROBE.toMillis() + "ms";
    try (TestBroker other = TestBroker.start("probe", probe, keyAndValue[0], keyAndValue[1]);
        Peer tunnel = other.park();
        Peer client = other.connect()) {
      growSilent();
      assertHandedOutUnasked(other, client, tunnel);
    }
  }

  @Test
  void tunnelIsAskedEightTimesAtMost() throws Exception {
    try (Peer tunnel = broker.park();
        Peer last = broker.connect()) {
      for (int i = 0; i < 8; i++) {
        growSilent();
        try (Peer client = broker.connect()) {
          post(client, "/" + i);
          awaitAsked(tunnel);
          client.reset();
          broker.awaitWaiting(0);
          assertThat(tunnel.hearsNothing()).isTrue();
        }
      }
      Awaitility.await().untilAsserted(() -> assertOutcome("answered", 9));
      growSilent();
      assertHandedOutUnasked(broker, last, tunnel);
      assertOutcome("answered", 9);
    }
  }

  @Test
  void clientIsServedThoughNoneMayWait() throws Exception {
    try (TestBroker strict =
            TestBroker.start("probe", PROBE.toMillis() + "ms", "limits.waiting-per-id", "0");
        Peer client = strict.connect();
        Peer tooMany = strict.connect()) {
      answerOnce(strict);
      Peer tunnel = strict.park();
      growSilent();
      client.send(strict.get(strict.entry(), "/"));
      awaitAsked(tunnel);
      assertThat(tooMany.send(strict.get(strict.entry(), "/")).readAll())
          .startsWith("HTTP/1.1 503 ");
      assertThat(serve(tunnel)).startsWith("GET / ");
      assertThat(client.readResponse()).endsWith("/");
    }
  }

  /** TLS may put its answer off until the application next writes (RFC 8446, 4.6.3). */
  @Test
  void hiddenServerThatNeverAnswersIsNotTakenForDead() throws Exception {
    try (TestBroker other = TestBroker.start("probe", PROBE.toMillis() + "ms");
        Peer tunnel = other.park();
        Peer client = other.connect()) {
      Awaitility.await()
          .until(
              () ->
                  other
                      .broker()
                      .metrics()
                      .scrape()
                      .contains("rendezvous_probes_total{outcome=\"deferred\"} 1.0"));
      growSilent();
      assertHandedOutUnasked(other, client, tunnel);
    }
  }

  @Test
  void hiddenServerThatDoesNotBearTheQuestionIsAskedOnce() throws Exception {
    try (TestBroker other = TestBroker.start("probe", PROBE.toMillis() + "ms");
        Peer client = other.connect()) {
      other.park().reset();
      other.awaitParked(0);
      try (Peer tunnel = other.park()) {
        growSilent();
        assertHandedOutUnasked(other, client, tunnel);
      }
    }
  }

  @Test
  void hiddenServerThatAnswersNoMoreIsLearntAnew() throws Exception {
    broker.park();
    growSilent();
    try (Peer client = broker.connect()) {
      post(client, "/");
      broker.awaitParked(0); // as is to be done with one that is dead
      try (Peer second = broker.park()) {
        assertThat(serve(second)).endsWith(BODY);
        assertThat(client.readResponse()).endsWith("/");
      }
    }
    Awaitility.await().until(() -> broker.broker().paired() == 0);
    try (Peer third = broker.park();
        Peer fourth = broker.park()) { // they live, but do not answer
      Awaitility.await().untilAsserted(() -> assertOutcome("deferred", 1));
      Peer fifth = broker.park(); // having answered before, it is tested twice
      Awaitility.await().untilAsserted(() -> assertOutcome("deferred", 2));
      third.reset();
      fourth.reset();
      broker.awaitParked(1);
      growSilent();
      try (Peer client = broker.connect()) {
        assertHandedOutUnasked(broker, client, fifth);
      }
    }
    assertOutcome("silent", 1);
  }

  /** A client that comes within the test may hear of it, but not each time. */
  @Test
  void hiddenServerThatIsTakenWithinItsTestsIsSoonTestedNoMore() throws Exception {
    try (TestBroker other = TestBroker.start("probe", PROBE.toMillis() + "ms")) {
      for (int i = 0; i < 3; i++) {
        try (Peer tunnel = other.park();
            Peer client = other.connect()) {
          assertHandedOutUnasked(other, client, tunnel);
        }
        Awaitility.await().until(() -> other.broker().paired() == 0);
      }
      try (Peer tunnel = other.park()) {
        pause(Duration.ofMillis(2500)); // longer than a test
        assertThat(tunnel.hearsNothing()).isTrue();
      }
      assertThat(other.broker().metrics().scrape())
          .contains("rendezvous_probes_total{outcome=\"answered\"} 0.0\n")
          .contains("rendezvous_probes_total{outcome=\"deferred\"} 0.0\n");
    }
  }

  /** So that the test comes to its end. */
  @Test
  void tunnelUnderTestIsTakenLast() throws Exception {
    try (TestBroker other = TestBroker.start("probe", "10s");
        Peer tested = other.park();
        Peer fresh = other.park();
        Peer client = other.connect()) {
      assertHandedOutUnasked(other, client, fresh);
      assertThat(tested.hearsNothing()).isTrue();
      other.awaitParked(1);
      Awaitility.await()
          .until(() -> other.broker().metrics().scrape().contains("{outcome=\"answered\"} 1.0"));
    }
  }

  /** Not when its entry was found, which may take a while. */
  @Test
  void tunnelWasHeardWhenItsHeadCame() throws Exception {
    HookedStore store = new HookedStore();
    try (TestBroker other =
            TestBroker.startOn(store, new TestBroker.SteppedClock(), "probe", "1s");
        Peer client = other.connect()) {
      answerOnce(other);
      store.hook(id -> pause(Duration.ofMillis(1500)));
      try (Peer silent = other.park()) {
        store.hook(id -> {});
        client.send(other.get(other.entry(), "/"));
        awaitAsked(silent);
        assertThat(other.broker().paired()).isZero();
        CompletableFuture<String> served = reader(silent);
        assertThat(client.readResponse()).endsWith("/");
        assertThat(served.get()).startsWith("GET / ");
      }
    }
  }

  /** The questions fit into the time that a client waits, however short that is. */
  @Test
  void clientOfLittlePatienceHasTheNextTunnelToo() throws Exception {
    try (TestBroker hasty = TestBroker.start("probe", PROBE.toMillis() + "ms", "wait", "1s")) {
      answerOnce(hasty);
      try (Peer alive = hasty.park();
          Peer client = hasty.connect()) {
        CompletableFuture<String> served = reader(alive);
        pause(Duration.ofMillis(5100)); // so that the other is asked first, whatever its thread
        hasty.park(); // never answers
        growSilent();
        client.send(hasty.request("POST", hasty.entry(), "/", "Content-Length: 4\r\n") + "body");
        assertThat(client.readResponse()).endsWith("/");
        assertThat(served.get()).endsWith("body");
      }
    }
  }
}
