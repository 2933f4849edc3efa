package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A client is challenged, names its hidden server, or receives an error (protocol.md, 1.2). Which
 * heads are malformed, and which identity one has, is tested in {@code io.rendezvous.http}.
 */
class ClientTest {
  private static final String UNKNOWN = "2f402f80-da50-11e1-9b23-0123456789ab";

  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start("realm", "rendezvous");
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  // The challenge.

  @Test
  void requestWithoutAnIdentityIsChallengedAfreshEachTime() throws Exception {
    Set<String> nonces = new HashSet<>();
    Set<String> opaques = new HashSet<>();
    try (Peer client = broker.connect()) {
      for (int i = 0; i < 5; i++) {
        String answer = client.send("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n").readResponse();
        assertThat(answer).startsWith("HTTP/1.1 401 ").contains("\r\nDate: ");
        String challenge = header(answer, "WWW-Authenticate");
        assertThat(challenge)
            .matches(
                "Digest realm=\"rendezvous\", qop=\"auth, auth-int\", nonce=\"[0-9a-f]{32}\","
                    + " opaque=\"[0-9a-f]{32}\"");
        nonces.add(challenge.replaceAll(".*nonce=\"(.*?)\".*", "$1"));
        opaques.add(challenge.replaceAll(".*opaque=\"(.*?)\".*", "$1"));
        assertThat(body(answer)).contains("{\"error\":{\"permanent\":false,\"diagnostic\":\"");
      }
    }
    assertThat(nonces).hasSize(5);
    assertThat(opaques).hasSize(1);
  }

  private static String header(String answer, String name) {
    return answer
        .lines()
        .filter(line -> line.regionMatches(true, 0, name + ":", 0, name.length() + 1))
        .map(line -> line.substring(name.length() + 1).strip())
        .findFirst()
        .orElse("");
  }

  private static String body(String answer) {
    return answer.substring(answer.indexOf("\r\n\r\n") + 4);
  }

  @Test
  void headOnlyRequestIsChallengedWithoutABody() throws Exception {
    try (Peer client = broker.connect()) {
      String first = client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n").readHead();
      assertThat(first).startsWith("HTTP/1.1 401 ").contains("WWW-Authenticate: Digest ");
      String second = client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readResponse();
      assertThat(second).startsWith("HTTP/1.1 401 ");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Content-Length: 65536\r\n", "Transfer-Encoding: chunked\r\n"})
  void smallBodyIsDroppedAndTheConnectionKept(String framing) throws Exception {
    boolean chunked = framing.startsWith("T");
    String octets = "x".repeat(chunked ? 60_000 : 65_536);
    String sent = chunked ? "ea60\r\n" + octets + "\r\n0\r\n\r\n" : octets;
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send("POST / HTTP/1.1\r\nHost: localhost\r\n" + framing + "\r\n");
      assertThat(client.readResponse()).startsWith("HTTP/1.1 401 "); // before the body was sent
      client.send(sent);
      client.send(broker.request("POST", broker.entry(), "/", framing) + sent);
      assertThat(tunnel.readHead()).startsWith("POST / HTTP/1.1\r\n");
      assertThat(tunnel.read(sent.length())).isEqualTo(sent);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Content-Length: 9999999\r\n", "Transfer-Encoding: chunked\r\n"})
  void largeBodyEndsTheConnectionAfterTheChallengeWasRead(String framing) throws Exception {
    String chunk = framing.startsWith("T") ? "f4240\r\n" : "";
    try (Peer client = broker.connect()) {
      client.send("POST / HTTP/1.1\r\nHost: localhost\r\n" + framing + "\r\n" + chunk);
      CompletableFuture<String> upload =
          Octets.beside(() -> Octets.write(client.out(), 9_999_999, 1));
      assertThat(client.readResponse()).startsWith("HTTP/1.1 401 ");
      assertThat(client.in().read()).isEqualTo(-1);
      assertThat(upload.handle((hash, e) -> true).get()).isTrue();
    }
  }

  @Test
  void clientThatWaitsForContinueIsChallengedAndClosed() throws Exception {
    try (Peer client = broker.connect()) {
      client.send(
          "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
      String answer = client.readAll();
      assertThat(answer).startsWith("HTTP/1.1 401 ").contains("\r\nConnection: close\r\n");
      assertThat(header(answer, "WWW-Authenticate")).startsWith("Digest ");
    }
  }

  @Test
  void clientThatWillNotGoOnIsChallengedAndClosed() throws Exception {
    try (Peer client = broker.connect()) {
      String answer = client.send("GET / HTTP/1.0\r\n\r\n").readAll();
      assertThat(answer).startsWith("HTTP/1.1 401 ").contains("\r\nConnection: close\r\n");
    }
  }

  @Test
  void clientThatHasEndedItsStreamIsAnswered() throws Exception {
    try (Peer tunnel = broker.park();
        Peer challenged = broker.connect();
        Peer client = broker.connect()) {
      challenged.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").shutdownOutput();
      assertThat(challenged.readAll()).startsWith("HTTP/1.1 401 ");
      client.send(broker.get(broker.entry(), "/")).shutdownOutput();
      tunnel.readHead();
      assertThat(tunnel.in().read()).isEqualTo(-1);
      tunnel.send("HTTP/1.1 200 OK\r\n\r\nhello").end();
      assertThat(client.readAll()).endsWith("hello");
    }
  }

  @Test
  void unidentifiedAndIdentifiedRequestInOnePacket() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
              + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
              + broker.get(broker.entry(), "/1")
              + "GET /2 HTTP/1.1\r\n\r\n");
      assertThat(client.readResponse()).startsWith("HTTP/1.1 401 ");
      assertThat(client.readResponse()).startsWith("HTTP/1.1 401 ");
      assertThat(tunnel.readHead()).startsWith("GET /1 ");
      assertThat(tunnel.readHead()).startsWith("GET /2 ");
    }
  }

  // The identity.

  @ParameterizedTest
  @ValueSource(strings = {"Digest realm=\"a, b\", username=\"ID\"", "Basic BASE64"})
  void userNameIsTheIdentityAndItsLineIsTakenOut(String value) throws Exception {
    String id = broker.id().toString();
    String base64 =
        Base64.getEncoder().encodeToString((id + ":x:y").getBytes(StandardCharsets.UTF_8));
    String line = "Authorization: " + value.replace("ID", id).replace("BASE64", base64);
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send("GET / HTTP/1.1\r\n" + line + "\r\nHost: a\r\nX: y\r\n\r\n");
      assertThat(tunnel.readHead()).isEqualTo("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
    }
  }

  @Test
  void webSocketNamesItsHiddenServerInTheQuery() throws Exception {
    String head =
        "GET /chat?a=b&rendezvous="
            + broker.id()
            + "&c HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(head);
      assertThat(tunnel.readHead()).isEqualTo(head);
    }
  }

  @Test
  void userNameThatIsNoUuidIsAskedForAgain() throws Exception {
    try (Peer client = broker.connect()) {
      client.send("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic aG9tZTp4\r\n\r\n");
      assertThat(client.readResponse()).startsWith("HTTP/1.1 401 ");
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); // the connection was kept
      assertThat(client.readResponse()).startsWith("HTTP/1.1 401 ");
    }
  }

  // Errors.

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET / HTTP/1.1\nHost: a\n\n", // no head
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", // a malformed one
        "GET / HTTP/1.1\r\nAuthorization: Bearer x\r\nHost: a\r\n\r\n", // no identity
        "\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003", // TLS within TLS
      })
  void malformedHeadIsAnsweredAndTheConnectionClosed(String sent) throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      String answer = client.send(sent).readAll();
      assertThat(answer).startsWith("HTTP/1.1 400 ").contains("\r\nConnection: close\r\n");
      assertThat(body(answer)).contains("{\"error\":{\"permanent\":true,\"diagnostic\":\"");
      broker.awaitParked(1); // and nothing got through
      assertThat(tunnel.hearsNothing()).isTrue();
    }
  }

  @Test
  void headMayComeOctetByOctet() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      String head = broker.get(broker.entry(), "/");
      for (int at = 0; at < head.length(); at++) {
        client.send(head.substring(at, at + 1));
      }
      assertThat(tunnel.readHead()).isEqualTo("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
  }

  @Test
  void headThatIsTooLongIsRefused() throws Exception {
    String start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    String longest = start + "x".repeat(16 * 1024 - start.length() - 4) + "\r\n\r\n";
    try (Peer client = broker.connect()) {
      assertThat(client.send(longest).readHead()).startsWith("HTTP/1.1 401 ");
    }
    try (Peer client = broker.connect()) {
      assertThat(client.send(longest.replace("X: ", "X: x")).readAll()).startsWith("HTTP/1.1 431 ");
    }
    try (Peer client = broker.connect()) {
      assertThat(client.send(start + "x".repeat(1_000_000)).readAll()).startsWith("HTTP/1.1 431 ");
    }
  }

  @Test
  void headOfTooManyLinesIsRefused() throws Exception {
    String start = "GET / HTTP/1.1\r\nHost: a\r\n";
    try (Peer client = broker.connect()) {
      assertThat(client.send(start + "a:\r\n".repeat(127) + "\r\n").readHead())
          .startsWith("HTTP/1.1 401 ");
    }
    try (Peer client = broker.connect()) {
      assertThat(client.send(start + "a:\r\n".repeat(4000)).readAll()).startsWith("HTTP/1.1 431 ");
    }
  }

  @Test
  void emptyLineBeforeARequestIsSkippedAndNotPassedOn() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.readResponse()).startsWith("HTTP/1.1 401 ");
      client.send("\r\n" + broker.get(broker.entry(), "/"));
      assertThat(tunnel.readHead()).isEqualTo("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
  }

  /** Each of these takes ten seconds, so they wait side by side. */
  @Test
  void whoeverTakesTooLongIsEnded() throws Exception {
    try (Peer silent = broker.connect();
        Peer withoutTls = broker.dial().plain();
        Peer first = broker.connect();
        Peer second = broker.connect();
        Peer further = broker.connect();
        Peer later = broker.connect()) {
      for (Peer client : List.of(further, later)) {
        client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readResponse();
      }
      first.send("G");
      second.send("GET / HTTP/1.1\r\nHost: a\r\n");
      further.send("G");
      later.send("GET / HTTP/1.1\r\nHost: a\r\n");
      for (Peer client : List.of(first, second, further, later)) {
        assertThat(client.readAll()).startsWith("HTTP/1.1 408 ");
      }
      assertThat(silent.readAll()).isEmpty(); // nothing was asked, so nothing is answered
      assertThatThrownBy(() -> withoutTls.in().read()).isInstanceOf(SocketException.class);
    }
  }

  @ParameterizedTest
  @CsvSource({"*/*, application/json", "'text/html,*/*', text/html; charset=utf-8"})
  void unknownIdIsNotRegistered(String accept, String type) throws Exception {
    try (Peer client = broker.connect()) {
      String answer = client.send(unknown("GET", "Accept: " + accept + "\r\n")).readAll();
      assertThat(answer).startsWith("HTTP/1.1 404 ");
      assertThat(header(answer, "Content-Type")).isEqualTo(type);
      assertThat(body(answer))
          .contains(
              type.startsWith("text")
                  ? "<form>"
                  : "{\"error\":{\"permanent\":false,\"diagnostic\":\"UUID not registered\"}}");
    }
  }

  private static String unknown(String method, String lines) {
    return method
        + " / HTTP/1.1\r\nHost: a\r\nAuthorization: Digest username=\""
        + UNKNOWN
        + "\"\r\n"
        + lines
        + "\r\n";
  }

  @Test
  void errorToAHeadRequestHasNoBody() throws Exception {
    try (Peer client = broker.connect()) {
      String answer = client.send(unknown("HEAD", "")).readAll();
      assertThat(answer).startsWith("HTTP/1.1 404 ").endsWith("\r\n\r\n");
      assertThat(header(answer, "Content-Length")).isNotEqualTo("0");
    }
  }

  @Test
  void errorToAnUploadIsReadBeforeTheConnectionEnds() throws Exception {
    try (Peer client = broker.connect()) {
      client.send(unknown("POST", "Content-Length: 999999\r\n"));
      CompletableFuture<String> upload =
          Octets.beside(() -> Octets.write(client.out(), 999_999, 1));
      assertThat(client.patience(Duration.ofSeconds(5)).readAll()).startsWith("HTTP/1.1 404 ");
      assertThat(upload.handle((hash, e) -> true).get()).isTrue();
    }
  }

  @Test
  void malformedChunksAreNotTakenForABodyThatEnds() throws Exception {
    try (Peer client = broker.connect()) {
      client.send(
          "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
              + "5 \r\nhello\r\n0\r\n\r\n"
              + broker.get(broker.entry(), "/"));
      assertThat(client.readResponse()).startsWith("HTTP/1.1 401 ");
      assertThat(client.readAll()).isEmpty();
    }
  }

  @Test
  void connectHasToBeTheFirstRequest() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readResponse();
      client.send(broker.request("CONNECT", broker.entry(), "/", ""));
      assertThat(client.readAll()).startsWith("HTTP/1.1 400 ");
      assertThat(tunnel.hearsNothing()).isTrue();
    }
  }

  @Test
  void twentyOfHundredsOfRequestsInOneRecordAreAnswered() throws Exception {
    int count = 16_384 / "GET / HTTP/1.1\r\nHost:\r\n\r\n".length();
    try (Peer client = broker.connect()) {
      client.send("GET / HTTP/1.1\r\nHost:\r\n\r\n".repeat(count));
      for (int i = 0; i < 20; i++) {
        assertThat(client.readResponse()).startsWith("HTTP/1.1 401 ");
      }
      assertThat(client.readAll()).isEmpty();
    }
  }

  @Test
  void refusalIsReadAtTheEndOfASlowUpload() throws Exception {
    try (Peer client = broker.connect()) {
      client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n");
      for (int i = 0; i < 8; i++) {
        Octets.write(client.out(), 100_000, 1);
        Awaitility.await().pollDelay(Duration.ofMillis(500)).until(() -> true);
      }
      assertThat(client.readResponse()).startsWith("HTTP/1.1 401 ");
      assertThat(client.in().read()).isEqualTo(-1);
    }
  }
}
