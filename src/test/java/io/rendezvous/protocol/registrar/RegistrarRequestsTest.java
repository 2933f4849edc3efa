package io.rendezvous.protocol.registrar;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.rendezvous.entry.Entry;
import io.rendezvous.testing.Peer;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Hidden servers register, and clients look them up (protocol.md, 2). */
class RegistrarRequestsTest {
  private static final String RANDOM =
      "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

  private OldBroker old;

  @BeforeEach
  void start() throws Exception {
    old = OldBroker.start();
  }

  @AfterEach
  void stop() throws Exception {
    old.close();
  }

  private String id() {
    return old.broker().id().toString();
  }

  private void assertResult(String answer, String cookie) throws Exception {
    assertThat(answer)
        .startsWith("HTTP/1.1 200 OK\r\n")
        .contains("\r\nContent-Type: application/json\r\n")
        .contains("\r\nCache-Control: no-store\r\n")
        .contains("\r\nConnection: close\r\n");
    JsonNode result = OldBroker.json(answer).path("result");
    assertThat(result.path("host").asText()).isEqualTo("broker.example");
    assertThat(result.path("port").intValue())
        .isEqualTo(old.registrar().tcpAddress().getPort())
        .isNotEqualTo(old.registrar().httpAddress().getPort());
    assertThat(result.path("cookie").asText()).matches(cookie);
    assertThat(result).hasSize(3);
    assertThat(OldBroker.json(answer)).hasSize(1);
  }

  private static void assertError(String answer, boolean permanent, String diagnostic)
      throws Exception {
    assertThat(answer)
        .startsWith("HTTP/1.1 200 OK\r\n")
        .contains("\r\nContent-Type: application/json\r\n")
        .doesNotContain("WWW-Authenticate");
    assertErrorIn(answer, permanent, diagnostic);
  }

  private static void assertErrorIn(String answer, boolean permanent, String diagnostic)
      throws Exception {
    JsonNode error = OldBroker.json(answer).path("error");
    assertThat(error.path("permanent").booleanValue()).isEqualTo(permanent);
    assertThat(error.path("permanent").isBoolean()).isTrue();
    assertThat(error.path("diagnostic").asText()).contains(diagnostic);
    assertThat(error).hasSize(2);
    assertThat(OldBroker.json(answer)).hasSize(1);
  }

  @Test
  void bothSidesGetACookieOfTheirOwn() throws Exception {
    assertResult(old.put(old.broker().entry()), "R" + RANDOM);
    assertResult(old.ask("GET", "/?uuid=" + id()), "I" + RANDOM);
    assertThat(old.find()).isEqualTo(old.find());
  }

  @Test
  void cookiesRevealNothingAboutEachOther() throws Exception {
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < 10; i++) {
      assertThat(seen.add(old.register().substring(1))).isTrue();
      assertThat(seen.add(old.find().substring(1))).isTrue();
    }
  }

  @Test
  void uuidIsComparedWhateverItsCase() throws Exception {
    String upper = id().toUpperCase(Locale.ROOT);
    String token = old.broker().token(old.broker().entry());
    assertResult(old.ask("PUT", "/?a=b&response=" + token + "&uuid=" + upper), "R.*");
    assertResult(old.ask("GET", "/?uuid=" + upper), "I.*");
  }

  @Test
  void idThatIsNotRegisteredIsNotFound() throws Exception {
    assertError(old.ask("GET", "/?uuid=" + id()), false, "not registered");
    assertError(old.ask("GET", "/?uuid=" + UUID.randomUUID()), false, "not registered");
    assertThat(OldBroker.json(old.ask("GET", "/?uuid=" + id())))
        .isEqualTo(OldBroker.json(old.ask("GET", "/?uuid=" + UUID.randomUUID())));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "true  | not a UUID  | PUT /?uuid=x&response=TOKEN",
        "true  | not a UUID  | PUT /?uuid=x&response=",
        "true  | not a UUID  | PUT /?uuid=2f402f80da5011e19b230123456789ab&response=TOKEN",
        "true  | not a UUID  | GET /?uuid=x",
        "true  | response    | PUT /?uuid=ID&response=",
        "true  | response    | PUT /?uuid=ID&response",
        "false | unknown     | PUT /?uuid=00000000-0000-0000-0000-000000000000&response=TOKEN",
        "false | wrong token | PUT /?uuid=ID&response=000000x",
        "false | wrong token | PUT /?uuid=ID&response=00000",
        "false | wrong token | PUT /?uuid=ID&response=00000000000",
      })
  void failedAuthenticationIsAnsweredWith200(boolean permanent, String diagnostic, String asked)
      throws Exception {
    String line =
        asked.replace("ID", id()).replace("TOKEN", old.broker().token(old.broker().entry()));
    int space = line.indexOf(' ');
    assertError(
        old.ask(line.substring(0, space), line.substring(space + 1)), permanent, diagnostic);
    assertThat(old.broker().broker().connected().counts()).isEmpty();
  }

  @Test
  void unknownUuidAndWrongTokenLookTheSame() throws Exception {
    String unknown = old.ask("PUT", "/?uuid=" + UUID.randomUUID() + "&response=000000x");
    String wrong = old.ask("PUT", "/?uuid=" + id() + "&response=000000x");
    assertThat(wrong.replaceAll("Date: .*", "")).isEqualTo(unknown.replaceAll("Date: .*", ""));
  }

  @Test
  void tooManyFailuresAreThrottled() throws Exception {
    for (int i = 0; i < 10; i++) {
      assertError(old.ask("PUT", "/?uuid=" + id() + "&response=000000x"), false, "unknown");
    }
    String answer = old.put(old.broker().entry());
    assertError(answer, false, "too many failures");
    assertThat(answer).containsPattern("\r\nRetry-After: \\d+\r\n");
    old.broker().clock().step(Duration.ofMinutes(2));
    assertResult(old.put(old.broker().entry()), "R.*");
  }

  @Test
  void unavailableStoreIsReported() throws Exception {
    Entry unseen = old.broker().addEntry();
    old.broker().loseStore();
    assertError(old.put(unseen), false, "cannot be reached");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET /",
        "GET /?",
        "PUT /?response=123456",
        "GET /?uuid=",
        "GET /?UUID=ID",
        "POST /",
        "GET /x?uuid=ID",
        "PUT //?uuid=ID&response=TOKEN",
        "GET /index.html",
        "DELETE /%2e?uuid=ID"
      })
  void unknownPathIsNotFound(String asked) throws Exception {
    String[] parts = asked.replace("ID", id()).split(" ", 2);
    String answer = old.ask(parts[0], parts[1]);
    assertThat(answer).startsWith("HTTP/1.1 404 ").contains("\r\nConnection: close\r\n");
    assertErrorIn(answer, true, "not found");
  }

  @ParameterizedTest
  @CsvSource({
    "GET, &response=123456, PUT",
    "POST, &response=123456, PUT",
    "DELETE, &response=123456, PUT",
    "PUT, '', GET",
    "POST, '', GET",
    "OPTIONS, '', GET",
    "BREW, '', GET",
    "get, '', GET"
  })
  void methodThatDoesNotFitTheParametersIsRefused(String method, String more, String allow)
      throws Exception {
    String answer = old.ask(method, "/?uuid=" + id() + more);
    assertThat(answer)
        .startsWith("HTTP/1.1 405 ")
        .contains("\r\nAllow: " + allow + "\r\n")
        .contains("\r\nConnection: close\r\n");
    assertErrorIn(answer, true, "method");
  }

  @Test
  void headOfAnswersHasNoBody() throws Exception {
    assertThat(old.ask("HEAD", "/?uuid=" + id()))
        .startsWith("HTTP/1.1 405 ")
        .contains("\r\nAllow: GET\r\n")
        .endsWith("\r\n\r\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/?uuid=%zz", "/?uuid=%", "/?uuid=ID%00", "/?uuid=ID ID"})
  void malformedQueryIsRefused(String target) throws Exception {
    assertThat(old.ask("GET", target.replace("ID", id()))).doesNotContain("result");
    assertResult(old.put(old.broker().entry()), "R.*"); // and it goes on
  }

  @Test
  void furtherParametersAreIgnored() throws Exception {
    assertError(old.ask("GET", "/?uuid=" + id() + "&a".repeat(2000)), false, "UUID not registered");
  }

  @Test
  void bodyIsIgnored() throws Exception {
    String head = "PUT /?uuid=" + id() + "&response=" + old.broker().token(old.broker().entry());
    for (String body :
        List.of(
            "Content-Length: 5\r\n\r\nhello",
            "Content-Length: 65536\r\n\r\n" + "x".repeat(65_536),
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")) {
      try (Peer peer = old.http()) {
        assertResult(peer.send(head + " HTTP/1.1\r\nHost: a\r\n" + body).readAll(), "R.*");
      }
    }
  }

  @Test
  void bodyIsNotReadForLong() throws Exception {
    String head =
        "GET /?uuid=" + id() + " HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n";
    try (Peer peer = old.http()) {
      assertThat(peer.send(head).readHead()).startsWith("HTTP/1.1 ");
      peer.readAll(); // it ends
    }
  }

  @Test
  void connectionCarriesOneRequest() throws Exception {
    String question = "GET /?uuid=" + id() + " HTTP/1.1\r\nHost: a\r\n\r\n";
    try (Peer peer = old.http()) {
      assertThat(peer.send(question + question).readAll()).containsOnlyOnce("HTTP/1.1 ");
    }
  }

  @Test
  void malformedHeadIsRefused() throws Exception {
    String head = "GET /?uuid=" + id() + " HTTP/1.1\r\nContent-Length: x\r\n\r\n";
    try (Peer peer = old.http()) {
      assertThat(peer.send(head).readAll()).doesNotContain("result");
    }
  }

  @Test
  void registeredIdIsOnline() throws Exception {
    assertThat(old.broker().broker().connected().counts()).isEmpty();
    old.register();
    assertThat(old.counts().isOnline()).isTrue();
    assertThat(old.counts().parked()).isZero();
  }

  @Test
  void withoutTlsItIsPlainHttp() throws Exception {
    try (OldBroker plain = OldBroker.start("tls.enabled", "false");
        Peer peer = Peer.to(plain.registrar().httpAddress().getPort()).plain()) {
      String target =
          "/?uuid="
              + plain.broker().id()
              + "&response="
              + plain.broker().token(plain.broker().entry());
      assertThat(peer.send("PUT " + target + " HTTP/1.1\r\nHost: a\r\n\r\n").readAll())
          .startsWith("HTTP/1.1 200 OK\r\n")
          .contains("\"cookie\":\"R");
    }
  }

  @Test
  void refusalsAreCounted() throws Exception {
    old.ask("PUT", "/?uuid=" + id() + "&response=123");
    old.ask("GET", "/?uuid=" + id());
    Awaitility.await()
        .untilAsserted(
            () ->
                assertThat(old.broker().broker().metrics().scrape())
                    .contains("{side=\"hidden server\",status=\"401\"} 1.0")
                    .contains("{side=\"client\",status=\"404\"} 1.0"));
  }
}
