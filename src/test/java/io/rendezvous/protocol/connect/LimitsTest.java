package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.Broker;
import io.rendezvous.entry.Entry;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Strangers take neither the place of tunnels and clients, nor all places. */
class LimitsTest {
  private static final String ASK = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  private static final String ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

  private final List<Peer> open = new ArrayList<>();

  @AfterEach
  void end() throws IOException {
    for (Peer peer : open) {
      peer.end();
    }
  }

  private Peer keep(Peer peer) {
    open.add(peer);
    return peer;
  }

  private static boolean isClosed(Peer peer) {
    return Octets.untilItBreaks(peer.in()).isEmpty();
  }

  private static void assertIsChallenged(Peer peer) throws IOException {
    assertThat(peer.send(ASK).readResponse()).startsWith("HTTP/1.1 401 ");
  }

  private static void assertIsServed(TestBroker broker, Peer client, Peer tunnel)
      throws IOException {
    client.send(broker.get(broker.entry(), "/"));
    assertThat(tunnel.readHead()).startsWith("GET / ");
    tunnel.send(ANSWER);
    assertThat(client.readResponse()).isEqualTo(ANSWER);
  }

  private static void awaitConnections(Broker broker, int count) {
    Awaitility.await().until(() -> broker.connections() == count);
  }

  @Test
  void oldestStrangerOfASourceMakesRoomForTheNext() throws Exception {
    try (TestBroker broker = TestBroker.start("limits.per-source", "2")) {
      Peer first = keep(broker.connect());
      Peer second = keep(broker.connect());
      assertIsChallenged(first);
      Peer third = keep(broker.connect());
      assertThat(isClosed(first)).isTrue();
      assertIsChallenged(second);
      assertIsChallenged(third);
      assertIsChallenged(keep(broker.connect(broker.dial().from("127.0.0.9"))));
      assertIsChallenged(second);
    }
  }

  @Test
  void fleetBehindOneAddressIsParked() throws Exception {
    try (TestBroker broker = TestBroker.start("tls.enabled", "false")) {
      Entry entry = broker.entry();
      for (int i = 0; i < 300; i++) {
        entry = i % 50 == 0 ? broker.addEntry() : entry;
        keep(broker.park(entry));
      }
      broker.awaitParked(300);
      assertThat(broker.broker().connections()).isEqualTo(300);
    }
  }

  @Test
  void neighboursOfAHiddenServerDoNotTakeItOffline() throws Exception {
    try (TestBroker broker = TestBroker.start("limits.per-source", "4")) {
      Peer first = keep(broker.park());
      Peer paired = keep(broker.connect());
      assertIsServed(broker, paired, first);
      Peer second = keep(broker.park());
      for (int i = 0; i < 20; i++) {
        keep(broker.connectCounted(broker.dial()));
      }
      assertIsServed(broker, keep(broker.connect(broker.dial().from("127.0.0.9"))), second);
      Peer third = keep(broker.park());
      assertIsServed(broker, keep(broker.connect()), third);
      first.send("more");
      assertThat(paired.read(4)).isEqualTo("more");
    }
  }

  @Test
  void strangersOfManySourcesDoNotTakeAllPlaces() throws Exception {
    try (TestBroker broker = TestBroker.start("limits.connections", "20")) {
      Peer early = keep(broker.park());
      List<Peer> strangers = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        Peer stranger = keep(broker.connect(broker.dial().from("127.0.1." + (1 + i))));
        assertIsChallenged(stranger);
        strangers.add(stranger);
      }
      awaitConnections(broker.broker(), 16);
      assertThat(isClosed(strangers.get(0))).isTrue();
      assertIsChallenged(strangers.get(39));
      assertIsServed(broker, keep(broker.connect()), early);
      Peer late = keep(broker.park());
      assertIsServed(broker, keep(broker.connect()), late);
      awaitConnections(broker.broker(), 16);
    }
  }

  @Test
  void tunnelsThatTakeAllPlacesStayAndTheNextConnectionIsRefused() throws Exception {
    try (TestBroker broker = TestBroker.start("limits.connections", "5")) {
      for (int i = 0; i < 5; i++) {
        keep(broker.park());
      }
      assertThat(isClosed(broker.dial().plain())).isTrue();
      broker.awaitParked(5);
      open.get(4).end();
      broker.awaitParked(4);
      awaitConnections(broker.broker(), 4);
      Peer stranger = keep(broker.connect(broker.dial().from("127.0.0.9")));
      assertIsChallenged(stranger);
      Peer client = keep(broker.connect());
      assertThat(isClosed(stranger)).isTrue();
      client.send(broker.get(broker.entry(), "/"));
      Awaitility.await().until(() -> broker.broker().paired() == 1);
    }
  }

  @Test
  void clientThatMakesRoomWaitsNoLonger() throws Exception {
    try (TestBroker broker = TestBroker.start("limits.per-source", "1", "wait", "1m")) {
      keep(broker.park()).end();
      broker.awaitParked(0);
      Peer waits = keep(broker.connect());
      waits.send(broker.get(broker.entry(), "/"));
      broker.awaitWaiting(1);
      keep(broker.connectCounted(broker.dial()));
      assertThat(isClosed(waits)).isTrue();
      broker.awaitWaiting(0);
      Peer tunnel = keep(broker.park());
      assertIsServed(broker, keep(broker.connect(broker.dial().from("127.0.0.9"))), tunnel);
    }
  }

  @Test
  void twentiethChallengeIsTheLast() throws Exception {
    try (TestBroker broker = TestBroker.start()) {
      Peer client = keep(broker.connect());
      for (int i = 1; i < 20; i++) {
        assertThat(client.send(ASK).readResponse())
            .startsWith("HTTP/1.1 401 ")
            .doesNotContain("Connection: close");
      }
      assertThat(client.send(ASK).readResponse())
          .startsWith("HTTP/1.1 401 ")
          .contains("\r\nConnection: close\r\n")
          .contains("\r\nWWW-Authenticate: Digest ");
      assertThat(isClosed(client)).isTrue();
    }
  }
}
