package io.rendezvous.http;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Collects the octets of one head up to and including its empty line, however they are split. It
 * stops at the first octet that cannot be part of a head: a line end other than CR LF, a control
 * character, or an empty line before the first line (RFC 9112, 2.2; RFC 9110, 5.5).
 *
 * <p>Used by one thread at a time.
 */
public final class HeadReader {
  /** The state after the octets read so far. */
  public enum Progress {
    /** The head is not complete. */
    MORE,
    /** The head is complete; see {@link #head}. */
    WHOLE,
    /** The octets are not a head, whatever follows. */
    MALFORMED,
    /** The head exceeds the maximum length. */
    TOO_LONG
  }

  private static final int INITIAL_SIZE = 1024;

  private final int maxLength;
  private byte[] octets = new byte[0];
  private int length;
  private Progress progress = Progress.MORE;

  /**
   * Creates a reader of one head.
   *
   * @param maxLength the maximum number of octets, including the empty line
   */
  public HeadReader(int maxLength) {
    this.maxLength = maxLength;
  }

  /** Consumes octets of the head from a buffer, and leaves those that follow the head. */
  public Progress read(ByteBuffer from) {
    while (progress == Progress.MORE && from.hasRemaining()) {
      if (length == maxLength) {
        progress = Progress.TOO_LONG;
      } else {
        progress = add(from.get());
      }
    }
    return progress;
  }

  private Progress add(byte octet) {
    if (length == octets.length) {
      octets = Arrays.copyOf(octets, Math.min(maxLength, Math.max(INITIAL_SIZE, 2 * length)));
    }
    octets[length++] = octet;
    boolean afterCr = at(2) == '\r';
    if (octet == '\n') {
      if (!afterCr) {
        return Progress.MALFORMED;
      }
      return at(3) == '\n' && at(4) == '\r' ? Progress.WHOLE : Progress.MORE;
    }
    if (afterCr || length == 1 && octet == '\r') { // a bare CR, or an empty first line
      return Progress.MALFORMED;
    }
    return isControl(octet) ? Progress.MALFORMED : Progress.MORE;
  }

  /** Returns an octet by its distance from the end, the last being 1; or 0 if there is none. */
  private int at(int fromEnd) {
    return length < fromEnd ? 0 : octets[length - fromEnd];
  }

  /** Returns whether an octet is a control character other than a tab and CR. */
  static boolean isControl(byte octet) {
    return octet >= 0 && octet < ' ' && octet != '\t' && octet != '\r' || octet == 0x7f;
  }

  /** Returns whether nothing has been read yet. */
  public boolean isEmpty() {
    return length == 0;
  }

  /** Returns the octets read so far. */
  public byte[] head() {
    return Arrays.copyOf(octets, length);
  }
}
