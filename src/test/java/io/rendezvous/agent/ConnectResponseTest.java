package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConnectResponseTest {
  private static final Instant NOW = Instant.parse("2026-01-31T12:00:00Z");

  private static final String REASON =
      "{\"error\":{\"permanent\":false,\"diagnostic\":\"the reason\"}}";

  private static ConnectResponse response(String status, String lines) throws Exception {
    String head = "HTTP/1.1 " + status + "\r\n" + lines + "\r\n";
    return new ConnectResponse(head.getBytes(StandardCharsets.ISO_8859_1), NOW);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Sat, 31 Jan 2026 12:01:35 GMT | this machine's clock is 95 s behind the broker's, so correct it",
        "Sat, 31 Jan 2026 11:00:00 GMT | this machine's clock is 3600 s ahead of the broker's, so correct it",
        "Sat, 31 Jan 2026 12:00:05 GMT | the clocks agree, so check the UUID and the secret",
        "yesterday                     | check the UUID, the secret and this machine's clock",
      })
  void wrongTokenIsExplainedByTheClocks(String date, String words) throws Exception {
    assertThat(response("401 Unauthorized", "Date: " + date + "\r\n").explain(REASON))
        .isEqualTo("the broker refused: 401 the reason; " + words);
  }

  @Test
  void timeToWaitIsObeyedWithinReason() throws Exception {
    assertThat(response("429 x", "Retry-After: 61\r\n").retryAfter())
        .isEqualTo(Duration.ofSeconds(61));
    assertThat(response("503 x", "Retry-After: 999999\r\n").retryAfter())
        .isEqualTo(Duration.ofHours(1));
    assertThat(response("503 x", "Retry-After: soon\r\n").retryAfter()).isZero();
    assertThat(response("503 x", "").explain(REASON))
        .isEqualTo("the broker refused: 503 the reason");
  }

  @Test
  void whatABrokerSaysCannotPassForMoreThanOneLine() throws Exception {
    String body = "{\"error\":{\"diagnostic\":\"a\\n\\u001bb" + "c".repeat(300) + "\"}}";
    assertThat(response("400", "").explain(body))
        .startsWith("the broker refused: 400 a  bccc")
        .hasSizeLessThan(250);
  }

  @ParameterizedTest
  @CsvSource({
    "200, '', true, false",
    "200, Content-Length: 0, true, false",
    "200, Content-Length: 2, true, true",
    "200, Transfer-Encoding: chunked, true, true",
    "204, '', false, false",
    "401, Content-Length: 2, false, false"
  })
  void onlyABareTwoHundredIsABrokers(
      String status, String line, boolean accepted, boolean fromWebServer) throws Exception {
    ConnectResponse response = response(status, line.isEmpty() ? "" : line + "\r\n");
    assertThat(response.isAccepted()).isEqualTo(accepted);
    assertThat(response.isFromWebServer()).isEqualTo(fromWebServer);
  }

  @ParameterizedTest
  @CsvSource({
    "'', 0",
    "Content-Length: 56, 56",
    "Content-Length: 99999, 8192",
    "Content-Length: x, 0"
  })
  void bodyIsReadWithinReason(String line, int length) throws Exception {
    ConnectResponse response = response("503 x", line.isEmpty() ? "" : line + "\r\n");
    assertThat(response.bodyLength()).isEqualTo(length);
  }

  @Test
  void noBrokerAnswersInHttp10() {
    byte[] head = "HTTP/1.0 200 OK\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1);
    assertThatThrownBy(() -> new ConnectResponse(head, NOW)).hasMessageContaining("HTTP/1.0");
  }
}
