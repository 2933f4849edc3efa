package io.rendezvous.http;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Gathers the octets of one head, up to and with its empty line, whatever the pieces they come in.
 * What cannot become a head is noticed at the first wrong octet: a line that does not end in CR LF,
 * a control character (RFC 9112, 2.2; RFC 9110, 5.5).
 *
 * <p>Used by one thread at a time.
 */
public final class HeadReader {
  /** What the octets so far amount to. */
  public enum Progress {
    /** Not a head yet. */
    MORE,
    /** A whole head: see {@link #head}. */
    WHOLE,
    /** No head, whatever follows. */
    MALFORMED,
    /** Longer than allowed. */
    TOO_LONG
  }

  private static final int FIRST_SIZE = 1024;

  private final int most;
  private byte[] octets = new byte[0];
  private int length;
  private Progress progress = Progress.MORE;

  /**
   * Creates a reader.
   *
   * @param most how many octets a head may have
   */
  public HeadReader(int most) {
    this.most = most;
  }

  /** Takes octets of the head out of the buffer, none of those behind it. */
  public Progress read(ByteBuffer from) {
    while (progress == Progress.MORE && from.hasRemaining()) {
      if (length == most) {
        progress = Progress.TOO_LONG;
      } else {
        progress = add(from.get());
      }
    }
    return progress;
  }

  private Progress add(byte octet) {
    if (length == octets.length) {
      octets = Arrays.copyOf(octets, Math.min(most, Math.max(FIRST_SIZE, 2 * length)));
    }
    octets[length++] = octet;
    boolean afterCr = at(2) == '\r';
    if (octet == '\n') {
      if (!afterCr) {
        return Progress.MALFORMED;
      }
      return at(3) == '\n' && at(4) == '\r' ? Progress.WHOLE : Progress.MORE;
    }
    if (afterCr || length == 1 && octet == '\r') { // a bare CR, or an empty line before the first
      return Progress.MALFORMED;
    }
    return isControl(octet) ? Progress.MALFORMED : Progress.MORE;
  }

  /** Returns the octet that is so many places before the end, 0 if there is none. */
  private int at(int fromEnd) {
    return length < fromEnd ? 0 : octets[length - fromEnd];
  }

  static boolean isControl(byte octet) {
    return octet >= 0 && octet < ' ' && octet != '\t' && octet != '\r' || octet == 0x7f;
  }

  /** Returns whether nothing has been read yet. */
  public boolean isEmpty() {
    return length == 0;
  }

  /** Returns the octets read so far, or the whole head with its empty line. */
  public byte[] head() {
    return Arrays.copyOf(octets, length);
  }
}
