package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests the statuses of answers of which only the beginning is known. */
class StatusLineTest {
  @ParameterizedTest
  @CsvSource({
    "HTTP/1.1 200 OK~~body, 200",
    "HTTP/1.0 404, 404",
    "HTTP/1.1 599~~, 599",
    "HTTP/1.1 101 Switching Protocols~~x, 101",
    "HTTP/1.1 100 Continue~~HTTP/1.1 201 Created~~, 201",
    "HTTP/1.1 103 Early Hints~Link: x~~HTTP/1.1 103~~HTTP/1.1 500 x~~, 500",
    "HTTP/1.1 100 Continue~~, -1",
    "HTTP/1.1 100 Continue~Link, -1",
    "HTTP/1.1 20, -1",
    "HTTP/2.0 200 OK~~, -1",
    "HTTP/1.1 000 OK~~, -1",
    "SSH-2.0-OpenSSH_9.6, -1",
    "'', -1",
  })
  void statusIsFound(String text, int status) {
    byte[] octets = ("??" + text.replace("~", "\r\n")).getBytes(StandardCharsets.US_ASCII);
    ByteBuffer buffer = ByteBuffer.wrap(octets).position(2);
    OptionalInt expected = status < 0 ? OptionalInt.empty() : OptionalInt.of(status);
    assertThat(StatusLine.statusOf(buffer)).isEqualTo(expected);
    assertThat(buffer.position()).isEqualTo(2);
  }
}
