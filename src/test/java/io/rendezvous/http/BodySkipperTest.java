package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.http.BodySkipper.Progress;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The end of a body is found, and nothing else is taken for it (RFC 9112, 6.3 and 7.1). */
class BodySkipperTest {
  @Test
  void lengthIsCounted() {
    assertThat(new BodySkipper(0).skip(Heads.octets("next"))).isEqualTo(Progress.END);
    assertThat(new BodySkipper(0).skip(Heads.octets(""))).isEqualTo(Progress.END);
    BodySkipper body = new BodySkipper(5);
    assertThat(body.skip(Heads.octets("abc"))).isEqualTo(Progress.MORE);
    ByteBuffer rest = Heads.octets("denext");
    assertThat(body.skip(rest)).isEqualTo(Progress.END);
    assertThat(rest.remaining()).isEqualTo(4);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "A\r\n0\r\n\r\n01234\r\n000\r\n\r\n",
        "5;a=\"b\";c\r\nhello\r\n0;x\r\nX-Trailer: a\r\nY:\r\n\r\n",
        "00000005\r\nhello\r\n00000000\r\n\r\n",
        "1a\r\nabcdefghijklmnopqrstuvwxyz\r\nB\r\n0123456789a\r\n0\r\n\r\n",
        "0;\t\u00e9\r\na:\u00e9\t\r\n\r\n",
        "0;a=\"; \\\" \u00e9\";b=\"\"\r\n\r\n",
      })
  void chunksAreFollowedHoweverTheyAreSplit(String chunks) {
    for (int size = 1; size <= chunks.length(); size++) {
      BodySkipper body = new BodySkipper(-1);
      ByteBuffer all = Heads.octets(chunks + "GET");
      Progress progress = Progress.MORE;
      while (progress == Progress.MORE) {
        ByteBuffer piece = all.slice().limit(Math.min(size, all.remaining()));
        progress = body.skip(piece);
        all.position(all.position() + piece.position());
      }
      assertThat(progress).isEqualTo(Progress.END);
      assertThat(all.remaining()).isEqualTo(3);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"5 \r\nhello\r\n0 \t;x\r\n\r\n", "0000 \r\n\r\n"})
  void blanksAfterASizeAreForgivenInAnswersOnly(String chunks) {
    assertThat(BodySkipper.ofAnswer(-1).skip(Heads.octets(chunks))).isEqualTo(Progress.END);
    assertThat(new BodySkipper(-1).skip(Heads.octets(chunks))).isEqualTo(Progress.MALFORMED);
    assertThat(BodySkipper.ofAnswer(-1).skip(Heads.octets(" " + chunks)))
        .isEqualTo(Progress.MALFORMED);
    assertThat(BodySkipper.ofAnswer(-1).skip(Heads.octets("5 5\r\n")))
        .isEqualTo(Progress.MALFORMED);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\r\n",
        ";a\r\n",
        "0x5\r\n",
        "-1\r\n",
        "5 \r\n",
        "zz\r\n",
        "g\r\n",
        "5g\r\n",
        "5\n",
        "5\r\r",
        "000000005\r\n",
        "FFFFFFFFF\r\n",
        "5\r\nhello\n",
        "5\r\nhelloX",
        "5;a\u0000\r\n",
        "0\r\nX: a\n",
        "0\r\n\n",
        "0\r\n\rX",
        "5;a=\"b\r\nhello\r\n0\r\n\r\n",
        "5;a=\"b\\\r\nhello\r\n0\r\n\r\n",
        "5;a=\"\u0001\"\r\nhello\r\n0\r\n\r\n",
        "5;a=\"\\\u0001\"\r\nhello\r\n0\r\n\r\n",
        "0\r\n folded: a\r\n\r\n",
        "0\r\nX: a\r\n\tfolded\r\n\r\n",
        "0\r\nX\r\n\r\n",
        "0\r\nX : a\r\n\r\n",
        "0\r\n: a\r\n\r\n",
        "0\r\nX: \u0001\r\n\r\n",
      })
  void malformedChunkIsNoticed(String chunks) {
    assertThat(new BodySkipper(-1).skip(Heads.octets(chunks))).isEqualTo(Progress.MALFORMED);
    BodySkipper byOne = new BodySkipper(-1);
    assertThat(chunks.chars().anyMatch(c -> isMalformed(byOne, c))).isTrue();
  }

  private static boolean isMalformed(BodySkipper body, int octet) {
    return body.skip(Heads.octets(Character.toString(octet))) == Progress.MALFORMED;
  }
}
