package io.rendezvous.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP in the clear, sent to ports that speak TLS. */
class HttpWithoutTlsTest {
  private static TestBroker broker;

  @BeforeAll
  static void start() throws Exception {
    broker = TestBroker.start("registrar.enabled", "true", "public-host", "localhost");
  }

  @AfterAll
  static void stop() throws Exception {
    broker.close();
  }

  private static String answer(int port, String... pieces) throws Exception {
    try (Peer client = Peer.to(port).plain()) {
      for (String piece : pieces) {
        client.send(piece);
      }
      return client.readAll();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "GET / HTTP/1.1, Host: broker.example:8899, https://broker.example:8899/",
    "POST /x HTTP/1.0, Host: broker.example, https://broker.example/",
    "PROPFIND /dav HTTP/1.1, Host: 192.0.2.1:80, https://192.0.2.1:80/",
    "CONNECT uuid:1?response=123456 HTTP/1.1, Host: a, https://a/",
    "GET / HTTP/1.1, Host: <b>, https://HOST/",
    "GET / HTTP/1.1, Accept: */*, https://HOST/",
    "GET  HTTP/1.1, Host: a, https://HOST/",
  })
  void answerNamesTheUrl(String line, String field, String url) throws Exception {
    String answer = answer(broker.port(), line + "\r\n" + field + "\r\n\r\n");
    assertThat(answer).startsWith("HTTP/1.1 400 Bad Request\r\n");
    assertThat(answer).contains("\r\nConnection: close\r\n");
    assertThat(answer).contains("{\"error\":{\"permanent\":true,\"diagnostic\":");
    assertThat(answer).contains("\"This port speaks HTTPS: use " + url + "\"}}");
  }

  @Test
  void browserGetsAPage() throws Exception {
    String answer =
        answer(
            broker.port(),
            "GET / HTTP/1.1\r\nHost: a:1\r\nAccept: text/html,*/*;q=0.8\r\nConnection: x\r\n\r\n");
    assertThat(answer.toLowerCase(Locale.ROOT)).contains("content-type: text/html");
    assertThat(answer).contains("This port speaks HTTPS: use https://a:1/");
  }

  @Test
  void requestMayArriveInPieces() throws Exception {
    String answer = answer(broker.port(), "P", "OS", "T", " ", "/ HTTP/1.1\r", "\nHost: a\r\n\r\n");
    assertThat(answer).contains("https://a/");
  }

  /** What follows the head is read and discarded, so that no reset overtakes the answer. */
  @Test
  void answerArrivesThoughABodyFollows() throws Exception {
    String head = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n";
    assertThat(answer(broker.port(), head, "x".repeat(300_000))).contains("https://a/");
  }

  @Test
  void registrarAnswersToo() throws Exception {
    int port = broker.broker().registrar().orElseThrow().httpAddress().getPort();
    assertThat(answer(port, "GET /?uuid=1 HTTP/1.1\r\nHost: a\r\n\r\n")).contains("https://a/");
  }

  @Test
  void endlessHeadIsAnswered() throws Exception {
    String head = "GET / HTTP/1.1\r\nX: " + "x".repeat(8 * 1024) + "\r\n";
    assertThat(answer(broker.port(), head)).contains("https://HOST/");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HELO a\r\n",
        "get / HTTP/1.1\r\n\r\n",
        "GETS / HTTP/1.1\r\n\r\n",
        "SSH-2.0-x\r\n"
      })
  void otherGarbageEndsTheHandshake(String garbage) throws Exception {
    try (Peer client = Peer.to(broker.port()).plain()) {
      client.send(garbage);
      assertThat(Octets.untilItBreaks(client.in())).doesNotContain("HTTP/1.1");
    }
  }
}
