package io.rendezvous.protocol.registrar;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import io.rendezvous.testing.AdminClient;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Both sides show their cookies on the TCP port (protocol.md, 2). */
class CookieConnectionTest {
  private static final String INVALID = "-ERR invalid cookie\n";
  private static final String NOT_READY = "-ERR not ready\n";
  private static final String NOT_REGISTERED = "-ERR not registered\n";

  private OldBroker old;

  @BeforeEach
  void start() throws Exception {
    old = OldBroker.start();
  }

  @AfterEach
  void stop() throws Exception {
    old.close();
  }

  private String answerTo(String sent) throws IOException {
    try (Peer peer = old.line(sent)) {
      return peer.readAll();
    }
  }

  @Test
  void bothAreToldWhenTheyAreJoined() throws Exception {
    try (Peer hidden = old.park(old.register())) {
      assertThat(hidden.hearsNothing()).isTrue();
      try (Peer client = old.line(old.find() + "\n")) {
        assertThat(client.read(4)).isEqualTo("+OK\n");
        assertThat(hidden.read(4)).isEqualTo("+OK\n");
        client.send("ping");
        assertThat(hidden.read(4)).isEqualTo("ping");
        hidden.send("pong");
        assertThat(client.read(4)).isEqualTo("pong");
      }
      assertThat(hidden.readAll()).isEmpty();
    }
  }

  @Test
  void hiddenServerMaySendFirst() throws Exception {
    try (Peer hidden = old.park(old.register());
        Peer client = old.line(old.find() + "\n")) {
      assertThat(hidden.read(4)).isEqualTo("+OK\n");
      hidden.send("220 hello\r\n");
      assertThat(client.read(15)).isEqualTo("+OK\n220 hello\r\n");
    }
  }

  @Test
  void bytesAfterTheClientsLineReachTheHiddenServer() throws Exception {
    String much = "x".repeat(300_000);
    for (String more : List.of("\n", "hello", "hello\nR\nI\n", "\0\r\n", much)) {
      try (Peer hidden = old.park(old.register());
          Peer client = old.line(old.find() + "\n" + more).shutdownOutput()) {
        assertThat(hidden.readAll()).isEqualTo("+OK\n" + more);
        hidden.end();
        assertThat(client.readAll()).isEqualTo("+OK\n");
      }
    }
  }

  @Test
  void lineIsUnderstoodHoweverItIsSplit() throws Exception {
    String hiddenLine = old.register() + "\n";
    String clientLine = old.find() + "\nhello";
    try (Peer hidden = old.line("")) {
      for (int at = 0; at < hiddenLine.length(); at++) {
        hidden.send(hiddenLine.substring(at, at + 1));
      }
      old.broker().awaitParked(1);
      try (Peer client = old.line("")) {
        for (int at = 0; at < clientLine.length(); at++) {
          client.send(clientLine.substring(at, at + 1));
        }
        assertThat(hidden.read(9)).isEqualTo("+OK\nhello");
        assertThat(client.read(4)).isEqualTo("+OK\n");
      }
    }
  }

  @Test
  void clientIsRefusedWhileNothingIsParked() throws Exception {
    old.register();
    assertThat(answerTo(old.find() + "\n")).isEqualTo(NOT_READY);
    assertThat(answerTo(old.find() + "\nGET / HTTP/1.1\r\n\r\n")).isEqualTo(NOT_READY);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\n",
        "\r\n",
        "hello\n",
        "r\n",
        " I\n",
        "CONNECT uuid:x HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\n",
        "00000000-0000-4000-8000-000000000000\n",
        "\0\0\0\n",
        "\u00e9\n"
      })
  void lineThatIsNoCookieIsInvalid(String sent) throws Exception {
    assertThat(answerTo(sent)).isEqualTo(INVALID);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "R\n",
        "I\n",
        "R00000000-0000-4000-8000-000000000000\n",
        "I00000000-0000-4000-8000-000000000000\n",
        "Report\n"
      })
  void cookieThatNobodyHasIsNotRegistered(String sent) throws Exception {
    assertThat(answerTo(sent)).isEqualTo(NOT_REGISTERED);
  }

  @Test
  void cookieHasToMatchExactly() throws Exception {
    String hidden = old.register();
    String client = old.find();
    for (String sent :
        List.of(
            "I" + hidden.substring(1) + "\n",
            "R" + client.substring(1) + "\n",
            hidden + "\r\n",
            client + " \n",
            client.substring(0, 36) + "\n")) {
      assertThat(answerTo(sent)).as(sent).isEqualTo(NOT_REGISTERED);
    }
    for (String sent :
        List.of(
            " " + client + "\n", hidden.substring(1) + "\n", "r" + hidden.substring(1) + "\n")) {
      assertThat(answerTo(sent)).as(sent).isEqualTo(INVALID);
    }
    assertThat(old.broker().broker().connected().totals().parked()).isZero();
  }

  @Test
  void lineHasSixtyFourBytesAtMost() throws Exception {
    assertThat(answerTo("x".repeat(63) + "\n")).isEqualTo(INVALID);
    assertThat(answerTo("x".repeat(64))).isEqualTo(INVALID); // at once, without waiting for more
    assertThat(answerTo("x".repeat(1_000_000))).isEqualTo(INVALID); // and nothing is reset
  }

  @Test
  void lineThatIsTooSlowIsRefused() throws Exception {
    try (Peer silent = old.line("");
        Peer slow = old.line("R1234")) {
      assertThat(slow.readAll()).isEqualTo(INVALID);
      assertThat(silent.readAll()).isEmpty();
    }
    Awaitility.await().until(() -> old.broker().broker().connections() == 0);
  }

  @Test
  void connectionThatEndsBeforeItsLineIsForgotten() throws Exception {
    old.line("").end();
    old.line("R123").end();
    old.line("R123").reset();
    Awaitility.await().until(() -> old.broker().broker().connections() == 0);
  }

  @Test
  void hiddenServerThatSendsBeforeARequestIsClosed() throws Exception {
    String cookie = old.register();
    try (Peer hidden = old.line(cookie + "\nhello")) {
      assertThat(hidden.readAll()).isEmpty();
    }
    try (Peer hidden = old.park(cookie)) {
      hidden.send("x");
      old.broker().awaitParked(0);
      assertThat(hidden.in().read()).isEqualTo(-1);
    }
    assertThat(answerTo(old.find() + "\n")).isEqualTo(NOT_READY);
  }

  @Test
  void hiddenServerThatLeavesIsNoLongerParked() throws Exception {
    String cookie = old.register();
    old.park(cookie).end();
    old.broker().awaitParked(0);
    old.park(cookie).reset();
    old.broker().awaitParked(0);
    assertThat(answerTo(old.find() + "\n")).isEqualTo(NOT_READY);
  }

  @Test
  void severalMayBeParkedAndEachServesOneClient() throws Exception {
    String cookie = old.register();
    List<Peer> hidden = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      hidden.add(old.park(cookie));
    }
    String forClients = old.find();
    List<Peer> clients = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      clients.add(old.line(forClients + "\nclient " + i));
      assertThat(clients.get(i).read(4)).isEqualTo("+OK\n");
    }
    List<String> heard = new ArrayList<>();
    for (Peer peer : hidden) {
      heard.add(peer.read(12));
    }
    assertThat(heard)
        .containsExactlyInAnyOrder(
            "+OK\nclient 0", "+OK\nclient 1", "+OK\nclient 2", "+OK\nclient 3", "+OK\nclient 4");
    assertThat(answerTo(forClients + "\n")).isEqualTo(NOT_READY);
    try (Peer again = old.park(cookie); // the cookie parks the next one
        Peer sixth = old.line(forClients + "\n")) {
      assertThat(sixth.read(4)).isEqualTo("+OK\n");
      assertThat(again.read(4)).isEqualTo("+OK\n");
    }
    for (Peer peer : clients) {
      peer.end();
    }
    for (Peer peer : hidden) {
      peer.end();
    }
  }

  @Test
  void oldestMakesRoomBeyondTheLimit() throws Exception {
    try (OldBroker small = OldBroker.start("tunnels-per-id", "2")) {
      String cookie = small.register();
      try (Peer first = small.park(cookie);
          Peer second = small.park(cookie);
          Peer third = small.line(cookie + "\n")) {
        assertThat(first.readAll()).isEmpty();
        small.broker().awaitParked(2);
        String forClients = small.find();
        try (Peer one = small.line(forClients + "\n");
            Peer other = small.line(forClients + "\n")) {
          assertThat(one.read(4) + other.read(4)).isEqualTo("+OK\n+OK\n");
          assertThat(second.read(4) + third.read(4)).isEqualTo("+OK\n+OK\n");
        }
      }
    }
  }

  @Test
  void clientsOfAnEntryThatGetsAPasswordAreNotLetIn() throws Exception {
    String cookie = old.register();
    String forClients = old.find();
    try (Peer parked = old.park(cookie)) {
      UUID id = old.broker().id();
      ClientPassword password = ClientPassword.of(id, "rendezvous", "open sesame");
      old.broker().store().change(id, entry -> entry.withPassword(Optional.of(password)));
      assertThat(answerTo(forClients + "\n")).isEqualTo(NOT_REGISTERED);
      assertThat(old.ask("GET", "/?uuid=" + id)).contains("\"diagnostic\"");
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void fullBrokerParksNoMore() throws Exception {
    try (OldBroker small = OldBroker.start("limits.parked", "1")) {
      String cookie = small.register();
      try (Peer parked = small.park(cookie);
          Peer refused = small.line(cookie + "\n")) {
        assertThat(refused.readAll()).isEqualTo(NOT_READY);
        assertThat(parked.hearsNothing()).isTrue();
      }
    }
  }

  /** Parks one more connection, which counts as a stranger until it is parked. */
  private static Peer parked(OldBroker broker, String cookie, int count) throws IOException {
    Peer peer = broker.park(cookie);
    broker.broker().awaitParked(count);
    return peer;
  }

  @Test
  void oldestStrangerOfASourceMakesRoomForTheNext() throws Exception {
    try (OldBroker small = OldBroker.start("limits.per-source", "2")) {
      String cookie = small.register();
      String forClients = small.find();
      Awaitility.await().until(() -> small.broker().broker().connections() == 0);
      try (Peer first = parked(small, cookie, 1);
          Peer second = parked(small, cookie, 2);
          Peer third = parked(small, cookie, 3);
          Peer stranger = small.broker().connectCounted(small.dial());
          Peer next = small.broker().connectCounted(small.dial());
          Peer client = small.line(forClients + "\n")) {
        assertThat(Octets.untilItBreaks(stranger.in())).isEmpty();
        assertThat(client.read(4)).isEqualTo("+OK\n");
        assertThat(next.send("R12\n").readAll()).isEqualTo(NOT_REGISTERED);
        small.broker().awaitParked(2);
        assertThat(first.hearsNothing() && second.hearsNothing() && third.hearsNothing()).isFalse();
      }
    }
  }

  @Test
  void strangersOfManySourcesDoNotTakeAllPlaces() throws Exception {
    try (OldBroker small = OldBroker.start("limits.connections", "10")) {
      String cookie = small.register();
      String client = small.find();
      Awaitility.await().until(() -> small.broker().broker().connections() == 0);
      Deque<Peer> open = new ArrayDeque<>();
      for (int i = 0; i < 4; i++) {
        open.add(parked(small, cookie, i + 1));
      }
      for (int i = 1; i <= 20; i++) {
        open.add(small.broker().connectCounted(small.dial().from("127.0.1." + i)));
      }
      small.broker().awaitParked(4);
      open.add(small.park(cookie));
      try (Peer joined = small.line(client + "\n")) {
        assertThat(joined.read(4)).isEqualTo("+OK\n");
      }
      for (Peer peer : open) {
        peer.end();
      }
    }
  }

  @Test
  void hiddenServerThatRegistersAgainStartsAnew() throws Exception {
    String oldHidden = old.register();
    String oldClient = old.find();
    try (Peer parked = old.park(oldHidden);
        Peer paired = old.park(oldHidden);
        Peer client = old.line(oldClient + "\n")) {
      client.read(4);
      String newHidden = old.register();
      assertThat(answerTo(oldHidden + "\n")).isEqualTo(NOT_REGISTERED);
      assertThat(answerTo(oldClient + "\n")).isEqualTo(NOT_REGISTERED);
      old.broker().awaitParked(0); // whichever was not taken is closed
      String newClient = old.find();
      assertThat(newClient).isNotEqualTo(oldClient);
      assertThat(answerTo(newClient + "\n")).isEqualTo(NOT_READY);
      client.send("still here").shutdownOutput();
      String heard = parked.readAll() + paired.readAll();
      assertThat(heard).isEqualTo("+OK\nstill here");
      try (Peer again = old.park(newHidden);
          Peer second = old.line(newClient + "\n")) {
        assertThat(second.read(4) + again.read(4)).isEqualTo("+OK\n+OK\n");
      }
    }
  }

  @Test
  void cookiesAreValidForADayWithoutUse() throws Exception {
    Entry other = old.broker().addEntry();
    String hidden = old.register(other);
    String client = old.find(other.id());
    old.broker().clock().step(Duration.ofHours(23));
    assertThat(answerTo(client + "\n")).isEqualTo(NOT_READY); // a use
    old.broker().clock().step(Duration.ofHours(23));
    assertThat(old.find(other.id())).isEqualTo(client); // another
    old.broker().clock().step(Duration.ofHours(25));
    assertThat(answerTo(client + "\n")).isEqualTo(NOT_REGISTERED);
    assertThat(answerTo(hidden + "\n")).isEqualTo(NOT_REGISTERED);
    assertThat(old.ask("GET", "/?uuid=" + other.id())).contains("UUID not registered");
    assertThat(old.counts(other.id()).isOnline()).isFalse();
    old.register(other);
    assertThat(answerTo(client + "\n")).isEqualTo(NOT_REGISTERED);
  }

  @Test
  void parkedConnectionCountsAsUseOfItsCookie() throws Exception {
    String cookie = old.register();
    String client = old.find();
    try (Peer hidden = old.park(cookie)) {
      old.broker().clock().step(Duration.ofDays(3));
      try (Peer late = old.line(client + "\n")) {
        assertThat(late.read(4) + hidden.read(4)).isEqualTo("+OK\n+OK\n");
      }
    }
  }

  @Test
  void unusedRegistrationGoesOffline() throws Exception {
    old.register();
    assertThat(old.counts().isOnline()).isTrue();
    old.broker().clock().step(Duration.ofHours(25));
    Awaitility.await().until(() -> !old.counts().isOnline());
  }

  @Test
  void deletedEntryLosesItsCookiesAndConnections() throws Exception {
    Entry other = old.broker().addEntry();
    String cookie = old.register(other);
    String client = old.find(other.id());
    try (Peer parked = old.park(cookie);
        Peer paired = old.park(cookie);
        Peer taken = old.line(client + "\n")) {
      taken.read(4);
      assertThat(old.broker().store().delete(other.id())).isTrue();
      parked.patience(Duration.ofSeconds(2));
      paired.patience(Duration.ofSeconds(2));
      String heard = Octets.untilItBreaks(parked.in()) + Octets.untilItBreaks(paired.in());
      assertThat(heard).isEqualTo("+OK\n");
      parked.end();
      Awaitility.await().until(() -> old.broker().broker().connections() == 0);
      assertThat(answerTo(cookie + "\n")).isEqualTo(NOT_REGISTERED);
      assertThat(answerTo(client + "\n")).isEqualTo(NOT_REGISTERED);
      assertThat(old.ask("GET", "/?uuid=" + other.id())).contains("UUID not registered");
      assertThat(old.put(other)).contains("\"error\"");
    }
  }

  @Test
  void adminPageShowsAndDeletesRegisteredServers() throws Exception {
    try (OldBroker seen =
        OldBroker.start("admin.enabled", "true", "admin.token", AdminClient.TOKEN)) {
      AdminClient admin = new AdminClient(seen.broker());
      String path = "/api/entries/" + seen.broker().id();
      assertThat(admin.get(path).path("online").booleanValue()).isFalse();
      String cookie = seen.register();
      assertThat(admin.get(path).path("online").booleanValue()).isTrue();
      assertThat(admin.get("/api/status").path("online").intValue()).isEqualTo(1);
      try (Peer parked = seen.park(cookie)) {
        assertThat(admin.get(path).path("parked").intValue()).isEqualTo(1);
        assertThat(admin.ask("DELETE", path, "").statusCode()).isEqualTo(204);
        assertThat(parked.readAll()).isEmpty();
      }
      try (Peer again = seen.line(cookie + "\n")) {
        assertThat(again.readAll()).isEqualTo(NOT_REGISTERED);
      }
    }
  }

  @Test
  void parkedConnectionsAreNeverMixedWithConnectTunnels() throws Exception {
    String cookie = old.register();
    try (Peer tunnel = old.broker().park();
        Peer client = old.line(old.find() + "\n")) {
      assertThat(client.readAll()).isEqualTo(NOT_READY);
      assertThat(tunnel.hearsNothing()).isTrue();
    }
    old.broker().awaitParked(0);
    try (OldBroker impatient = OldBroker.start("wait", "1ms")) {
      String other = impatient.register();
      try (Peer hidden = impatient.park(other);
          Peer web = impatient.broker().connect()) {
        web.send(impatient.broker().get(impatient.broker().entry(), "/"));
        assertThat(web.readHead()).startsWith("HTTP/1.1 404 ");
        assertThat(hidden.hearsNothing()).isTrue();
      }
    }
    assertThat(answerTo(cookie + UUID.randomUUID() + "\n")).isEqualTo(INVALID); // too long
  }
}
