package io.rendezvous.protocol.taas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.entry.Entry;
import io.rendezvous.testing.FreePort;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.tls.ClientHelloTest;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients are redirected to a port, and relayed from there (protocol.md, 3). */
class ClientTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private TaasBroker taas;

  @BeforeEach
  void start() throws Exception {
    taas = new TaasBroker("wait", "1s");
  }

  @AfterEach
  void stop() throws Exception {
    taas.close();
  }

  private Entry entry() {
    return taas.entry();
  }

  private int parked() {
    return taas.broker().broker().connected().totals().parked();
  }

  /** Returns whether a connection to the port is refused, or closed without a byte. */
  private static boolean isClosed(Peer.Dial dial, String first) throws IOException {
    try (Peer peer = dial.plain()) {
      return Octets.untilItBreaks(peer.send(first).in()).isEmpty();
    } catch (IOException e) {
      return true;
    }
  }

  // Redirects.

  @Test
  void absentHiddenServerIs503AtOnce() throws Exception {
    for (String label : List.of("home", "nobody")) {
      assertThat(taas.get(label, "/"))
          .startsWith("HTTP/1.1 503 Service Unavailable\r\n")
          .contains("\r\nRetry-After: ");
    }
    assertThat(taas.broker().broker().portsInUse()).isZero();
  }

  @Test
  void connectionsOfTwoLabelsAreApart() throws Exception {
    try (Peer parked = taas.park(entry(), "office")) {
      assertThat(taas.get("home", "/")).startsWith("HTTP/1.1 503 ");
      assertThat(taas.get("office", "/")).startsWith("HTTP/1.1 307 ");
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void connectTunnelServesWhereNoTaasConnectionIsParked() throws Exception {
    try (Peer tunnel = taas.broker().park(entry());
        Peer client = taas.broker().connect()) {
      client.send("GET /x HTTP/1.1\r\nHost: home.servers.example\r\n\r\n");
      assertThat(tunnel.readHead()).startsWith("GET /x HTTP/1.1\r\n");
      tunnel.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      assertThat(client.readResponse()).startsWith("HTTP/1.1 200 OK\r\n");
    }
  }

  @Test
  void connectTunnelIsNotUsedWhereATaasConnectionIsParked() throws Exception {
    try (Peer tunnel = taas.broker().park(entry());
        Peer parked = taas.park(entry(), "home");
        Peer client = taas.broker().connect()) {
      assertThat(taas.get("home", "/")).startsWith("HTTP/1.1 307 ");
      assertThat(tunnel.hearsNothing()).isTrue();
      client.send("GET /x HTTP/1.1\r\nHost: office.servers.example\r\n\r\n");
      assertThat(tunnel.readHead()).startsWith("GET /x ");
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void taasConnectionIsNeverUsedAsAConnectTunnel() throws Exception {
    try (Peer parked = taas.park()) {
      String head = taas.broker().get(entry(), "/");
      assertThat(taas.answer(head, taas.broker().dial())).startsWith("HTTP/1.1 404 ");
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void challengedEntryIsNotNamedByItsHost() throws Exception {
    Entry shy =
        Entry.create(UUID.randomUUID(), List.of("shy"), 8, Instant.now(), List.of("challenge"));
    taas.broker().store().create(shy);
    try (Peer parked = taas.park(shy, "shy");
        Peer client = taas.broker().connect()) {
      client.send("GET / HTTP/1.1\r\nHost: shy.servers.example\r\n\r\n");
      assertThat(client.readResponse()).startsWith("HTTP/1.1 401 ").contains("Digest ");
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "/, /",
    "/a?b=c?d, /a?b=c?d",
    "//x/y, //x/y",
    "/{|}, /{|}",
    "/\u00fc, /%FC",
    "http://HOME.servers.example:1?x, /?x",
    "https://home.servers.example, /"
  })
  void locationRepeatsTheTarget(String target, String location) throws Exception {
    try (Peer parked = taas.park()) {
      String redirect = taas.get("home", target);
      int port = Integer.parseInt(redirect.replaceFirst("(?s).*example:(\\d+)/.*", "$1"));
      assertThat(redirect)
          .contains("\r\nLocation: https://home.servers.example:" + port + location + "\r\n");
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"HEAD", "POST", "PUT", "OPTIONS"})
  void everyMethodIsRedirected(String method) throws Exception {
    try (Peer parked = taas.park()) {
      String head =
          method + " /x HTTP/1.1\r\nHost: home.servers.example\r\nContent-Length: 2\r\n\r\nhi";
      assertThat(taas.answer(head, taas.broker().dial()))
          .startsWith("HTTP/1.1 307 Temporary Redirect\r\n");
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void eachSourceIsRedirectedToAPortOfItsOwn() throws Exception {
    try (Peer parked = taas.park()) {
      int port = taas.redirected("home");
      assertThat(taas.redirected("home")).isEqualTo(port);
      assertThat(TaasBroker.port(taas.get("home", "/", taas.broker().dial().from("127.0.0.9"))))
          .isNotEqualTo(port);
      assertThat(taas.broker().broker().portsInUse()).isEqualTo(2);
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void oneIdCannotTakeAllPorts() throws Exception {
    try (TaasBroker few = new TaasBroker("taas.ports", FreePort.range(9));
        Peer parked = few.park()) {
      for (int i = 2; i < 20; i++) {
        TaasBroker.port(few.get("home", "/", few.broker().dial().from("127.0.0." + i)));
      }
      assertThat(few.broker().broker().portsInUse()).isEqualTo(4);
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void noPortLeftIs503() throws Exception {
    try (TaasBroker one = new TaasBroker("taas.ports", FreePort.range(1))) {
      try (Peer parked = one.park()) {
        one.awaitPorts(0);
        one.register(one.entry(), "office");
        assertThat(one.get("home", "/")).startsWith("HTTP/1.1 503 ").contains("\r\nRetry-After: ");
        assertThat(parked.hearsNothing()).isTrue();
      }
    }
  }

  // Connections to the port.

  @Test
  void eachConnectionTakesOneParkedTunnel() throws Exception {
    try (Peer one = taas.park();
        Peer other = taas.park()) {
      int port = taas.redirected("home");
      // Either may be taken, depending on the I/O threads.
      try (Peer first = Peer.to(port).plain()) {
        first.send(hello("home.servers.example"));
        Awaitility.await().until(() -> parked() == 1);
        try (Peer second = Peer.to(port).plain()) {
          second.send(hello("home.servers.example"));
          assertThat(one.in().read()).isEqualTo(22);
          assertThat(other.in().read()).isEqualTo(22);
        }
      }
      assertThat(isClosed(Peer.to(port), hello("home.servers.example"))).isTrue();
    }
  }

  /** Returns a client's first bytes. */
  private static String hello(String name) throws Exception {
    return ClientHelloTest.of(name);
  }

  @Test
  void strangersAreClosedAndUseNothingUp() throws Exception {
    try (Peer parked = taas.park()) {
      int port = taas.redirected("home");
      for (int i = 2; i < 12; i++) {
        assertThat(isClosed(Peer.to(port).from("127.0.0." + i), hello("home.servers.example")))
            .isTrue();
      }
      taas.after(Duration.ofSeconds(61)); // and they keep no port open
      taas.awaitPorts(0);
      assertThat(parked.hearsNothing()).isTrue();
      try (TaasBroker.Pair pair = TaasBroker.meet(taas.redirected("home"), parked)) {
        pair.client().send("x");
        assertThat(pair.server().read(1)).isEqualTo("x");
      }
    }
  }

  @Test
  void clientWithoutTheRightClientHelloIsClosedAndUsesNothingUp() throws Exception {
    try (Peer parked = taas.park()) {
      int port = taas.redirected("home");
      for (String first :
          List.of(
              hello(""),
              hello("office.servers.example"),
              hello("servers.example"),
              hello("home.servers.example.org"),
              "GET / HTTP/1.1\r\nHost: home.servers.example\r\n\r\n",
              "\u0016\u0003\u0001\u0000\u0005\u0001\u0000\u0000\u0001x",
              "\u0000")) {
        assertThat(isClosed(Peer.to(port), first)).isTrue();
      }
      try (Peer silent = Peer.to(port).plain()) {
        silent.shutdownOutput();
        assertThat(silent.in().read()).isEqualTo(-1);
      }
      assertThat(parked()).isEqualTo(1);
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void clientHelloArrivesUnchanged() throws Exception {
    try (Peer parked = taas.park()) {
      int port = taas.redirected("home");
      String hello = hello("HOME.servers.example");
      try (Peer client = Peer.to(port).plain()) {
        for (char c : hello.substring(0, hello.length() - 1).toCharArray()) {
          client.send(String.valueOf(c));
        }
        assertThat(parked.hearsNothing()).isTrue();
        assertThat(parked()).isEqualTo(1);
        client.send(hello.charAt(hello.length() - 1) + "and more");
        assertThat(parked.read(hello.length() + 8)).isEqualTo(hello + "and more");
        parked.send("answer").end();
        assertThat(client.readAll()).isEqualTo("answer");
      }
    }
  }

  @Test
  void hiddenServerThatEndsWithoutAnAnswerEndsTheClientToo() throws Exception {
    try (Peer parked = taas.park();
        Peer client = Peer.to(taas.redirected("home")).plain()) {
      client.send(hello("home.servers.example"));
      assertThat(parked.in().read()).isEqualTo(22);
      parked.end();
      assertThat(Octets.untilItBreaks(client.in())).isEmpty();
    }
  }

  @Test
  void resetOfOneIsTheEndOfBoth() throws Exception {
    try (Peer parked = taas.park();
        TaasBroker.Pair pair = TaasBroker.meet(taas.redirected("home"), parked)) {
      pair.client().reset();
      assertThatThrownBy(() -> pair.server().in().read()).isInstanceOf(IOException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\u0016\u0003"})
  void silentClientIsClosed(String first) throws Exception {
    try (Peer parked = taas.park()) {
      int port = taas.redirected("home");
      long before = System.nanoTime();
      Peer client = taas.broker().connectCounted(Peer.to(port)).send(first);
      taas.after(before, Duration.ofSeconds(9));
      assertThat(client.hearsNothing()).isTrue();
      taas.afterUntil(Duration.ofSeconds(10), 1);
      assertThat(Octets.untilItBreaks(client.in())).isEmpty();
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void portIsGivenBackWithoutConnections() throws Exception {
    try (Peer parked = taas.park()) {
      long before = System.nanoTime();
      int port = taas.redirected("home");
      taas.awaitPorts(1); // and the hidden server's port is given back
      taas.after(before, Duration.ofSeconds(59));
      assertThat(taas.broker().broker().portsInUse()).isEqualTo(1);
      taas.after(Duration.ofSeconds(60));
      taas.awaitPorts(0);
      assertThat(isClosed(Peer.to(port), "x")).isTrue();
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void portIsKeptWhileAConnectionIsOpen() throws Exception {
    try (Peer parked = taas.park();
        TaasBroker.Pair pair = TaasBroker.meet(taas.redirected("home"), parked)) {
      taas.awaitPorts(1);
      taas.after(Duration.ofSeconds(90));
      assertThat(taas.broker().broker().portsInUse()).isEqualTo(1);
      pair.client().send("x");
      assertThat(pair.server().read(1)).isEqualTo("x");
      pair.client().end();
      pair.server().end();
      Awaitility.await()
          .until(
              () -> {
                taas.after(Duration.ofSeconds(61));
                return taas.broker().broker().portsInUse() == 0;
              });
    }
  }

  @Test
  void oldestStrangerOfASourceMakesRoomForTheNext() throws Exception {
    try (TaasBroker small = new TaasBroker("limits.per-source", "2");
        Peer parked = small.park();
        Peer other = small.park()) {
      int port = small.redirected("home");
      Awaitility.await().until(() -> small.broker().broker().connections() == 2);
      try (Peer first = small.broker().connectCounted(Peer.to(port));
          Peer second = Peer.to(port).plain();
          Peer third = Peer.to(port).plain()) {
        assertThat(Octets.untilItBreaks(first.in())).isEmpty();
        assertThat(second.hearsNothing() && third.hearsNothing()).isTrue();
        assertThat(parked.hearsNothing() && other.hearsNothing()).isTrue();
      }
    }
  }

  // The pairings that the owner is told.

  @Test
  void ownerIsToldOfTheLatestRendezvous() throws Exception {
    assertThat(taas.ask(entry(), "GET", "/pairings/home"))
        .startsWith("HTTP/1.1 200 OK\r\n")
        .contains("\r\nContent-Type: application/json\r\n")
        .endsWith("\r\n\r\n[]");
    int asked;
    int port;
    int from;
    try (Peer hidden = taas.broker().connect()) {
      asked = hidden.local().getPort();
      String answer =
          hidden
              .send(TaasBroker.head("PUT", "/register/home", taas.authorization(entry())))
              .readAll();
      port = Integer.parseInt(answer.substring(answer.lastIndexOf(':') + 1));
    }
    try (Peer parked = Peer.to(port).plain();
        Peer client = taas.broker().connect()) {
      taas.broker().awaitParked(1);
      from = client.local().getPort();
      client.send("PATCH /a/b?secret HTTP/1.1\r\nHost: home.servers.example\r\n\r\n");
      try (TaasBroker.Pair pair = TaasBroker.meet(TaasBroker.port(client.readAll()), parked)) {
        pair.client().send("x");
        assertThat(pair.server().read(1)).isEqualTo("x");
      }
    }
    String answer = taas.ask(entry(), "GET", "/pairings/home");
    String body = answer.substring(answer.indexOf("\r\n\r\n") + 4);
    JsonNode pairing = JSON.readTree(body).path(0);
    assertThat(body)
        .isEqualTo(
            "[{\"responder\":\"https 127.0.0.1 "
                + asked
                + " PUT\",\"initiator\":\"https 127.0.0.1 "
                + from
                + " PATCH\",\"pathname\":\"/a/b\",\"timestamp\":"
                + pairing.path("timestamp").asLong()
                + "}]");
    assertThat(Instant.ofEpochMilli(pairing.path("timestamp").asLong()))
        .isBetween(Instant.now().minusSeconds(60), Instant.now());
    assertThat(taas.ask(entry(), "GET", "/pairings/office")).endsWith("\r\n\r\n[]");
  }

  @Test
  void hundredRendezvousAreRemembered() throws Exception {
    String first = hello("home.servers.example");
    try (TaasBroker without = new TaasBroker("tls.enabled", "false")) {
      for (int i = 0; i < 103; i++) {
        try (Peer parked = without.park()) {
          int port = TaasBroker.port(without.get("home", "/" + i));
          try (Peer client = Peer.to(port).plain()) {
            client.send(first);
            assertThat(parked.in().read()).isEqualTo(22);
          }
        }
      }
      String answer = without.ask(without.entry(), "GET", "/pairings/home");
      JsonNode all = JSON.readTree(answer.substring(answer.indexOf("\r\n\r\n") + 4));
      assertThat(all).hasSize(100);
      assertThat(all.path(0).path("pathname").asText()).isEqualTo("/3");
      assertThat(all.path(99).path("pathname").asText()).isEqualTo("/102");
    }
  }

  @Test
  void olderTlsGoesThroughToo() throws Exception {
    try (Peer parked = taas.park()) {
      Peer.Dial dial =
          Peer.to(taas.redirected("home")).named("home.servers.example").speaking("TLSv1.2");
      try (TaasBroker.Pair pair = TaasBroker.meet(dial, parked)) {
        pair.client().send("x");
        assertThat(pair.server().read(1)).isEqualTo("x");
      }
    }
  }
}
