package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients name hidden servers by their labels (protocol.md, 1.2). */
class NamesTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start("domain", "Servers.Example", "wait", "1s");
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  private Entry entry(String label, String... flags) throws Exception {
    Entry entry = Entry.create(UUID.randomUUID(), List.of(label), 8, Instant.now(), List.of(flags));
    broker.store().create(entry);
    return entry;
  }

  /** Sends a request, and returns the head that the hidden server receives. */
  private String heard(Entry of, String request) throws Exception {
    try (Peer tunnel = broker.park(of);
        Peer client = broker.connect()) {
      client.send(request);
      String head = tunnel.readHead();
      tunnel.send(OK);
      assertThat(client.readResponse()).startsWith("HTTP/1.1 200 ");
      return head;
    }
  }

  private String answer(String request) throws Exception {
    try (Peer client = broker.connect()) {
      return client.send(request).readResponse();
    }
  }

  private static String get(String host, String more) {
    return "GET /x?y HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n";
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "home.servers.example",
        "HOME.Servers.EXAMPLE",
        "home.servers.example:8899",
        "home.servers.example.",
        "home.servers.example.:443"
      })
  void hostNamesTheHiddenServer(String host) throws Exception {
    String request = get(host, "Authorization: Bearer its-own\r\n");
    assertThat(heard(entry("home"), request)).isEqualTo(request);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Basic eDp5",
        "Digest username=\"2f402f80-da50-11e1-9b23-0123456789ab\"",
        "Digest nonsense",
        "Negotiate x"
      })
  void authorizationIsTheHiddenServers(String authorization) throws Exception {
    String request = get("home.servers.example", "Authorization: " + authorization + "\r\n");
    assertThat(heard(entry("home"), request)).isEqualTo(request);
  }

  @Test
  void absoluteTargetCountsBeforeHost() throws Exception {
    String request =
        "GET https://home.servers.example:8899/x HTTP/1.1\r\nHost: other.servers.example\r\n\r\n";
    assertThat(heard(entry("home"), request)).isEqualTo(request);
  }

  /** The octet 0x85 ends a line to regular expressions, and nothing else. */
  @Test
  void hostIsNotFoundInThePath() throws Exception {
    entry("home");
    assertThat(answer("GET http://a/\u0085.home.servers.example HTTP/1.1\r\nHost: a\r\n\r\n"))
        .startsWith("HTTP/1.1 401 ");
    assertThat(answer("GET http://home\u0085.servers.example HTTP/1.1\r\nHost: a\r\n\r\n"))
        .startsWith("HTTP/1.1 400 ");
  }

  @Test
  void labelMayHaveDots() throws Exception {
    String request = get("camera.garden.servers.example", "");
    assertThat(heard(entry("camera.garden"), request)).isEqualTo(request);
  }

  @Test
  void labelThatIsUnknownOrOfflineIsToldInTermsOfTheHostName() throws Exception {
    String request = get("home.servers.example", "");
    String unknown = answer(request);
    assertThat(unknown)
        .startsWith("HTTP/1.1 404 ")
        .contains("no hidden server is connected under this host name")
        .doesNotContain("UUID");
    entry("home");
    assertThat(withoutDate(answer(request))).isEqualTo(withoutDate(unknown));
    String page = answer(get("home.servers.example", "Accept: text/html\r\n"));
    assertThat(page)
        .startsWith("HTTP/1.1 404 ")
        .contains("No server is connected under this host name.")
        .doesNotContain("UUID", "<form", "<script");
  }

  private static String withoutDate(String answer) {
    return answer.replaceFirst("Date: [^\r]*", "");
  }

  @Test
  void challengedEntryRequiresAnIdentityToo() throws Exception {
    Entry entry = entry("home", "challenge");
    assertThat(answer(get("home.servers.example", ""))).startsWith("HTTP/1.1 401 ");
    String named = "Authorization: Basic " + basic(entry.id() + ":x") + "\r\n";
    assertThat(heard(entry, get("home.servers.example", named)))
        .isEqualTo(get("home.servers.example", ""));
  }

  private static String basic(String pair) {
    return Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "servers.example",
        "home.servers.example.evil",
        "homeservers.example",
        "127.0.0.1",
        "[::1]:8899"
      })
  void otherHostsNameNoHiddenServer(String host) throws Exception {
    entry("home");
    assertThat(answer(get(host, ""))).startsWith("HTTP/1.1 401 ");
  }

  @Test
  void openEntryIsNamedByItsLabelInsteadOfItsUuid() throws Exception {
    Entry entry = entry("home", "open");
    assertThat(heard(entry, get("localhost", "Authorization: Basic " + basic("Home:x") + "\r\n")))
        .isEqualTo(get("localhost", ""));
    String upgrade =
        "GET /chat?rendezvous=home HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n";
    assertThat(heard(entry, upgrade)).isEqualTo(upgrade);
  }

  @ParameterizedTest
  @CsvSource({"home", "nobody", "''"})
  void labelOfAnEntryThatIsNotOpenIsChallengedAgain(String user) throws Exception {
    entry("home");
    String answer = answer(get("localhost", "Authorization: Digest username=\"" + user + "\"\r\n"));
    assertThat(answer).startsWith(user.isEmpty() ? "HTTP/1.1 400 " : "HTTP/1.1 401 ");
  }

  @Test
  void connectionIsKeptWhileLabelsAreGuessed() throws Exception {
    Entry entry = entry("home", "open");
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      for (int i = 0; i < 19; i++) {
        client.send(get("localhost", "Authorization: Digest username=\"guess" + i + "\"\r\n"));
        assertThat(client.readResponse()).startsWith("HTTP/1.1 401 ");
      }
      client.send(get("localhost", "Authorization: Digest username=\"home\"\r\n"));
      assertThat(tunnel.readHead()).isEqualTo(get("localhost", ""));
    }
  }

  @Test
  void bytesThatArriveDuringTheLookupAreNotLost() throws Exception {
    Entry entry = entry("home");
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      String request =
          "POST / HTTP/1.1\r\nHost: home.servers.example\r\nContent-Length: 5\r\n\r\nhello";
      client.send(request + get("home.servers.example", ""));
      assertThat(tunnel.read(request.length() + get("home.servers.example", "").length()))
          .isEqualTo(request + get("home.servers.example", ""));
    }
  }

  @Test
  void labelOfTwoEntriesBelongsToTheFirstCreated() throws Exception {
    Entry late = Entry.create(UUID.randomUUID(), List.of("home"), 8, Instant.now(), List.of());
    Entry early = Entry.create(UUID.randomUUID(), List.of("home"), 8, Instant.EPOCH, List.of());
    broker.putEntry(late);
    broker.putEntry(early);
    String request = get("home.servers.example", "");
    assertThat(heard(early, request)).isEqualTo(request);
  }

  @Test
  void labelOfADeletedEntryIsSoonUnknown() throws Exception {
    Entry entry = entry("home");
    assertThat(heard(entry, get("home.servers.example", ""))).isNotEmpty();
    broker.store().delete(entry.id());
    Awaitility.await()
        .untilAsserted(
            () -> assertThat(answer(get("home.servers.example", ""))).startsWith("HTTP/1.1 404 "));
    Entry next = entry("home");
    String request = get("home.servers.example", "");
    Awaitility.await()
        .pollDelay(Duration.ofSeconds(2))
        .until(() -> true); // it was looked up just now
    assertThat(heard(next, request)).isEqualTo(request);
  }

  @Test
  void unavailableStoreIsNotTheClientsFault() throws Exception {
    broker.loseStore();
    assertThat(answer(get("home.servers.example", ""))).startsWith("HTTP/1.1 503 ");
    assertThat(answer(get("localhost", "Authorization: Digest username=\"home\"\r\n")))
        .startsWith("HTTP/1.1 503 ");
  }
}
