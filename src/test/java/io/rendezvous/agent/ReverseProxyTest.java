package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.proxy.ReverseProxy;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What passes through the agent's HTTP mode, and how, between a client and a scripted server. */
class ReverseProxyTest {
  private static final String HELLO = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

  /** What the local server answers by path. Other paths are answered with the head itself. */
  private static final Map<String, String> ANSWERS =
      Map.ofEntries(
          Map.entry("/103", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + HELLO),
          Map.entry("/102", "HTTP/1.1 102 Processing\r\n\r\n".repeat(200) + HELLO),
          Map.entry("/304-length", "HTTP/1.1 304 X\r\nETag: \"a\"\r\nContent-Length: 1234\r\n\r\n"),
          Map.entry("/304-chunked", "HTTP/1.1 304 X\r\nTransfer-Encoding: chunked\r\n\r\n"),
          Map.entry("/204-chunked", "HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n"),
          Map.entry(
              "/chunked",
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
          Map.entry(
              "/padded", // as some servers write the sizes of chunks
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5  \r\nhello\r\n0\r\n\r\n"),
          Map.entry("/no-reason", "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello"),
          Map.entry("/blank", "HTTP/1.1 200 OK\r\nContent-Length : 5\r\nX-Odd : a\r\n\r\nhello"),
          Map.entry("/lf", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
          Map.entry("/http10", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
          Map.entry(
              "/hop",
              "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\n"
                  + "X-Hop: mine\r\nContent-Length: 5\r\n\r\nhello"));

  private static final String HALF = "x".repeat(1_000_000);

  private static final Queue<String> LEFT = new ConcurrentLinkedQueue<>();

  private static TestBroker broker;
  private static LocalServer local;
  private static HiddenServer hidden;

  @BeforeAll
  static void start() throws Exception {
    broker = TestBroker.start();
    local = new LocalServer(ReverseProxyTest::serve);
    hidden =
        proxy(
            broker.entry(),
            new ReverseProxy.Options(false, true, TrustedCertificates.all(), Duration.ZERO));
    broker.awaitParked(2);
  }

  @AfterAll
  static void stop() throws Exception {
    hidden.close();
    local.close();
    broker.close();
  }

  private static HiddenServer proxy(Entry entry, ReverseProxy.Options options) throws IOException {
    Provisioning provisioning =
        new Provisioning(
            entry.id(),
            List.of("home"),
            entry.totp(),
            "localhost",
            broker.port(),
            Optional.empty());
    return HiddenServer.of(provisioning)
        .trusting(Keys.trusted())
        .tunnels(2)
        .proxy(URI.create("http://127.0.0.1:" + local.port()), options);
  }

  private static void serve(Peer connection) throws IOException {
    while (true) {
      String head = connection.readHead();
      String path = head.split(" ", 3)[1];
      String answer = ANSWERS.get(path);
      if (path.equals("/redirect")) {
        String host = "127.0.0.1:" + local.port();
        answer =
            "HTTP/1.1 302 Found\r\nLocation: http://"
                + host
                + "/next\r\nSet-Cookie: a=b; Domain=127.0.0.1\r\nContent-Length: 0\r\n\r\n";
      }
      if (path.equals("/bare") || path.equals("/bare-http10")) {
        String version = path.equals("/bare") ? "HTTP/1.1" : "HTTP/1.0";
        connection.send(version + " 200 OK\r\n\r\nto the end");
        return;
      }
      if (path.equals("/short")) {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + HALF);
        return;
      }
      if (path.equals("/too-large")) {
        connection.send("HTTP/1.1 413 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      }
      if (path.startsWith("/poll") || path.startsWith("/stream")) {
        if (path.startsWith("/stream")) {
          connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
        }
        LEFT.add(path + Octets.untilItBreaks(connection.in()));
        return;
      }
      if (path.equals("/early")) {
        connection.send(HELLO); // before the body is read
      }
      String body = bodyOf(connection, head);
      if (path.equals("/once")) {
        connection.send(HELLO);
        return; // without a word about it
      }
      if (answer == null) {
        answer = head + body;
        answer = "HTTP/1.1 200 OK\r\nContent-Length: " + answer.length() + "\r\n\r\n" + answer;
      }
      if (!path.equals("/early") && !path.equals("/too-large")) {
        connection.send(answer);
      }
    }
  }

  private static String bodyOf(Peer connection, String head) throws IOException {
    if (head.contains("Expect: 100-continue")) {
      connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    }
    if (!head.contains("Transfer-Encoding: chunked")) {
      return connection.readBody(head);
    }
    StringBuilder body = new StringBuilder();
    while (!body.toString().endsWith("0\r\n\r\n")) {
      body.append(connection.read(1));
    }
    return body.toString();
  }

  /** Returns a head with the version and lines that are given, for the first of a connection. */
  private static String head(String line, String version, String lines) {
    return line
        + " "
        + version
        + "\r\nHost: h:8899\r\nAuthorization: Digest username=\""
        + broker.id()
        + "\"\r\n"
        + lines
        + "\r\n";
  }

  private static String head(String line) {
    return head(line, "HTTP/1.1", "");
  }

  private static String ask(String line) throws IOException {
    try (Peer client = broker.connect()) {
      return client.send(head(line)).readResponse();
    }
  }

  /** Returns the whole of an answer, after which the connection ends. */
  private static String askOnce(String line, String version, String lines) throws IOException {
    try (Peer client = broker.connect()) {
      return client.send(head(line, version, lines)).readAll();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/a%20b",
        "/a%3Fb",
        "/a%23b",
        "/a%25b",
        "/%C3%BC",
        "/%E4",
        "/%41",
        "/%2e%2e/x",
        "/a%00b",
        "/a%2Fb",
        "/a%0d%0aX-Injected:%201",
        "/?q=%20",
        "/?q=100%",
        "/100%",
        "/%zz",
        "/%u00e9",
        "/x?",
        "/(auth)/[id]",
        "/\u00c3\u00bc",
        "/x|y?a={b}&c=^d",
        "*",
      })
  void targetReachesTheLocalServerAsItCame(String target) throws Exception {
    String method = target.equals("*") ? "OPTIONS " : "GET ";
    String answer = ask(method + target);
    assertThat(answer.substring(answer.indexOf("\r\n\r\n") + 4))
        .startsWith(method + target + " HTTP/1.1\r\n")
        .doesNotContain("\r\nX-Injected");
  }

  @Test
  void longQueryPasses() throws Exception {
    String query = "i=1&".repeat(1001);
    assertThat(ask("GET /?" + query)).contains("\r\n\r\nGET /?" + query + " HTTP/1.1\r\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/304-length", "/304-chunked", "/204-chunked"})
  void answerWithoutABodyArrivesAndTheConnectionGoesOn(String path) throws Exception {
    try (Peer client = broker.connect()) {
      String answer = client.send(head("GET " + path)).readHead();
      assertThat(answer).startsWith("HTTP/1.1 " + path.substring(1, 4));
      assertThat(answer.contains("Content-Length: 1234")).isEqualTo(path.endsWith("length"));
      assertThat(client.send(head("GET /no-reason")).readResponse()).endsWith("hello");
      assertThat(client.send(head("HEAD /no-reason")).readHead()).contains("Content-Length: 5");
      assertThat(client.send(head("GET /chunked")).readHead()).contains("chunked");
      assertThat(client.read(15)).isEqualTo("5\r\nhello\r\n0\r\n\r\n");
      assertThat(client.send(head("GET /padded")).readHead()).contains("chunked");
      assertThat(client.read(17)).isEqualTo("5  \r\nhello\r\n0\r\n\r\n");
      assertThat(client.send(head("GET /lf")).readResponse()).endsWith("hello");
    }
  }

  @ParameterizedTest
  @CsvSource({"/103, 1", "/102, 200"})
  void interimResponsesArriveAndTheAnswerFollows(String path, int count) throws Exception {
    try (Peer client = broker.connect()) {
      client.send(head("GET " + path));
      for (int i = 0; i < count; i++) {
        assertThat(client.readHead()).startsWith("HTTP/1.1 " + path.substring(1));
      }
      assertThat(client.readResponse()).startsWith("HTTP/1.1 200 OK").endsWith("hello");
    }
    assertThat(askOnce("GET " + path, "HTTP/1.0", "")).startsWith("HTTP/1.1 200 OK");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Connection: keep-alive\r\n"})
  void clientOfHttp10GetsNoChunks(String lines) throws Exception {
    assertThat(askOnce("GET /chunked", "HTTP/1.0", lines))
        .startsWith("HTTP/1.1 200 OK\r\n")
        .contains("\r\nConnection: close\r\n")
        .doesNotContain("Transfer-Encoding")
        .endsWith("\r\n\r\nhello");
    assertThat(askOnce("GET /x", "HTTP/1.0", lines)).contains("\r\n\r\nGET /x HTTP/1.0\r\n");
  }

  @Test
  void linesOfOneConnectionStayOnIt() throws Exception {
    String lines =
        String.join(
            "\r\n",
            "Connection: close, X-Forwarded-For",
            "Keep-Alive: timeout=5",
            "TE: trailers",
            "Proxy-Connection: keep-alive",
            "");
    assertThat(askOnce("GET /x", "HTTP/1.1", lines))
        .contains("\r\nConnection: TE\r\nTE: trailers\r\n", "\r\nX-Forwarded-For: 127.0.0.1\r\n")
        .doesNotContain("Keep-Alive", "Proxy-Connection", "Connection: close, X")
        .contains("\r\nConnection: close\r\n");
    assertThat(ask("GET /hop"))
        .endsWith("hello")
        .doesNotContain("Keep-Alive", "X-Hop", "Connection");
  }

  @Test
  void originOfARequestIsTheAgentsAlone() throws Exception {
    String lines =
        String.join(
            "\r\n",
            "X-Forwarded-For: 6.6.6.6",
            "X_Forwarded-For: 6.6.6.6",
            "X_Real_IP: 6.6.6.6",
            "True-Client-IP: 6.6.6.6",
            "X-Client-IP: 6.6.6.6",
            "X_FORWARDED_HOST: 6.6.6.6",
            "Connection: close",
            "");
    assertThat(askOnce("GET /x", "HTTP/1.1", lines))
        .doesNotContain("6.6.6.6")
        .contains(
            "\r\nHost: h:8899\r\n",
            "\r\nForwarded: for=\"127.0.0.1\";proto=https;host=\"h:8899\"\r\n",
            "\r\nX-Forwarded-Host: h:8899\r\n",
            "\r\nX-Forwarded-Port: 8899\r\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/no-reason", "/blank", "/lf", "/http10"})
  void slipsThatEveryClientForgivesAreForgiven(String path) throws Exception {
    String answer = ask("GET " + path);
    assertThat(answer).startsWith("HTTP/1.1 200 ").endsWith("\r\n\r\nhello");
    assertThat(answer).contains("\r\nContent-Length: 5\r\n").doesNotContain(" :");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/bare", "/bare-http10"})
  void answerWithoutALengthEndsWithTheConnection(String path) throws Exception {
    assertThat(askOnce("GET " + path, "HTTP/1.1", ""))
        .startsWith("HTTP/1.1 200 OK\r\n")
        .contains("\r\nConnection: close\r\n")
        .endsWith("\r\n\r\nto the end");
  }

  @ParameterizedTest
  @CsvSource({"/poll, reset", "/poll, cut", "/stream, reset", "/stream, cut", "/poll, end"})
  void localServerIsToldAtOnceThatTheClientHasLeft(String path, String how) throws Exception {
    String target = path + "?" + how;
    try (Peer client = broker.connect()) {
      client.send(head("GET " + target));
      if (path.equals("/stream")) {
        client.readHead();
        client.read(6);
      } else {
        assertThat(client.hearsNothing()).isTrue();
      }
      switch (how) {
        case "reset" -> client.reset();
        case "cut" -> client.cut();
        default -> client.end();
      }
      Awaitility.await().until(() -> LEFT.contains(target));
    }
  }

  @Test
  void clientThatEndsItsStreamIsStillAnswered() throws Exception {
    try (Peer client = broker.connect()) {
      client.send(head("GET /a") + head("GET /b")).shutdownOutput();
      assertThat(client.readResponse()).contains("\r\n\r\nGET /a HTTP/1.1");
      assertThat(client.readResponse()).contains("\r\n\r\nGET /b HTTP/1.1");
      assertThat(client.readAll()).isEmpty();
    }
  }

  @Test
  void requestsThatAreSentAheadAreAnsweredInTheirOrder() throws Exception {
    try (Peer client = broker.connect()) {
      StringBuilder all = new StringBuilder(head("POST /0", "HTTP/1.1", "Content-Length: 3\r\n"));
      all.append("abc");
      for (int i = 1; i < 50; i++) {
        all.append("\r\n") // an empty line before a request is skipped
            .append(head("POST /" + i, "HTTP/1.1", "Transfer-Encoding: chunked\r\n"))
            .append("3\r\nabc\r\n0\r\n\r\n");
      }
      client.send(all.toString());
      assertThat(client.readResponse()).contains("\r\n\r\nPOST /0 ").endsWith("\r\n\r\nabc");
      for (int i = 1; i < 50; i++) {
        assertThat(client.readResponse())
            .contains("\r\n\r\nPOST /" + i + " ")
            .endsWith("\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
      }
    }
  }

  @Test
  void clientThatWaitsForContinueIsToldToByTheLocalServer() throws Exception {
    try (Peer client = broker.connect()) {
      client.send(head("PUT /x", "HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 3\r\n"));
      assertThat(client.readHead()).startsWith("HTTP/1.1 100 Continue\r\n");
      assertThat(client.send("abc").readResponse()).endsWith("\r\n\r\nabc");
      assertThat(client.send(head("GET /lf")).readResponse()).endsWith("hello");
    }
  }

  @Test
  void answerMayComeBeforeTheRequestIsComplete() throws Exception {
    try (Peer client = broker.connect()) {
      client.send(head("PUT /early", "HTTP/1.1", "Content-Length: 6\r\n") + "abc");
      assertThat(client.readResponse()).endsWith("hello").doesNotContain("Connection: close");
      client.send("def" + head("GET /lf"));
      assertThat(client.readResponse()).endsWith("hello");
    }
  }

  @Test
  void clientIsToldToStopItsRequestIfTheLocalServerWantsNoMoreOfIt() throws Exception {
    try (Peer client = broker.connect()) {
      client.send(head("PUT /too-large", "HTTP/1.1", "Content-Length: 6\r\n") + "abc");
      assertThat(client.readHead()).startsWith("HTTP/1.1 413 ").contains("\r\nConnection: close");
    }
  }

  @Test
  void truncatedAnswerArrivesAsFarAsItCame() throws Exception {
    try (Peer client = broker.connect()) {
      client.send(head("GET /short"));
      assertThat(client.readHead()).contains("\r\nContent-Length: 2000000\r\n");
      assertThat(Octets.untilItBreaks(client.in())).isEqualTo(HALF);
    }
  }

  @Test
  void clientThatWasNotToldToContinueIsNotWaitedFor() throws Exception {
    try (Peer client = broker.connect()) {
      client.send(head("PUT /early", "HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 6\r\n"));
      assertThat(client.readResponse()).endsWith("hello").contains("Connection: close");
      assertThat(client.readAll()).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({"GET, HTTP/1.1 200 OK", "POST, HTTP/1.1 200 OK"})
  void localConnectionIsOpenedAnewWhenItHasEnded(String method, String status) throws Exception {
    try (Peer client = broker.connect()) {
      for (int i = 0; i < 5; i++) {
        assertThat(client.send(head(method + " /once")).readResponse()).startsWith(status);
        assertThat(client.hearsNothing()).isTrue(); // the local connection has ended by then
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'Transfer-Encoding: xchunked', unsupported Transfer-Encoding",
    "'Transfer-Encoding: chunked\r\nContent-Length: 3', Content-Length with Transfer-Encoding",
    "'Content-Length: 3\r\nContent-Length: 3', more than one Content-Length",
    "'Host: b', one Host header is needed",
    "'X : y', malformed header name",
  })
  void ambiguousRequestIsRefusedOnAKeptConnectionToo(String line, String why) throws Exception {
    try (Peer client = broker.connect()) {
      assertThat(client.send(head("GET /lf")).readResponse()).endsWith("hello");
      client.send(head("POST /x", "HTTP/1.1", line + "\r\n") + "GET /smuggled HTTP/1.1\r\n\r\n");
      assertThat(client.readAll()).startsWith("HTTP/1.1 400 ").contains(why);
    }
  }

  @Test
  void malformedBodyIsRefused() throws Exception {
    try (Peer client = broker.connect()) {
      client.send(head("POST /x", "HTTP/1.1", "Transfer-Encoding: chunked\r\n"));
      assertThat(client.hearsNothing()).isTrue();
      assertThat(client.send("3\r\nabcd\r\n").readAll()).startsWith("HTTP/1.1 400 ");
    }
  }

  @Test
  void headOfALaterRequestIsBounded() throws Exception {
    String line = "X: " + "y".repeat(60_000) + "\r\n";
    try (Peer client = broker.connect()) {
      assertThat(client.send(head("GET /lf")).readResponse()).endsWith("hello");
      assertThat(client.send(head("GET /x", "HTTP/1.1", line)).readResponse()).contains(line);
      client.send(head("GET /x", "HTTP/1.1", line + line));
      assertThat(client.readAll()).startsWith("HTTP/1.1 431 ");
    }
  }

  /** Runs requests through another hidden server for the same local server. */
  private static String through(ReverseProxy.Options options, String head) throws Exception {
    Entry entry = broker.addEntry();
    try (HiddenServer other = proxy(entry, options);
        Peer client = broker.connect()) {
      Awaitility.await().until(() -> other.status().parked() > 0);
      return client.send(head.replace(broker.id().toString(), entry.id().toString())).readAll();
    }
  }

  @Test
  void localServersOwnNameReplacesTheClients() throws Exception {
    ReverseProxy.Options options =
        new ReverseProxy.Options(true, true, TrustedCertificates.all(), Duration.ZERO);
    String name = "127.0.0.1:" + local.port();
    String lines =
        "Origin: https://h:8899\r\nDestination: https://h:8899/y\r\nConnection: close\r\n";
    assertThat(through(options, head("GET /x", "HTTP/1.1", lines)))
        .contains(
            "\r\nHost: " + name + "\r\n",
            "\r\nOrigin: http://" + name + "\r\n",
            "\r\nDestination: http://" + name + "/y\r\n",
            "\r\nX-Forwarded-Host: h:8899\r\n");
    assertThat(through(options, head("GET /redirect", "HTTP/1.1", "Connection: close\r\n")))
        .contains("\r\nLocation: https://h:8899/next\r\n", "\r\nSet-Cookie: a=b; Domain=h\r\n");
  }

  @Test
  void originOfARequestIsLeftOutIfThatIsWanted() throws Exception {
    ReverseProxy.Options options =
        new ReverseProxy.Options(false, false, TrustedCertificates.all(), Duration.ZERO);
    String lines = "X-Forwarded-For: 6.6.6.6\r\nConnection: close\r\n";
    assertThat(through(options, head("GET /x", "HTTP/1.1", lines)))
        .contains("\r\n\r\nGET /x HTTP/1.1\r\nHost: h:8899\r\n\r\n")
        .doesNotContainIgnoringCase("forwarded");
  }
}
