package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.config.RelayMode;
import io.rendezvous.config.SettingsLoader;
import io.rendezvous.entry.Entry;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The broker follows a guarded client head by head (protocol.md, 1.7). */
class GuardedRelayTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  private static final String UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  private static final int MIB = 1024 * 1024;

  private TestBroker broker;
  private Entry entry;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start("relay", "guarded", "domain", "servers.example");
    entry = broker.entry();
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  private Entry labelled(String label, String... flags) throws Exception {
    Entry added = Entry.create(UUID.randomUUID(), List.of(label), 8, Instant.now(), List.of(flags));
    broker.store().create(added);
    return added;
  }

  private String get(String path) {
    return broker.get(entry, path);
  }

  private static String heard(String path) {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }

  /** Sends a request, and has it answered. */
  private void exchange(Peer client, Peer tunnel, String request) throws IOException {
    client.send(request);
    tunnel.readHead();
    tunnel.send(OK);
    assertThat(client.readResponse()).isEqualTo(OK);
  }

  /** Asserts that the client's direction has ended, and nothing more has reached the tunnel. */
  private static void assertEnded(Peer client, Peer tunnel) throws IOException {
    assertThat(client.readAll()).isEmpty();
    assertThat(tunnel.readAll()).isEmpty();
  }

  // Heads.

  @Test
  void identityIsRemovedFromLaterHeads() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      exchange(client, tunnel, get("/1"));
      String basic = "QmFzaWM6"; // another user name
      client.send("GET /2 HTTP/1.1\r\nX-A:  b \r\nauthorization:  DIGEST username=" + entry.id());
      client.send(" \r\nhost: x\r\nCookie: " + basic + "\r\n\r\n");
      assertThat(tunnel.readHead())
          .isEqualTo("GET /2 HTTP/1.1\r\nX-A:  b \r\nhost: x\r\nCookie: " + basic + "\r\n\r\n");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "none                | Host: x",
        "another Digest      | Host: x~Authorization: Digest username=\"OTHER\"",
        "another Basic       | Host: x~Authorization: Basic bm9ib2R5Og==",
        "another scheme      | Host: x~Authorization: Bearer x",
        "no user name        | Host: x~Authorization: Digest nonce=\"x\"",
        "two                 | Host: x~Authorization: Digest username=\"ID\"~Authorization: Bearer y",
        "another host name   | Host: other.servers.example~Authorization: Digest username=\"ID\"",
        "an unknown one      | Host: no.servers.example~Authorization: Digest username=\"ID\"",
      })
  void headThatNamesNoOrAnotherHiddenServerEndsTheClient(String name, String lines)
      throws Exception {
    Entry other = labelled("other");
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      exchange(client, tunnel, get("/"));
      String head =
          ("GET /2 HTTP/1.1~" + lines + "~~")
              .replace("OTHER", other.id().toString())
              .replace("ID", entry.id().toString())
              .replace("~", "\r\n");
      client.send(head + get("/3"));
      assertEnded(client, tunnel);
    }
  }

  @Test
  void hostNameNamesTheSameHiddenServerInEachHead() throws Exception {
    Entry home = labelled("home");
    labelled("other");
    String own = "GET / HTTP/1.1\r\nHost: HOME.servers.example\r\nAuthorization: Bearer x\r\n\r\n";
    try (Peer tunnel = broker.park(home);
        Peer client = broker.connect()) {
      exchange(client, tunnel, own);
      client.send(own);
      assertThat(tunnel.readHead()).isEqualTo(own);
      tunnel.send(OK);
      client.readResponse();
      client.send("GET / HTTP/1.1\r\nHost: other.servers.example\r\n\r\n");
      assertEnded(client, tunnel);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Host: x", "Host: other.servers.example", "X: y"})
  void clientOfAHostNameMayNotLeaveIt(String host) throws Exception {
    Entry home = labelled("home");
    labelled("other", "challenge");
    try (Peer tunnel = broker.park(home);
        Peer client = broker.connect()) {
      exchange(client, tunnel, "GET / HTTP/1.1\r\nHost: home.servers.example\r\n\r\n");
      client.send("GET / HTTP/1.0\r\n" + host + "\r\n\r\n");
      assertEnded(client, tunnel);
    }
  }

  @Test
  void labelsOfOneEntryNameTheSameHiddenServer() throws Exception {
    Entry two =
        Entry.create(UUID.randomUUID(), List.of("one", "two"), 8, Instant.now(), List.of("open"));
    broker.store().create(two);
    try (Peer tunnel = broker.park(two);
        Peer client = broker.connect()) {
      exchange(client, tunnel, "GET / HTTP/1.1\r\nHost: one.servers.example\r\n\r\n");
      exchange(client, tunnel, "GET / HTTP/1.1\r\nHost: two.servers.example\r\n\r\n");
      exchange(client, tunnel, broker.get(two, "/"));
      exchange(
          client,
          tunnel,
          "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Digest username=TWO\r\n\r\n");
    }
  }

  @Test
  void headMayBeAsLongAsTheFirst() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      exchange(client, tunnel, get("/"));
      int rest = 16 * 1024 - broker.request("GET", entry, "/", "X: \r\n").length();
      exchange(
          client, tunnel, broker.request("GET", entry, "/", "X: " + "x".repeat(rest) + "\r\n"));
      client.send(broker.request("GET", entry, "/", "X: " + "x".repeat(rest + 1) + "\r\n"));
      assertEnded(client, tunnel);
    }
  }

  // Answers that are owed.

  @Test
  void answersOwedAreDeliveredBeforeTheEnd() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(get("/1") + get("/2") + "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n" + get("/4"));
      assertThat(tunnel.read(heard("/1").length() * 2)).isEqualTo(heard("/1") + heard("/2"));
      assertThat(tunnel.hearsNothing()).isTrue();
      String first = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
      tunnel.send(first + OK + "surplus");
      assertThat(client.readAll()).isEqualTo(first + OK);
      assertThat(tunnel.readAll()).isEmpty();
    }
  }

  @Test
  void answerOwedThatDoesNotComeEndsBothAfterTheLinger() throws Exception {
    try (TestBroker hasty = TestBroker.start("relay", "guarded", "linger", "300ms");
        Peer tunnel = hasty.park();
        Peer client = hasty.connect()) {
      client.send(hasty.get(hasty.entry(), "/"));
      tunnel.readHead();
      tunnel.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
      client.readHead();
      client.send("GET / HTTP/1.1\r\n\r\n");
      Awaitility.await().until(() -> hasty.broker().paired() == 0);
      assertThat(tunnel.readAll()).isEmpty();
    }
  }

  @Test
  void hundredRequestsMayComeAheadOfTheirAnswers() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      StringBuilder sent = new StringBuilder();
      StringBuilder expected = new StringBuilder();
      for (int i = 0; i < 100; i++) {
        String head = i % 3 == 0 ? "Content-Length: 3\r\n" : "";
        sent.append(broker.request("POST", entry, "/" + i, head)).append(i % 3 == 0 ? "abc" : "");
        expected.append("POST /" + i + " HTTP/1.1\r\nHost: localhost\r\n" + head + "\r\n");
        expected.append(i % 3 == 0 ? "abc" : "");
      }
      client.send(sent.toString());
      assertThat(tunnel.read(expected.length())).isEqualTo(expected.toString());
      for (int i = 0; i < 100; i++) {
        tunnel.send(OK);
      }
      assertThat(client.read(OK.length() * 100)).isEqualTo(OK.repeat(100));
    }
  }

  @Test
  void tooManyRequestsAheadOfTheirAnswersWait() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      int all = 2000;
      CompletableFuture<Peer> sending = Octets.beside(() -> client.send(get("/").repeat(all)));
      String head = heard("/");
      for (int i = 0; i < 256; i++) {
        tunnel.read(head.length());
      }
      assertThat(tunnel.hearsNothing()).isTrue();
      CompletableFuture<String> answers = Octets.beside(() -> client.read(OK.length() * all));
      for (int i = 0; i < all; i++) {
        if (i >= 256) {
          assertThat(tunnel.read(head.length())).isEqualTo(head);
        }
        tunnel.send(OK);
      }
      assertThat(answers.get()).isEqualTo(OK.repeat(all));
      sending.get();
    }
  }

  // Bodies and answers.

  @Test
  void chunkedBodyPassesWithItsTrailersOctetByOctet() throws Exception {
    String body = "5;a=\"b\"\r\nhello\r\n0\r\nX-Trailer: y\r\n\r\n";
    String first = broker.request("POST", entry, "/", "Transfer-Encoding: chunked\r\n") + body;
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      for (char octet : (first + get("/2")).toCharArray()) {
        client.send(String.valueOf(octet));
      }
      assertThat(tunnel.readHead()).startsWith("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-");
      assertThat(tunnel.read(body.length())).isEqualTo(body);
      assertThat(tunnel.readHead()).isEqualTo(heard("/2"));
      for (char octet : (OK + OK).toCharArray()) {
        tunnel.send(String.valueOf(octet));
      }
      assertThat(client.readResponse()).isEqualTo(OK);
      assertThat(client.readResponse()).isEqualTo(OK);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"5\r\nhelloGET / HTTP/1.1\r\n", "5 \r\n", "x", "5\r\nhello\r\n0\r\n X: y"})
  void malformedChunkEndsTheClient(String body) throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.request("POST", entry, "/", "Transfer-Encoding: chunked\r\n") + body);
      client.send(get("/2"));
      tunnel.readHead();
      tunnel.send(OK);
      assertThat(client.readAll()).isEqualTo(OK);
      assertThat(body).startsWith(tunnel.readAll());
    }
  }

  @Test
  void interimAnswersAndAnswersWithoutBodiesAreFollowed() throws Exception {
    String answers =
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
            + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" // to HEAD
            + "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"
            + "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "HTTP/1.1 200\r\nX : y\nContent-Length: 2\n\nhi";
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(
          broker.request("HEAD", entry, "/", "") + get("/2") + get("/3") + get("/4") + "x\r\n\r\n");
      tunnel.readHead();
      tunnel.send(answers + "surplus");
      assertThat(client.readAll()).isEqualTo(answers);
    }
  }

  @Test
  void continueIsAwaited() throws Exception {
    String expecting = "Content-Length: 5\r\nExpect: 100-continue\r\n";
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      for (int i = 0; i < 2; i++) {
        client.send(broker.request("PUT", entry, "/", expecting));
        assertThat(tunnel.readHead()).endsWith(expecting + "\r\n");
        tunnel.send("HTTP/1.1 100 Continue\r\n\r\n");
        assertThat(client.readHead()).isEqualTo("HTTP/1.1 100 Continue\r\n\r\n");
        client.send("hello");
        assertThat(tunnel.read(5)).isEqualTo("hello");
        tunnel.send(OK);
        assertThat(client.readResponse()).isEqualTo(OK);
      }
    }
  }

  @Test
  void clientOfHttp10GetsWhatTheHiddenServerSends() throws Exception {
    String head = "HTTP/1.1 200 OK\r\nKeep-Alive: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    String answer = "HTTP/1.1 100 Continue\r\n\r\n" + head + "2\r\nhi\r\n0\r\n\r\n";
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(get("/").replace("HTTP/1.1", "HTTP/1.0"));
      tunnel.readHead();
      tunnel.send(answer).end();
      assertThat(client.readAll()).isEqualTo(answer);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SSH-2.0-x\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        OK + "HTTP/1.1 408 Request Timeout\r\n\r\n",
      })
  void answerThatCannotBeFollowedIsPassedOnAndEndsBoth(String answer) throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(get("/"));
      tunnel.readHead();
      tunnel.send(answer);
      assertThat(client.readAll()).isEqualTo(answer);
      Awaitility.await().until(() -> broker.broker().paired() == 0);
    }
  }

  // Other protocols.

  @Test
  void webSocketIsRawAfterItsAnswer() throws Exception {
    String upgrade = broker.request("GET", entry, "/ws", UPGRADE);
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      exchange(client, tunnel, get("/"));
      client.send(upgrade + "\1\2no head\r\n\r\n");
      assertThat(tunnel.readHead()).startsWith("GET /ws ");
      assertThat(tunnel.hearsNothing()).isTrue();
      String switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\3\4";
      tunnel.send(switched);
      assertThat(client.read(switched.length())).isEqualTo(switched);
      assertThat(tunnel.read(13)).isEqualTo("\1\2no head\r\n\r\n");
      CompletableFuture<String> up = Octets.beside(() -> Octets.write(client.out(), MIB, 1));
      CompletableFuture<String> down = Octets.beside(() -> Octets.write(tunnel.out(), MIB, 2));
      CompletableFuture<String> atTunnel = Octets.beside(() -> Octets.read(tunnel.in(), MIB));
      assertThat(Octets.read(client.in(), MIB)).isEqualTo(down.get());
      assertThat(atTunnel.get()).isEqualTo(up.get());
    }
  }

  @Test
  void upgradeThatIsNotAcceptedIsFollowedByRequests() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.request("POST", entry, "/", UPGRADE + "Content-Length: 2\r\n"));
      client.send("ab" + get("/2") + "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
      tunnel.readHead();
      assertThat(tunnel.read(2)).isEqualTo("ab");
      assertThat(tunnel.hearsNothing()).isTrue();
      tunnel.send("HTTP/1.1 100 Continue\r\n\r\n" + OK);
      assertThat(tunnel.readHead()).isEqualTo(heard("/2"));
      tunnel.send(OK);
      assertThat(client.readAll()).isEqualTo("HTTP/1.1 100 Continue\r\n\r\n" + OK + OK);
      assertThat(tunnel.readAll()).isEmpty();
    }
  }

  @Test
  void whatIsHeldBackIsBounded() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.request("GET", entry, "/", UPGRADE));
      CompletableFuture<String> sent = Octets.beside(() -> Octets.write(client.out(), 32 * MIB, 5));
      tunnel.readHead();
      assertThat(tunnel.hearsNothing()).isTrue();
      assertThat(sent.isDone()).isFalse();
      tunnel.send("HTTP/1.1 101 Switching Protocols\r\n\r\n");
      assertThat(Octets.read(tunnel.in(), 32 * MIB)).isEqualTo(sent.get());
    }
  }

  @Test
  void endThatFollowsWhatIsHeldBackIsPassedOnAfterIt() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.request("GET", entry, "/", UPGRADE) + "held").shutdownOutput();
      tunnel.readHead();
      assertThat(tunnel.hearsNothing()).isTrue();
      tunnel.send("HTTP/1.1 101 Switching Protocols\r\n\r\n");
      assertThat(tunnel.readAll()).isEqualTo("held");
      tunnel.send("bye").end();
      assertThat(client.readAll()).endsWith("\r\n\r\nbye");
    }
  }

  @ParameterizedTest
  @CsvSource({"200, true", "204, true", "403, false"})
  void connectIsRawAfterASuccess(int status, boolean raw) throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      exchange(client, tunnel, get("/"));
      client.send(broker.request("CONNECT", entry, "db.example:5432", "") + "\0\0\0\u0008");
      assertThat(tunnel.readHead())
          .isEqualTo("CONNECT db.example:5432 HTTP/1.1\r\nHost: localhost\r\n\r\n");
      assertThat(tunnel.hearsNothing()).isTrue();
      tunnel.send("HTTP/1.1 " + status + " x\r\nContent-Length: 0\r\n\r\n");
      client.readHead();
      if (raw) {
        assertThat(tunnel.read(4)).isEqualTo("\0\0\0\u0008");
        tunnel.send("R");
        assertThat(client.read(1)).isEqualTo("R");
      } else {
        assertEnded(client, tunnel);
      }
    }
  }

  @Test
  void connectWithABodyEndsTheClient() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      exchange(client, tunnel, get("/"));
      client.send(broker.request("CONNECT", entry, "a:1", "Content-Length: 1\r\n") + "x");
      assertEnded(client, tunnel);
    }
  }

  // The tunnel.

  @Test
  void requestIsTriedAgainOnTheNextTunnel() throws Exception {
    try (Peer next = broker.park();
        Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(get("/"));
      tunnel.readHead();
      tunnel.end();
      exchangeAgain(client, next);
    }
  }

  private void exchangeAgain(Peer client, Peer next) throws IOException {
    assertThat(next.readHead()).isEqualTo(heard("/"));
    next.send(OK);
    assertThat(client.readResponse()).isEqualTo(OK);
    exchange(client, next, get("/2"));
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assertEnded(client, next);
  }

  @Test
  void requestThatIsFollowedByAnotherIsNotTriedAgain() throws Exception {
    try (Peer next = broker.park();
        Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(get("/1") + get("/2"));
      tunnel.readHead();
      tunnel.end();
      assertThat(client.readResponse()).startsWith("HTTP/1.1 502 ");
      assertThat(next.hearsNothing()).isTrue();
    }
  }

  @Test
  void proxyHeaderComesBeforeTheFirstHeadOnly() throws Exception {
    Entry proxied = broker.addEntry(List.of("proxyProtocol"));
    try (Peer tunnel = broker.park(proxied);
        Peer client = broker.connect()) {
      client.send(broker.get(proxied, "/1") + broker.get(proxied, "/2"));
      assertThat(tunnel.read(28)).startsWith("\r\n\r\n\0\r\nQUIT\n!");
      assertThat(tunnel.readHead()).isEqualTo(heard("/1"));
      assertThat(tunnel.readHead()).isEqualTo(heard("/2"));
    }
  }

  @Test
  void resetPassesBothWays() throws Exception {
    try (Peer first = broker.park();
        Peer client = broker.connect()) {
      client.send(get("/"));
      first.readHead();
      client.reset();
      assertThatThrownBy(() -> first.in().read()).isInstanceOf(IOException.class);
    }
    try (Peer second = broker.park();
        Peer client = broker.connect()) {
      exchange(client, second, get("/"));
      second.reset();
      assertThatThrownBy(() -> client.in().read()).isInstanceOf(IOException.class);
    }
  }

  @Test
  void bodiesPassBothWaysAtOnce() throws Exception {
    String length = "Content-Length: " + 4 * MIB + "\r\n";
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      for (int i = 0; i < 3; i++) {
        client.send(broker.request("POST", entry, "/", length));
        CompletableFuture<String> up = Octets.beside(() -> Octets.write(client.out(), 4 * MIB, 1));
        tunnel.readHead();
        tunnel.send("HTTP/1.1 200 OK\r\n" + length + "\r\n");
        CompletableFuture<String> down =
            Octets.beside(() -> Octets.write(tunnel.out(), 4 * MIB, 2));
        CompletableFuture<String> atTunnel = Octets.beside(() -> Octets.read(tunnel.in(), 4 * MIB));
        client.readHead();
        assertThat(Octets.read(client.in(), 4 * MIB)).isEqualTo(down.get());
        assertThat(atTunnel.get()).isEqualTo(up.get());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void readerThatStallsHoldsItsSender(boolean up) throws Exception {
    int size = 64 * MIB;
    String length = "Content-Length: " + size + "\r\n";
    try (Peer tunnel = broker.park(entry, broker.dial().buffering(16 * 1024));
        Peer client = broker.connect(broker.dial().buffering(16 * 1024))) {
      client.send(broker.request("POST", entry, "/", up ? length : ""));
      tunnel.readHead();
      tunnel.send("HTTP/1.1 200 OK\r\n" + (up ? "" : length) + "\r\n");
      client.readHead();
      Peer sender = up ? client : tunnel;
      Peer reader = up ? tunnel : client;
      AtomicLong written = new AtomicLong();
      CompletableFuture<String> sent =
          Octets.beside(() -> Octets.write(counting(sender.out(), written), size, 7));
      AtomicLong before = new AtomicLong(-1);
      Awaitility.await()
          .pollInterval(Duration.ofMillis(300))
          .until(() -> before.getAndSet(written.get()) == written.get());
      assertThat(written.get()).isLessThan(size / 2);
      assertThat(Octets.read(reader.in(), size)).isEqualTo(sent.get());
    }
  }

  private static OutputStream counting(OutputStream out, AtomicLong written) {
    return new FilterOutputStream(out) {
      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        out.write(bytes, offset, length);
        written.addAndGet(length);
      }
    };
  }

  // Which relays are guarded.

  @Test
  void entryDecidesBeforeTheSetting() throws Exception {
    Entry raw = broker.addEntry().withRelay(Optional.of(RelayMode.RAW));
    broker.putEntry(raw);
    try (Peer tunnel = broker.park(raw);
        Peer client = broker.connect()) {
      client.send(broker.get(raw, "/") + "anything");
      tunnel.readHead();
      assertThat(tunnel.read(8)).isEqualTo("anything");
    }
  }

  @Test
  void settingIsReloaded() throws Exception {
    broker.broker().reload(SettingsLoader.load(Map.of("rendezvous.relay", "raw")));
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(get("/") + "anything");
      tunnel.readHead();
      assertThat(tunnel.read(8)).isEqualTo("anything");
    }
  }
}
