package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.http.HeadReader.Progress;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every client forgives in the head of a response is corrected, however it is split. */
class ResponseHeadReaderTest {
  private static final int MAX = 1000;

  /** What a reader has made of a text. */
  private record Reading(Progress progress, String head, int left) {}

  private static Reading read(String text, int max, int piece) {
    ResponseHeadReader reader = new ResponseHeadReader(max);
    int left = 0;
    Progress progress = Progress.MORE;
    for (int i = 0; i < text.length(); i += piece) {
      ByteBuffer part = Heads.octets(text.substring(i, Math.min(text.length(), i + piece)));
      progress = reader.read(part);
      left += part.remaining();
    }
    return new Reading(progress, new String(reader.head(), StandardCharsets.ISO_8859_1), left);
  }

  private static Reading read(String text, int max) {
    Reading whole = read(text, max, text.length());
    for (int piece : new int[] {1, 2, 3, 7}) {
      Reading split = read(text, max, piece);
      assertThat(split.progress()).isEqualTo(whole.progress());
      if (whole.progress() == Progress.WHOLE) {
        assertThat(split).isEqualTo(whole);
      }
    }
    return whole;
  }

  private static String unescaped(String text) {
    return text.replace("~", "\r\n").replace("|", "\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "HTTP/1.1 200 OK~A:  b ~~;HTTP/1.1 200 OK~A:  b ~~",
        "HTTP/1.1 200~~;HTTP/1.1 200 ~~",
        "HTTP/1.0 200 ~~;HTTP/1.0 200 ~~",
        "HTTP/1.1 200 OK|A: b||;HTTP/1.1 200 OK~A: b~~",
        "HTTP/1.1 200 OK|A: b~|;HTTP/1.1 200 OK~A: b~~",
        "~|HTTP/1.1 200 OK~~;HTTP/1.1 200 OK~~",
        "HTTP/1.1 200 OK~A \t: b: c~B:~~;HTTP/1.1 200 OK~A: b: c~B:~~",
        "HTTP/1.1 200 OK~A: b~ \t c~\td~E: f~~;HTTP/1.1 200 OK~A: b c d~E: f~~",
        "HTTP/1.1 200 OK~ folded~ \t ~A: b~~;HTTP/1.1 200 OK~A: b~~",
        "HTTP/1.1 200~ folded~~;HTTP/1.1 200 ~~",
        "HTTP/1.1 200 OK~A: b~ ~~;HTTP/1.1 200 OK~A: b ~~",
        "HTTP/1.1 200 \u00e4\u0085~A: \u00ff~~;HTTP/1.1 200 \u00e4\u0085~A: \u00ff~~",
      })
  void headIsCorrected(String came, String corrected) throws Exception {
    String text = unescaped(came) + "body";
    assertThat(read(text, MAX))
        .isEqualTo(new Reading(Progress.WHOLE, unescaped(corrected), "body".length()));
    assertThat(ResponseHead.parse(unescaped(corrected).getBytes(StandardCharsets.ISO_8859_1)))
        .isNotNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SSH-2.0-OpenSSH~",
        "<html>|",
        "HTTP/2 200~",
        "HTTP/1.1 200 OK~A: b\rc",
        "HTTP/1.1 200 OK~A: b\0",
        "HTTP/1.1 200 OK~A: b\u007f",
      })
  void whatCannotBecomeAHeadIsNoticedAtOnce(String text) {
    assertThat(read(unescaped(text), MAX).progress()).isEqualTo(Progress.MALFORMED);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 2000~~",
        "HTTP/1.1~~",
        "HTTP/1.1~ 200~~",
        "HTTP/1.1 200 OK~A b~~",
        "HTTP/1.1 200 OK~: b~~"
      })
  void malformedHeadIsRefused(String text) {
    ResponseHeadReader reader = new ResponseHeadReader(MAX);
    assertThat(reader.read(Heads.octets(unescaped(text)))).isEqualTo(Progress.WHOLE);
    assertThatThrownBy(reader::parse).isInstanceOf(ProtocolException.class);
  }

  @Test
  void headIsBounded() {
    String head = "HTTP/1.1 200 OK\r\nA: " + "b".repeat(975) + "\r\n\r\n";
    assertThat(head).hasSize(MAX - 1);
    assertThat(read(head, MAX - 1).progress()).isEqualTo(Progress.WHOLE);
    assertThat(read(head, MAX - 2).progress()).isEqualTo(Progress.TOO_LONG);
    assertThat(read("\r\n".repeat(MAX), MAX).progress()).isEqualTo(Progress.TOO_LONG);
  }
}
