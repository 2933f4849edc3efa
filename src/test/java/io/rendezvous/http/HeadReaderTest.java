package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.http.HeadReader.Progress;
import io.rendezvous.http.Heads.Reading;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A head is collected up to its empty line, and what cannot become one is noticed at once. */
class HeadReaderTest {
  private static final String HEAD = "GET / HTTP/1.1\r\nHost: a\r\nX:\t\u00e9 \r\n\r\n";

  @Test
  void headIsReadWholeAndWhatFollowsIsLeft() {
    assertThat(Heads.read(HEAD + "body", 8192)).isEqualTo(new Reading(Progress.WHOLE, HEAD, 4));
  }

  @Test
  void headIsNotCompleteBeforeItsLastOctet() {
    for (int length = 0; length < HEAD.length(); length++) {
      String part = HEAD.substring(0, length);
      assertThat(Heads.read(part, 8192)).isEqualTo(new Reading(Progress.MORE, part, 0));
    }
  }

  @Test
  void readerIsEmptyUntilTheFirstOctet() {
    HeadReader reader = new HeadReader(8192);
    assertThat(reader.read(ByteBuffer.allocate(0))).isEqualTo(Progress.MORE);
    assertThat(reader.isEmpty()).isTrue();
    assertThat(reader.head()).isEmpty();
    reader.read(Heads.octets("G"));
    assertThat(reader.isEmpty()).isFalse();
  }

  @Test
  void emptyLineBeforeTheHeadIsSkipped() {
    assertThat(Heads.read("\r\n" + HEAD + "body", 8192))
        .isEqualTo(new Reading(Progress.WHOLE, HEAD, 4));
    assertThat(Heads.read("\r\n" + HEAD, HEAD.length()))
        .isEqualTo(new Reading(Progress.WHOLE, HEAD, 0));
    assertThat(Heads.read("\r\n", 8192)).isEqualTo(new Reading(Progress.MORE, "", 0));
  }

  @Test
  void headOfTooManyLinesIsTooLong() {
    String most = "GET / HTTP/1.1\r\n" + "a:\r\n".repeat(128);
    assertThat(Heads.read(most + "\r\n", 8192))
        .isEqualTo(new Reading(Progress.WHOLE, most + "\r\n", 0));
    String more = most + "a:\r\n";
    assertThat(Heads.read(more + "\r\n", 8192)).isEqualTo(new Reading(Progress.TOO_LONG, more, 2));
  }

  @Test
  void maximumIsExact() {
    int length = HEAD.length();
    assertThat(Heads.read(HEAD, length)).isEqualTo(new Reading(Progress.WHOLE, HEAD, 0));
    assertThat(Heads.read(HEAD, length - 1))
        .isEqualTo(new Reading(Progress.TOO_LONG, HEAD.substring(0, length - 1), 1));
    assertThat(Heads.read(HEAD.substring(0, length - 1), length - 1).progress())
        .isEqualTo(Progress.MORE);
  }

  @ParameterizedTest
  @CsvSource({"1000, 8192", "1024, 8192", "1025, 8192", "5000, 8192", "8192, 8192", "1500, 1500"})
  void headOfAnyLengthIsKept(int length, int max) {
    String start = "GET / HTTP/1.1\r\nX: ";
    String head = start + "x".repeat(length - start.length() - 4) + "\r\n\r\n";
    assertThat(Heads.read(head + "y", max)).isEqualTo(new Reading(Progress.WHOLE, head, 1));
  }

  /** The text ends with the wrong octet; what follows is not read any more. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "a\n",
        "a\rb",
        "\rb",
        "\n",
        "a\0",
        "a\u0007",
        "a\u001f",
        "a\u007f",
        "a\r\n\rb",
        "a\r\r",
        "\r\r",
        "\r\n\r",
        "\r\n\n",
        "a\r\n\n",
        "\u0016\u0003",
        "GET / HTTP/1.1\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\0",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\u000b",
        "CONNECT uuid:x\n",
        "CONNECT \0",
        "CONNECT uuid:x HTTP/1.1\rX",
        "CONNECT uuid:x HTTP/1.1\r\nA: b\u0001",
      })
  void wrongOctetIsNoticedAtOnce(String text) {
    Reading reading = Heads.read(text + "and more\r\n\r\n", 8192);
    assertThat(reading.progress()).isEqualTo(Progress.MALFORMED);
    int end = text.equals("\u0016\u0003") ? 1 : 0;
    assertThat(reading.left()).isEqualTo("and more\r\n\r\n".length() + end);
  }

  @ParameterizedTest
  @ValueSource(strings = {" ", "\t", "~", "\u0080", "\u00ff", "!"})
  void octetsThatAreNoControlCharactersAreTaken(String octet) {
    String head = "a" + octet + "b\r\n\r\n";
    assertThat(Heads.read(head, 8192)).isEqualTo(new Reading(Progress.WHOLE, head, 0));
  }

  @ParameterizedTest
  @CsvSource({"WHOLE, GET / HTTP/1.1~~", "MALFORMED, ~~"})
  void readerThatIsDoneTakesNothingMore(Progress end, String text) {
    HeadReader reader = new HeadReader(8192);
    assertThat(reader.read(Heads.octets(text.replace("~", "\r\n")))).isEqualTo(end);
    ByteBuffer more = Heads.octets("GET");
    assertThat(reader.read(more)).isEqualTo(end);
    assertThat(more.remaining()).isEqualTo(3);
  }
}
