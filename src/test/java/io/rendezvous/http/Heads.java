package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.http.HeadReader.Progress;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.stream.IntStream;

/** Heads as tables write them: {@code ~} stands for the end of a line, and the last is left out. */
final class Heads {
  static final int MAX = 16 * 1024;

  private Heads() {}

  /** Returns a head with its line ends and its empty line. */
  static String complete(String lines) {
    return lines.replace("~", "\r\n") + "\r\n\r\n";
  }

  static ByteBuffer octets(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  static String text(ByteBuffer octets) {
    return StandardCharsets.ISO_8859_1.decode(octets).toString();
  }

  /** What a reader has made of a text. */
  record Reading(Progress progress, String head, int left) {}

  /**
   * Reads a text whole, octet by octet, and in two pieces cut at every place. Every way has to lead
   * to the same.
   */
  static Reading read(String text, int max) {
    Reading whole = read(text, max, text.length());
    assertThat(readByOne(text, max)).isEqualTo(whole);
    IntStream.range(0, Math.min(text.length(), 500))
        .forEach(cut -> assertThat(read(text, max, cut)).as("cut at %d", cut).isEqualTo(whole));
    return whole;
  }

  private static Reading read(String text, int max, int cut) {
    HeadReader reader = new HeadReader(max);
    ByteBuffer first = octets(text.substring(0, cut));
    ByteBuffer second = octets(text.substring(cut));
    reader.read(first);
    Progress progress = reader.read(second);
    return new Reading(progress, headOf(reader), first.remaining() + second.remaining());
  }

  private static Reading readByOne(String text, int max) {
    HeadReader reader = new HeadReader(max);
    Progress progress = Progress.MORE;
    int left = 0;
    for (int i = 0; i < text.length(); i++) {
      ByteBuffer one = octets(text.substring(i, i + 1));
      progress = reader.read(one);
      left += one.remaining();
    }
    return new Reading(progress, headOf(reader), left);
  }

  private static String headOf(HeadReader reader) {
    return new String(reader.head(), StandardCharsets.ISO_8859_1);
  }

  /** Reads a complete head in every way, and returns its octets. */
  static byte[] whole(String lines) throws ProtocolException {
    String complete = complete(lines);
    Reading reading = read(complete + "body", MAX);
    if (reading.progress() != Progress.WHOLE) {
      throw new ProtocolException("malformed request head"); // as the broker answers
    }
    assertThat(reading).isEqualTo(new Reading(Progress.WHOLE, complete, 4));
    return complete.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Reads the head of a client's request in every way. */
  static RequestHead request(String lines) throws ProtocolException {
    RequestHead head = RequestHead.parse(whole(lines));
    head.checkRequest();
    return head;
  }
}
