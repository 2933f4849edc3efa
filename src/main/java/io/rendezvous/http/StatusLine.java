package io.rendezvous.http;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/** The status lines at the beginning of an answer that is not otherwise looked at. */
public final class StatusLine {
  private static final String START = "HTTP/1.1 ";
  private static final int SWITCHING_PROTOCOLS = 101;
  private static final int END_OF_HEAD = '\r' << 24 | '\n' << 16 | '\r' << 8 | '\n';

  private StatusLine() {}

  /**
   * Returns the status of the answer that begins with some octets. Interim responses (1xx) are
   * skipped, except for the one that switches protocols. The buffer is left as it is.
   *
   * @return empty if the octets do not contain it
   */
  public static OptionalInt statusOf(ByteBuffer octets) {
    int at = octets.position();
    while (true) {
      int status = statusAt(octets, at);
      if (status < 0) {
        return OptionalInt.empty();
      }
      if (status / 100 != 1 || status == SWITCHING_PROTOCOLS) {
        return OptionalInt.of(status);
      }
      at = endOfHead(octets, at);
    }
  }

  /** Returns the status of the line at a position, or -1 if there is none. */
  private static int statusAt(ByteBuffer octets, int at) {
    int end = at + START.length() + 3;
    if (end > octets.limit()) {
      return -1;
    }
    byte[] line = new byte[START.length() + 3];
    octets.get(at, line);
    String text = new String(line, StandardCharsets.ISO_8859_1);
    return text.matches("HTTP/1\\.[01] [1-9]\\d\\d")
        ? Integer.parseInt(text.substring(START.length()))
        : -1;
  }

  private static int endOfHead(ByteBuffer octets, int at) {
    int from = at;
    while (from + Integer.BYTES <= octets.limit() && octets.getInt(from) != END_OF_HEAD) {
      from++;
    }
    return Math.min(from + Integer.BYTES, octets.limit());
  }
}
