package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.testing.HookedStore;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Locale;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A hidden server parks a tunnel, or is refused (protocol.md, 1.1). Which heads are malformed is
 * tested in {@code io.rendezvous.http}.
 */
class ParkingTest {
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
  void rightTokenParks() throws Exception {
    try (Peer tunnel = broker.connect()) {
      tunnel.send(broker.connectHead(broker.entry()));
      assertThat(tunnel.readHead())
          .matches("HTTP/1\\.1 200 OK\r\nDate: \\w{3}, \\d\\d .* GMT\r\n\r\n");
      broker.awaitParked(1);
    }
  }

  @Test
  void uuidIsComparedWhateverItsCase() throws Exception {
    try (Peer tunnel = broker.connect()) {
      tunnel.send(broker.connectHead(broker.entry()).replace(id(), id().toUpperCase(Locale.ROOT)));
      assertThat(tunnel.readHead()).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void hostAndFurtherParametersAreNoTrouble() throws Exception {
    String head =
        "CONNECT uuid:" + id() + "?a=b&response=" + token() + "&c HTTP/1.1\r\nHost: x:1\r\n\r\n";
    try (Peer tunnel = broker.connect()) {
      assertThat(tunnel.send(head).readHead()).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void headMayComeOctetByOctet() throws Exception {
    String head = broker.connectHead(broker.entry());
    try (Peer tunnel = broker.connect()) {
      for (int at = 0; at < head.length(); at++) {
        tunnel.send(head.substring(at, at + 1));
      }
      assertThat(tunnel.readHead()).startsWith("HTTP/1.1 200 ");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "400 true  | CONNECT uuid:ID?response=TOKEN HTTP/1.0",
        "403 true  | CONNECT example.com:443 HTTP/1.1",
        "403 true  | CONNECT 127.0.0.1:6379 HTTP/1.1",
        "403 true  | CONNECT [::1]:22 HTTP/1.1",
        "403 true  | CONNECT http://example.com/ HTTP/1.1",
        "403 true  | CONNECT /uuid:ID?response=TOKEN HTTP/1.1",
        "400 true  | CONNECT uuid: HTTP/1.1",
        "400 true  | CONNECT uuid:*?response=TOKEN HTTP/1.1",
        "400 true  | CONNECT uuid:ID%0d%0aX?response=TOKEN HTTP/1.1",
        "400 true  | CONNECT uuid:{ID}?response=TOKEN HTTP/1.1",
        "400 true  | CONNECT uuid:2f402f80da5011e19b230123456789ab?response=TOKEN HTTP/1.1",
        "407 true  | CONNECT uuid:ID HTTP/1.1",
        "407 true  | CONNECT uuid:ID?response= HTTP/1.1",
        "407 true  | CONNECT uuid:ID?other=TOKEN HTTP/1.1",
        "401 false | CONNECT uuid:00000000-0000-0000-0000-000000000000?response=TOKEN HTTP/1.1",
        "401 false | CONNECT uuid:ID?response=000000x HTTP/1.1",
        "401 false | CONNECT uuid:ID?response=00000 HTTP/1.1",
        "401 false | CONNECT uuid:ID?response=00000000000 HTTP/1.1",
        "401 false | CONNECT uuid:ID?response=%30 HTTP/1.1",
      })
  void refusalsHaveTheirStatusAndSayWhetherTheyLast(String expected, String head) throws Exception {
    String sent = head.replace("ID", id()).replace("TOKEN", token()).replace("~", "\r\n");
    String status = expected.substring(0, 3);
    boolean permanent = expected.contains("true");
    assertRefused(sent + "\r\n\r\n", status, permanent);
    assertThat(broker.broker().connected().totals().parked()).isZero();
  }

  private String assertRefused(String sent, String status, boolean permanent) throws IOException {
    try (Peer tunnel = broker.connect()) {
      return assertRefused(tunnel.send(sent), status, permanent);
    }
  }

  private static String assertRefused(Peer tunnel, String status, boolean permanent)
      throws IOException {
    String answer = tunnel.readAll(); // it arrives whole, and the connection ends
    String head = answer.substring(0, answer.indexOf("\r\n\r\n") + 4);
    String body = answer.substring(head.length());
    assertThat(head)
        .startsWith("HTTP/1.1 " + status + " ")
        .contains("\r\nDate: ")
        .contains("\r\nContent-Type: application/json\r\n")
        .contains("\r\nContent-Length: " + body.length() + "\r\n")
        .contains("\r\nConnection: close\r\n")
        .doesNotContain("WWW-Authenticate");
    assertThat(body.strip())
        .matches("\\{\"error\":\\{\"permanent\":" + permanent + ",\"diagnostic\":\"[^\"]+\"}}");
    return head;
  }

  @Test
  void whatCannotBecomeAHeadIsRefusedAtOnce() throws Exception {
    assertRefused("CONNECT \0", "400", true);
  }

  @Test
  void headThatIsTooLongIsRefused() throws Exception {
    String start = "CONNECT uuid:" + id() + "?response=" + token() + " HTTP/1.1\r\nX: ";
    String longest = start + "x".repeat(8192 - start.length() - 4) + "\r\n\r\n";
    try (Peer tunnel = broker.connect()) {
      assertThat(tunnel.send(longest).readHead()).startsWith("HTTP/1.1 200 ");
    }
    assertRefused(start + "x".repeat(8192 - start.length() - 3) + "\r\n\r\n", "431", true);
    assertRefused(start + "x".repeat(1_000_000), "431", true); // and nothing is reset
  }

  @Test
  void headOfTooManyLinesIsRefused() throws Exception {
    String start = "CONNECT uuid:" + id() + "?response=" + token() + " HTTP/1.1\r\n";
    try (Peer tunnel = broker.connect()) {
      tunnel.send(start + "a:\r\n".repeat(128) + "\r\n");
      assertThat(tunnel.readHead()).startsWith("HTTP/1.1 200 ");
    }
    assertRefused(start + "a:\r\n".repeat(129) + "\r\n", "431", true);
  }

  @Test
  void emptyLineBeforeTheRequestIsSkipped() throws Exception {
    try (Peer tunnel = broker.connect()) {
      tunnel.send("\r").send("\n").send(broker.connectHead(broker.entry()));
      assertThat(tunnel.readHead()).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void headThatIsTooSlowIsRefused() throws Exception {
    try (Peer tunnel = broker.connect()) {
      tunnel.send("CONNECT uuid:");
      long began = System.nanoTime();
      assertRefused(tunnel, "408", true);
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThan(Duration.ofSeconds(8));
    }
  }

  @Test
  void octetsBehindTheHeadAreRefused() throws Exception {
    assertRefused(broker.connectHead(broker.entry()) + "GET", "409", false);
  }

  @Test
  void unknownUuidAndWrongTokenAreToldTheSame() throws Exception {
    String unknown =
        assertRefused(
            "CONNECT uuid:" + UUID.randomUUID() + "?response=123456 HTTP/1.1\r\n\r\n",
            "401",
            false);
    String wrong =
        assertRefused(
            "CONNECT uuid:" + id() + "?response=" + wrong() + " HTTP/1.1\r\n\r\n", "401", false);
    assertThat(wrong.replaceAll("Date: .*", "")).isEqualTo(unknown.replaceAll("Date: .*", ""));
  }

  /** Hidden servers of 2013 read the 200 and the request in one piece, and lose the request. */
  @Test
  void requestForAnOldHiddenServerDoesNotFollowItsAnswerAtOnce() throws Exception {
    Entry entry = broker.addOldEntry();
    try (Peer first = broker.park(entry);
        Peer taking = broker.connect();
        Peer waiting = broker.connect();
        Peer old = broker.connect()) {
      taking.send(broker.get(entry, "/taken"));
      first.readHead();
      waiting.send(broker.get(entry, "/waiting"));
      broker.awaitWaiting(1);
      long asked = System.nanoTime();
      old.send(broker.connectHead(entry));
      assertThat(old.readHead()).startsWith("HTTP/1.1 200 ");
      assertThat(old.readHead()).startsWith("GET /waiting ");
      assertThat(Duration.ofNanos(System.nanoTime() - asked)).isGreaterThan(Duration.ofMillis(25));
    }
  }

  /** A neighbour of a hidden server guesses; the hidden server comes back all the same. */
  @Test
  void tokenFromAKnownSourceIsCheckedAfterAWrongOneThoughLater() throws Exception {
    try (Peer known = broker.park();
        Peer neighbour = broker.connect();
        Peer again = broker.connect()) {
      neighbour.send("CONNECT uuid:" + id() + "?response=" + wrong() + " HTTP/1.1\r\n\r\n");
      assertThat(neighbour.readHead()).startsWith("HTTP/1.1 401 ");
      again.send(broker.connectHead(broker.entry()));
      assertThat(again.readHead()).startsWith("HTTP/1.1 200 ");
      assertParked(known);
    }
  }

  private String wrong() {
    String right = token();
    return (right.charAt(0) == '9' ? "0" : "9") + right.substring(1);
  }

  @Test
  void openProxyIsOpenedByNobody() throws Exception {
    try (ServerSocket victim = new ServerSocket(0)) {
      String target = "127.0.0.1:" + victim.getLocalPort();
      assertRefused("CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n", "403", true);
      try (Peer client = broker.connect()) {
        client.send("GET http://" + target + "/ HTTP/1.1\r\nHost: " + target + "\r\n\r\n");
        assertThat(client.readHead()).startsWith("HTTP/1.1 401 ");
      }
      victim.setSoTimeout(300);
      assertThat(catchTimeout(victim)).isTrue();
    }
  }

  private static boolean catchTimeout(ServerSocket victim) throws IOException {
    try {
      victim.accept().close();
      return false;
    } catch (SocketTimeoutException e) {
      return true;
    }
  }

  @Test
  void endOfAParkedTunnelIsNoticedAtOnce() throws Exception {
    Peer closed = broker.park();
    Peer cut = broker.park();
    Peer reset = broker.park();
    Peer speaks = broker.park();
    broker.awaitParked(4);
    closed.end();
    broker.awaitParked(3);
    cut.cut();
    broker.awaitParked(2);
    reset.reset();
    broker.awaitParked(1);
    speaks.send("x");
    broker.awaitParked(0);
    assertThat(speaks.in().read()).isEqualTo(-1);
  }

  @Test
  void beyondTheLimitTheOldestOfTheSameSourceMakesRoomElseTheOldest() throws Exception {
    try (TestBroker small = TestBroker.start("tunnels-per-id", "3");
        Peer oldest = small.park()) {
      // A token belongs to the source that used it first, so others come a step later.
      small.clock().step(Duration.ofSeconds(30));
      try (Peer second = small.park(small.entry(), small.dial().from("127.0.0.2"));
          Peer third = small.park(small.entry(), small.dial().from("127.0.0.2"));
          Peer fourth = small.park(small.entry(), small.dial().from("127.0.0.2"))) {
        assertThat(second.in().read()).isEqualTo(-1);
        small.awaitParked(3);
        small.clock().step(Duration.ofSeconds(30));
        try (Peer fifth = small.park(small.entry(), small.dial().from("127.0.0.3"))) {
          assertThat(oldest.in().read()).isEqualTo(-1);
          small.awaitParked(3);
          assertParked(third, fourth, fifth);
        }
      }
    }
  }

  private static void assertParked(Peer... tunnels) throws IOException {
    for (Peer tunnel : tunnels) {
      assertThat(tunnel.hearsNothing()).isTrue();
    }
  }

  @Test
  void oldTunnelsAreRetiredButNotTheLastOne() throws Exception {
    try (TestBroker hasty = TestBroker.start("tunnel-age", "400ms");
        Peer first = hasty.park();
        Peer second = hasty.park()) {
      assertThat(first.in().read()).isEqualTo(-1); // in order
      hasty.awaitParked(1);
      for (int i = 0; i < 10; i++) {
        assertThat(second.hearsNothing()).isTrue(); // though it is older than that by now
      }
      try (Peer third = hasty.park()) {
        assertThat(second.in().read()).isEqualTo(-1);
        hasty.awaitParked(1);
        assertThat(third.hearsNothing()).isTrue();
      }
    }
  }

  @Test
  void fullBrokerRefusesFurtherTunnels() throws Exception {
    try (TestBroker small = TestBroker.start("limits.parked", "2");
        Peer first = small.park();
        Peer second = small.park();
        Peer third = small.connect()) {
      small.awaitParked(2);
      third.send(small.connectHead(small.entry()));
      assertThat(assertRefused(third, "503", false)).contains("\r\nRetry-After: ");
      assertParked(first, second);
    }
  }

  @Test
  void deletedEntryEndsItsTunnelsParkedAndPaired() throws Exception {
    Entry other = broker.addEntry();
    try (Peer paired = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      paired.readHead();
      paired.send("x");
      client.read(1);
      try (Peer parked = broker.park();
          Peer others = broker.park(other)) {
        broker.awaitParked(2);
        broker.store().delete(broker.id());
        assertThat(parked.in().read()).isEqualTo(-1);
        Awaitility.await().until(() -> broker.broker().paired() == 0);
        broker.awaitParked(1);
        assertParked(others);
      }
      try (Peer late = broker.connect()) {
        late.send(broker.connectHead(broker.entry()));
        assertThat(late.readHead()).startsWith("HTTP/1.1 401 ");
      }
    }
  }

  private String id() {
    return broker.id().toString();
  }

  private String token() {
    return broker.token(broker.entry());
  }

  @Test
  void entryThatIsDeletedWhileItsTokenIsCheckedHasNoTunnel() throws Exception {
    HookedStore store = new HookedStore();
    try (TestBroker other = TestBroker.startOn(store, new TestBroker.SteppedClock())) {
      store.hook(store::delete);
      try (Peer tunnel = other.connect()) {
        tunnel.send(other.connectHead(other.entry())).readHead();
        assertThat(tunnel.in().read()).isEqualTo(-1);
      }
      assertThat(other.broker().connected().totals().parked()).isZero();
      store.hook(id -> {});
      store.create(other.entry());
      try (Peer tunnel = other.park()) {
        other.awaitParked(1);
        assertThat(tunnel.hearsNothing()).isTrue();
      }
    }
  }
}
