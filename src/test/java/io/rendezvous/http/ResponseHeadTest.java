package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ProtocolException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where an answer ends is read as RFC 9112 has it (6.3, 9.3). */
class ResponseHeadTest {
  private static ResponseHead head(String lines) throws ProtocolException {
    return ResponseHead.parse(Heads.whole(lines));
  }

  @ParameterizedTest
  @CsvSource({
    "GET,  HTTP/1.1 200 OK~Content-Length: 5,                  LENGTH, 5",
    "GET,  HTTP/1.1 200~Transfer-Encoding: chunked,            CHUNKS, 0",
    "GET,  HTTP/1.1 200~Transfer-Encoding: gzip~Transfer-Encoding: Chunked, CHUNKS, 0",
    "GET,  HTTP/1.1 200~Transfer-Encoding: gzip,               END,    0",
    "GET,  HTTP/1.0 200,                                       END,    0",
    "GET,  HTTP/1.0 200~Content-Length: 0,                     LENGTH, 0",
    "GET,  HTTP/1.1 200~Transfer-Encoding: chunked~Transfer-Encoding: gzip, END, 0",
    "HEAD, HTTP/1.1 200~Transfer-Encoding: chunked,            NONE,   0",
    "GET,  HTTP/1.1 101,                                       NONE,   0",
    "GET,  HTTP/1.1 200~Content-Length: 999999999999999999,    LENGTH, 999999999999999999",
    "HEAD, HTTP/1.1 200~Content-Length: 5,                     NONE,   5",
    "GET,  HTTP/1.1 304~Content-Length: 5,                     NONE,   5",
    "GET,  HTTP/1.1 204,                                       NONE,   0",
    "GET,  HTTP/1.1 103,                                       NONE,   0",
  })
  void endOfTheBodyIsFound(String method, String text, ResponseHead.Framing framing, long length)
      throws Exception {
    assertThat(head(text).framing(method)).isEqualTo(framing);
    assertThat(head(text).length()).isEqualTo(length);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200~Content-Length: 5~Transfer-Encoding: chunked",
        "HTTP/1.1 200~Content-Length: 5~Content-Length: 5",
        "HTTP/1.1 200~Content-Length: -5",
        "HTTP/1.1 200~Content-Length:",
        "HTTP/1.1 200~Content-Length: 1000000000000000000",
        "HTTP/1.1 204~Content-Length: x",
        "HTTP/1.0 200~Transfer-Encoding: chunked",
      })
  void ambiguousEndOfTheBodyIsRefused(String text) throws Exception {
    ResponseHead head = head(text);
    assertThatThrownBy(() -> head.framing("GET")).isInstanceOf(ProtocolException.class);
  }

  @Test
  void connectionStaysOpenAsTheServerWishes() throws Exception {
    assertThat(head("HTTP/1.1 200").persists()).isTrue();
    assertThat(head("HTTP/1.1 200~Connection: x, Close").persists()).isFalse();
    assertThat(head("HTTP/1.0 200").persists()).isFalse();
    assertThat(head("HTTP/1.0 200~Connection: keep-alive").persists()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "HTTP/1.1 200 OK, true, 200",
    "HTTP/1.1 404, true, 404",
    "HTTP/1.1 999 A b: c, true, 999",
    "'HTTP/1.0 503 ', false, 503",
  })
  void statusLineIsRead(String line, boolean http11, int status) throws Exception {
    ResponseHead head = head(line + "~A: b~a: c");
    assertThat(head.http11()).isEqualTo(http11);
    assertThat(head.status()).isEqualTo(status);
    assertThat(head.value("a")).contains("b");
    assertThat(head.value("none")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200OK",
        "HTTP/1.1 099",
        "HTTP/1.1  200",
        "http/1.1 200",
        "HTTP/2 200",
        "HTTP/1.1 20",
        "HTTP/1.1 2000",
        "HTTP/1.2 200",
        "200 OK"
      })
  void malformedStatusLineIsRefused(String text) {
    assertThatThrownBy(() -> head(text)).isInstanceOf(ProtocolException.class);
  }
}
