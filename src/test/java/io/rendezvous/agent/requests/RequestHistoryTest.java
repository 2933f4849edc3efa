package io.rendezvous.agent.requests;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.SeenRequest;
import io.rendezvous.http.proxy.ReverseProxy;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tests what an agent keeps of the requests that pass through it, on real sockets. */
class RequestHistoryTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  private static final int MIB = 1024 * 1024;

  private final RequestHistory history = new RequestHistory();
  private final BlockingQueue<String> received = new LinkedBlockingQueue<>();
  private volatile LocalServer.Service service = Peer::readAll;
  private TestBroker broker;
  private LocalServer local;
  private HiddenServer server;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start();
    local = new LocalServer(connection -> service.serve(connection));
    Provisioning provisioning =
        new Provisioning(
            broker.id(),
            List.of("home"),
            broker.entry().totp(),
            "localhost",
            broker.port(),
            Optional.empty());
    server =
        HiddenServer.of(provisioning)
            .trusting(Keys.trusted())
            .tunnels(2)
            .maxTunnels(2)
            .history(history, "home")
            .proxy(
                URI.create("http://127.0.0.1:" + local.port()),
                new ReverseProxy.Options(false, false, TrustedCertificates.all(), Duration.ZERO));
    broker.awaitParked(2);
  }

  @AfterEach
  void stop() throws Exception {
    server.close();
    local.close();
    broker.close();
  }

  /** Answers each request, and records it, head and body. */
  private void serveWith(String answer) {
    service =
        connection -> {
          while (true) {
            String head = connection.readHead();
            received.add(head + connection.readBody(head));
            connection.send(answer);
          }
        };
  }

  private String exchange(String method, String path, String lines, String body) throws Exception {
    try (Peer client = broker.connect()) {
      return client.send(broker.request(method, broker.entry(), path, lines) + body).readResponse();
    }
  }

  private String takeReceived() throws InterruptedException {
    return received.poll(20, TimeUnit.SECONDS);
  }

  private RequestHistory.Shown latest(int count) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .until(
            () ->
                history.latest().size() == count
                    && history.latest().get(0).request().ended().isPresent());
    return history.latest().get(0);
  }

  @Test
  void requestIsShownWithoutItsQuery() throws Exception {
    serveWith(OK);
    exchange("GET", "/a?secret=1", "", "");
    RequestHistory.Shown shown = latest(1);
    SeenRequest request = shown.request();
    assertThat(shown.entry()).isEqualTo("home");
    assertThat(shown.replayable()).isTrue();
    assertThat(request.method()).isEqualTo("GET");
    assertThat(request.path()).isEqualTo("/a");
    assertThat(request.status()).isEqualTo(OptionalInt.of(200));
    assertThat(request.answeredAfter()).isPresent();
    assertThat(request.bytesIn()).isPositive();
    assertThat(request.bytesOut()).isEqualTo(OK.length());
    assertThat(request.ended()).contains(SeenRequest.End.WHOLE);
  }

  @Test
  void credentialsAndQueriesAreMaskedInHeads() throws Exception {
    serveWith(
        """
        HTTP/1.1 302 Found
        Set-Cookie: s=secret
        Location: /b?code=secret
        WWW-Authenticate: Basic realm="r"
        Content-Length: 0

        """
            .replace("\n", "\r\n"));
    exchange(
        "GET",
        "/a?secret",
        """
        Cookie: a=secret
        X-API-Key: secret
        X_Auth_Token: secret
        Rendezvous-Other: secret
        Proxy-Authorization: secret
        Referer: https://x/?q=secret
        X-Other: shown
        """
            .replace("\n", "\r\n"),
        "");
    RequestHistory.Heads heads = history.heads(latest(1).request().number()).orElseThrow();
    assertThat(heads.request())
        .startsWith("GET /a")
        .contains(
            "Cookie: \u2026",
            "X-API-Key: \u2026",
            "X_Auth_Token: \u2026",
            "Rendezvous-Other: \u2026",
            "Referer: https://x/?\u2026",
            "X-Other: shown");
    assertThat(heads.answer())
        .containsExactly(
            "HTTP/1.1 302",
            "Set-Cookie: \u2026",
            "Location: /b?\u2026",
            "WWW-Authenticate: Basic realm=\"r\"",
            "Content-Length: 0");
    assertThat(heads.toString()).doesNotContain("secret");
  }

  @Test
  void replayIsTheSameRequestAgain() throws Exception {
    serveWith(OK);
    exchange("POST", "/a?q", "Cookie: a=b\r\nContent-Length: 3\r\n", "abc");
    String first = takeReceived();
    long number = latest(1).request().number();
    assertThat(history.replay(number)).isEqualTo(RequestHistory.Outcome.SENT);
    assertThat(takeReceived()).isEqualTo(first).contains("Cookie: a=b").endsWith("abc");
    RequestHistory.Shown again = latest(2);
    assertThat(again.replayOf()).hasValue(number);
    assertThat(again.replayable()).isTrue();
    assertThat(again.request().status()).hasValue(200);
    assertThat(again.request().bytesIn()).isEqualTo(first.length());
  }

  @Test
  void chunkedRequestIsReplayedWithItsFraming() throws Exception {
    BlockingQueue<String> bodies = new LinkedBlockingQueue<>();
    String body = "3\r\nabc\r\n0\r\nX: y\r\n\r\n";
    service =
        connection -> {
          connection.readHead();
          bodies.add(connection.read(body.length()));
          connection.send(OK);
        };
    exchange("PUT", "/a", "Transfer-Encoding: chunked\r\n", body);
    assertThat(history.replay(latest(1).request().number())).isEqualTo(RequestHistory.Outcome.SENT);
    latest(2);
    assertThat(bodies).containsExactly(body, body);
  }

  @Test
  void requestWithALongBodyIsNotReplayed() throws Exception {
    serveWith(OK);
    exchange("POST", "/1", "Content-Length: 65536\r\n", "x".repeat(65_536));
    assertThat(latest(1).replayable()).isTrue();
    exchange("POST", "/2", "Content-Length: 65537\r\n", "x".repeat(65_537));
    RequestHistory.Shown shown = latest(2);
    assertThat(shown.replayable()).isFalse();
    assertThat(shown.request().bytesIn()).isGreaterThan(65_537);
    assertThat(history.replay(shown.request().number())).isEqualTo(RequestHistory.Outcome.NOT_KEPT);
    assertThat(history.replay(0)).isEqualTo(RequestHistory.Outcome.UNKNOWN);
  }

  @Test
  void bodiesOfTheOldestRequestsMakeRoom() throws Exception {
    serveWith(OK);
    int count = 4 * MIB / 65_536 + 3;
    for (int i = 0; i < count; i++) {
      exchange("POST", "/" + i, "Content-Length: 65536\r\n", "x".repeat(65_536));
    }
    latest(count);
    List<RequestHistory.Shown> all = history.latest();
    assertThat(all.subList(0, count - 3)).allMatch(RequestHistory.Shown::replayable);
    assertThat(all.subList(count - 3, count)).noneMatch(RequestHistory.Shown::replayable);
  }

  @Test
  void onlyTheLastTwoHundredAreKept() throws Exception {
    serveWith(OK);
    try (Peer client = broker.connect()) {
      for (int i = 0; i < 203; i++) {
        client.send(broker.get(broker.entry(), "/" + i)).readResponse();
      }
    }
    Awaitility.await().until(() -> history.latest().get(0).request().path().equals("/202"));
    assertThat(history.latest()).hasSize(200);
    assertThat(history.latest().get(199).request().path()).isEqualTo("/3");
  }

  @Test
  void longHeadIsNotKept() throws Exception {
    serveWith("HTTP/1.1 200 OK\r\nX-A: " + "a".repeat(17_000) + "\r\nContent-Length: 0\r\n\r\n");
    try (Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/1")).readResponse();
      String longer =
          broker.request("GET", broker.entry(), "/2", "X: " + "x".repeat(17_000) + "\r\n");
      client.send(longer).readResponse(); // the broker reads the first head only
    }
    RequestHistory.Shown shown = latest(2);
    assertThat(shown.replayable()).isFalse();
    RequestHistory.Heads heads = history.heads(shown.request().number()).orElseThrow();
    assertThat(heads.request()).containsExactly("GET /2");
    assertThat(heads.answer()).containsExactly("HTTP/1.1 200");
  }

  @Test
  void unansweredRequestHasTheStatusOfTheError() throws Exception {
    service =
        connection -> {
          connection.readHead();
          connection.reset();
        };
    assertThat(exchange("POST", "/a", "Content-Length: 0\r\n", "")).startsWith("HTTP/1.1 502 ");
    RequestHistory.Shown shown = latest(1);
    assertThat(shown.request().status()).hasValue(502);
    assertThat(shown.request().ended()).contains(SeenRequest.End.UNANSWERED);
    assertThat(history.replay(shown.request().number())).isEqualTo(RequestHistory.Outcome.SENT);
    assertThat(latest(2).request().ended()).contains(SeenRequest.End.UNANSWERED);
  }

  @Test
  void clientThatLeavesIsSeen() throws Exception {
    BlockingQueue<String> reached = new LinkedBlockingQueue<>();
    service =
        connection -> {
          reached.add(connection.readHead());
          connection.readAll();
        };
    try (Peer client = broker.connect()) {
      client.send(broker.request("POST", broker.entry(), "/a", "Content-Length: 9\r\n") + "part");
      assertThat(reached.poll(20, TimeUnit.SECONDS)).isNotNull();
      client.reset();
    }
    RequestHistory.Shown shown = latest(1);
    assertThat(shown.request().ended()).contains(SeenRequest.End.CLIENT_BROKE);
    assertThat(shown.request().status()).isEmpty();
    assertThat(shown.replayable()).isFalse();
  }

  @Test
  void serverThatBreaksOffIsSeen() throws Exception {
    service =
        connection -> {
          connection.readHead();
          connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart");
          connection.end();
        };
    try (Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/a")).readHead();
      assertThat(latest(1).request().ended()).contains(SeenRequest.End.SERVER_BROKE);
    }
  }

  @Test
  void upgradeIsSeenAndNotReplayed() throws Exception {
    service =
        connection -> {
          connection.readHead();
          connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
          connection.readAll();
        };
    try (Peer client = broker.connect()) {
      String lines = "Connection: Upgrade\r\nUpgrade: x\r\n";
      client.send(broker.request("GET", broker.entry(), "/a", lines)).readHead();
      RequestHistory.Shown shown = latest(1);
      assertThat(shown.request().status()).hasValue(101);
      assertThat(shown.request().ended()).contains(SeenRequest.End.UPGRADED);
      assertThat(shown.replayable()).isFalse();
    }
  }

  @Test
  void requestIsSeenWhileItsAnswerGoesOn() throws Exception {
    service =
        connection -> {
          connection.readHead();
          connection.send("HTTP/1.1 200 OK\r\n\r\nand so on");
          connection.readAll();
        };
    try (Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/events")).readHead();
      Awaitility.await().until(() -> history.latest().size() == 1);
      assertThat(history.latest().get(0).request().ended()).isEmpty();
      assertThat(history.latest().get(0).request().status()).hasValue(200);
    }
    assertThat(latest(1).request().ended()).contains(SeenRequest.End.CLIENT_BROKE);
  }
}
