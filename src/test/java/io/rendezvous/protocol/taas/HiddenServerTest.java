package io.rendezvous.protocol.taas;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.testing.FreePort;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A hidden server registers on the registrar's host name, and parks (protocol.md, 3). */
class HiddenServerTest {
  private static final Pattern CHALLENGE =
      Pattern.compile(
          "\r\nWWW-Authenticate: TOTP realm=\"taas\", qop=\"auth, auth-int\","
              + " nonce=\"([0-9a-f]{32})\", opaque=\"([0-9a-f]{32})\"\r\n");

  private TaasBroker taas;

  @BeforeEach
  void start() throws Exception {
    taas = new TaasBroker();
  }

  @AfterEach
  void stop() throws Exception {
    taas.close();
  }

  private String answer(String head) throws IOException {
    return taas.answer(head, taas.broker().dial());
  }

  private static boolean isClosed(int port) throws IOException {
    try (Peer peer = Peer.to(port).plain()) {
      return peer.in().read() == -1;
    } catch (IOException e) {
      return true;
    }
  }

  private boolean isOnline() {
    return taas.broker().broker().connected().counts(taas.entry().id()).isOnline();
  }

  @ParameterizedTest
  @CsvSource({"PUT, /register/home", "GET, /pairings/home", "DELETE, /", "POST, /x?y"})
  void authenticationComesFirst(String method, String path) throws Exception {
    String asked = TaasBroker.head(method, path, "");
    try (Peer peer = taas.broker().connect()) {
      Matcher first = CHALLENGE.matcher(peer.send(asked).readResponse());
      Matcher second = CHALLENGE.matcher(peer.send(asked).readResponse()); // and it is kept
      assertThat(first.find() && second.find()).isTrue();
      assertThat(first.group(1)).isNotEqualTo(second.group(1));
      assertThat(first.group(2)).isEqualTo(second.group(2));
    }
  }

  @Test
  void challengedServerMayRegisterOnTheSameConnection() throws Exception {
    try (Peer peer = taas.broker().connect()) {
      peer.send(TaasBroker.head("PUT", "/register/home", ""));
      assertThat(peer.readResponse()).startsWith("HTTP/1.1 401 Unauthorized\r\n");
      peer.send(TaasBroker.head("PUT", "/register/home", taas.authorization(taas.entry())));
      assertThat(peer.readAll()).startsWith("HTTP/1.1 200 OK\r\n");
    }
  }

  @Test
  void answerIsAnAddressAndAPort() throws Exception {
    String answer = taas.ask(taas.entry(), "PUT", "/register/home");
    assertThat(answer)
        .startsWith("HTTP/1.1 200 OK\r\n")
        .contains("\r\nContent-Type: text/plain\r\n")
        .contains("\r\nContent-Length: 15\r\n")
        .contains("\r\nConnection: close\r\n")
        .containsPattern("\r\n\r\n127\\.0\\.0\\.1:\\d{5}$");
  }

  @Test
  void addressMayBeSet() throws Exception {
    try (TaasBroker natted = new TaasBroker("taas.address", "192.0.2.7")) {
      assertThat(natted.ask(natted.entry(), "PUT", "/register/home"))
          .containsPattern("\r\n\r\n192\\.0\\.2\\.7:\\d{5}$");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/register/HOME", "/register/%68ome", "/register/home?x=y"})
  void labelIsDecodedLikeAnyPath(String path) throws Exception {
    assertThat(taas.ask(taas.entry(), "PUT", path)).startsWith("HTTP/1.1 200 ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "TOTP",
        "TOTP username=\"2f402f80-da50-11e1-9b23-0123456789ab\"",
        "TOTP response=\"123456\"",
        "TOTP username=\"home\", response=\"123456\"",
        "TOTP username=\"2f402f80-da50-11e1-9b23-0123456789ab, response=123456",
        "TOTP username=\"2f402f80-da50-11e1-9b23-0123456789ab\" response=\"123456\"",
        "TOTP username=\"2f402f80-da50-11e1-9b23-0123456789ab\", response=\"123456\"",
        "Digest username=\"2f402f80-da50-11e1-9b23-0123456789ab\", response=\"123456\"",
        "Basic eDp5"
      })
  void malformedOrWrongCredentialsAre400(String authorization) throws Exception {
    String head =
        TaasBroker.head("PUT", "/register/home", "Authorization: " + authorization + "\r\n");
    assertThat(answer(head)).startsWith("HTTP/1.1 400 Bad Request\r\n").contains("\"error\"");
  }

  @Test
  void wrongTokenIs400AndTooManyAre429() throws Exception {
    String right = taas.authorization(taas.entry());
    String wrong = right.replaceFirst("response=\"\\d+\"", "response=\"12345x\"");
    String head = TaasBroker.head("PUT", "/register/home", wrong);
    for (int i = 0; i < 10; i++) {
      assertThat(answer(head)).startsWith("HTTP/1.1 400 ");
    }
    assertThat(answer(head)).startsWith("HTTP/1.1 429 ").contains("\r\nRetry-After: ");
  }

  @Test
  void tokenIsWorthlessElsewhere() throws Exception {
    String head = TaasBroker.head("PUT", "/register/home", taas.authorization(taas.entry()));
    assertThat(answer(head)).startsWith("HTTP/1.1 200 ");
    assertThat(taas.answer(head, taas.broker().dial().from("127.0.0.9")))
        .startsWith("HTTP/1.1 400 ");
  }

  @ParameterizedTest
  @CsvSource({
    "PUT, /register/elsewhere",
    "PUT, /register/",
    "PUT, /register/%zz",
    "PUT, /pairings/home",
    "PUT, /",
    "GET, /register/home",
    "GET, /pairings/elsewhere",
    "GET, /"
  })
  void unknownPathOrLabelIs404(String method, String path) throws Exception {
    taas.broker().addLabelled("elsewhere");
    assertThat(taas.ask(taas.entry(), method, path)).startsWith("HTTP/1.1 404 Not Found\r\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "DELETE", "HEAD", "OPTIONS"})
  void anotherMethodIs405(String method) throws Exception {
    assertThat(taas.ask(taas.entry(), method, "/register/home"))
        .startsWith("HTTP/1.1 405 Method Not Allowed\r\n")
        .contains("\r\nAllow: GET, PUT\r\n");
  }

  @Test
  void labelOfTwoEntriesBelongsToTheFirstCreated() throws Exception {
    Entry late = Entry.create(UUID.randomUUID(), List.of("two"), 8, Instant.now(), List.of());
    Entry early = Entry.create(UUID.randomUUID(), List.of("two"), 8, Instant.EPOCH, List.of());
    taas.broker().putEntry(late);
    taas.broker().putEntry(early);
    assertThat(taas.ask(late, "PUT", "/register/two")).startsWith("HTTP/1.1 404 ");
    assertThat(taas.ask(early, "PUT", "/register/two")).startsWith("HTTP/1.1 200 ");
  }

  @Test
  void unavailableStoreIs503() throws Exception {
    taas.broker().loseStore();
    assertThat(taas.ask(taas.entry(), "PUT", "/register/home"))
        .startsWith("HTTP/1.1 503 ")
        .contains("\r\nRetry-After: ");
  }

  @Test
  void strangersAreClosedAndUseNothingUp() throws Exception {
    int port = taas.register(taas.entry(), "home");
    for (int i = 2; i < 12; i++) {
      try (Peer stranger = Peer.to(port).from("127.0.0." + i).plain()) {
        assertThat(stranger.in().read()).isEqualTo(-1);
      }
    }
    assertThat(taas.broker().broker().connected().totals().parked()).isZero();
    try (Peer parked = Peer.to(port).plain()) {
      taas.broker().awaitParked(1);
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void oneConnectionIsAcceptedAndThePortGivenBack() throws Exception {
    int port = taas.register(taas.entry(), "home");
    try (Peer parked = Peer.to(port).plain()) {
      taas.broker().awaitParked(1);
      taas.awaitPorts(0);
      assertThat(isClosed(port)).isTrue();
      assertThat(parked.hearsNothing()).isTrue();
    }
    taas.broker().awaitParked(0);
  }

  @Test
  void portIsGivenBackWithoutAConnection() throws Exception {
    long before = System.nanoTime();
    int port = taas.register(taas.entry(), "home");
    taas.after(before, Duration.ofSeconds(29));
    assertThat(taas.broker().broker().portsInUse()).isEqualTo(1);
    taas.after(Duration.ofSeconds(30));
    taas.awaitPorts(0);
    assertThat(isClosed(port)).isTrue();
  }

  @Test
  void hiddenServerThatSendsBeforeARequestIsClosed() throws Exception {
    try (Peer parked = taas.park()) {
      parked.send("hello");
      assertThat(Octets.untilItBreaks(parked.in())).isEmpty();
    }
    taas.broker().awaitParked(0);
  }

  @Test
  void oldestMakesRoom() throws Exception {
    try (TaasBroker small = new TaasBroker("tunnels-per-id", "2");
        Peer first = small.park(small.entry(), "home");
        Peer second = small.park(small.entry(), "office")) {
      int port = small.register(small.entry(), "home");
      try (Peer third = Peer.to(port).plain()) {
        assertThat(first.in().read()).isEqualTo(-1);
        assertThat(second.hearsNothing()).isTrue();
        assertThat(third.hearsNothing()).isTrue();
      }
    }
  }

  @Test
  void oldestPortMakesRoom() throws Exception {
    try (TaasBroker small = new TaasBroker("tunnels-per-id", "2")) {
      int first = small.register(small.entry(), "home");
      int second = small.register(small.entry(), "home");
      int third = small.register(small.entry(), "home");
      assertThat(isClosed(first)).isTrue();
      try (Peer one = Peer.to(second).plain();
          Peer other = Peer.to(third).plain()) {
        small.broker().awaitParked(2);
        assertThat(one.hearsNothing() && other.hearsNothing()).isTrue();
      }
    }
  }

  @Test
  void noPortLeftIs503() throws Exception {
    try (ServerSocket taken = new ServerSocket(FreePort.find());
        TaasBroker none =
            new TaasBroker("taas.ports", taken.getLocalPort() + "-" + taken.getLocalPort())) {
      assertThat(none.ask(none.entry(), "PUT", "/register/home"))
          .startsWith("HTTP/1.1 503 ")
          .contains("\r\nRetry-After: ");
    }
  }

  @Test
  void occupiedPortIsSkipped() throws Exception {
    String range = FreePort.range(2);
    int first = Integer.parseInt(range.substring(0, range.indexOf('-')));
    try (ServerSocket taken = new ServerSocket(first);
        TaasBroker two = new TaasBroker("taas.ports", range)) {
      assertThat(taken.isBound()).isTrue();
      assertThat(two.register(two.entry(), "home")).isEqualTo(first + 1);
      assertThat(two.ask(two.entry(), "PUT", "/register/home")).startsWith("HTTP/1.1 503 ");
    }
  }

  @Test
  void parkedConnectionMakesAHiddenServerOnline() throws Exception {
    try (Peer parked = taas.park()) {
      assertThat(isOnline()).isTrue();
      parked.end();
      Awaitility.await().until(() -> !isOnline());
    }
  }
}
