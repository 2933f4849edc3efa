package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.http.HeadReader.Progress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeadReaderTest {
  private static final String HEAD = "GET / HTTP/1.1\r\nHost: a\r\nX:\t\u00e9 \r\n\r\n";

  private static ByteBuffer octets(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static String head(HeadReader reader) {
    return new String(reader.head(), StandardCharsets.ISO_8859_1);
  }

  @Test
  void headIsReadWholeAndWhatFollowsIsLeft() {
    HeadReader reader = new HeadReader(8192);
    ByteBuffer octets = octets(HEAD + "body");
    assertThat(reader.read(octets)).isEqualTo(Progress.WHOLE);
    assertThat(head(reader)).isEqualTo(HEAD);
    assertThat(octets.remaining()).isEqualTo(4);
  }

  @Test
  void headIsReadOctetByOctet() {
    HeadReader reader = new HeadReader(8192);
    for (int i = 0; i < HEAD.length() - 1; i++) {
      assertThat(reader.read(octets(HEAD.substring(i, i + 1)))).isEqualTo(Progress.MORE);
    }
    assertThat(reader.read(octets("\n"))).isEqualTo(Progress.WHOLE);
    assertThat(head(reader)).isEqualTo(HEAD);
  }

  @Test
  void boundIsExact() {
    assertThat(new HeadReader(HEAD.length()).read(octets(HEAD))).isEqualTo(Progress.WHOLE);
    assertThat(new HeadReader(HEAD.length() - 1).read(octets(HEAD))).isEqualTo(Progress.TOO_LONG);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"a\n", "a\rb", "\r", "\n", "a\0", "a\u0007", "a\u007f", "a\r\n\rb", "\r\r"})
  void wrongOctetIsNoticedAtOnce(String text) {
    assertThat(new HeadReader(8192).read(octets(text))).isEqualTo(Progress.MALFORMED);
  }
}
