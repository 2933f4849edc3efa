package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConnectResponseTest {
  private static final Instant NOW = Instant.parse("2026-01-31T12:00:00Z");

  private static ConnectResponse refusal(String status, String lines) throws Exception {
    String body = "{\"error\":{\"permanent\":false,\"diagnostic\":\"the reason\"}}";
    String head =
        "HTTP/1.1 " + status + "\r\nContent-Length: " + body.length() + "\r\n" + lines + "\r\n";
    ConnectResponse refusal = new ConnectResponse(head.getBytes(StandardCharsets.ISO_8859_1), NOW);
    assertThat(refusal.isComplete()).isFalse();
    refusal.add(ByteBuffer.wrap(body.getBytes(StandardCharsets.ISO_8859_1)));
    assertThat(refusal.isComplete()).isTrue();
    return refusal;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Sat, 31 Jan 2026 12:01:35 GMT | this machine's clock is 95 s behind the broker's, so set it right",
        "Sat, 31 Jan 2026 11:00:00 GMT | this machine's clock is 3600 s ahead of the broker's, so set it right",
        "Sat, 31 Jan 2026 12:00:05 GMT | the clocks agree, so look at the UUID and the secret",
        "yesterday                     | look at the UUID, the secret and this machine's clock",
      })
  void wrongTokenIsExplainedByTheClocks(String date, String words) throws Exception {
    assertThat(refusal("401 Unauthorized", "Date: " + date + "\r\n").inWords())
        .isEqualTo("the broker refused: 401 the reason; " + words);
  }

  @Test
  void timeToWaitIsObeyedWithinReason() throws Exception {
    assertThat(refusal("429 x", "Retry-After: 61\r\n").retryAfter())
        .isEqualTo(Duration.ofSeconds(61));
    assertThat(refusal("503 x", "Retry-After: 999999\r\n").retryAfter())
        .isEqualTo(Duration.ofHours(1));
    assertThat(refusal("503 x", "Retry-After: soon\r\n").retryAfter()).isZero();
    assertThat(refusal("503 x", "").inWords()).isEqualTo("the broker refused: 503 the reason");
  }

  @Test
  void whatABrokerSaysCannotPassForMoreThanOneLine() throws Exception {
    ConnectResponse refusal =
        new ConnectResponse("HTTP/1.1 400\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1), NOW);
    refusal.add(
        ByteBuffer.wrap(
            ("{\"error\":{\"diagnostic\":\"a\\n\\u001bb" + "c".repeat(300) + "\"}}")
                .getBytes(StandardCharsets.ISO_8859_1)));
    assertThat(refusal.inWords())
        .startsWith("the broker refused: 400 a  bccc")
        .hasSizeLessThan(250);
  }
}
