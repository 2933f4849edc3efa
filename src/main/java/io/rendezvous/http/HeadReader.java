package io.rendezvous.http;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Collects the octets of one head up to and including its empty line, however they are split. It
 * stops at the first octet that cannot be part of a head: a line end other than CR LF, or a control
 * character (RFC 9112, 2.2; RFC 9110, 5.5). One empty line before the first line is skipped.
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
    /** The head exceeds the maximum length, or has too many header lines. */
    TOO_LONG
  }

  /** The maximum number of header lines. Each costs time, however short it is. */
  static final int MAX_FIELDS = 128;

  private static final int INITIAL_SIZE = 1024;

  private final int maxLength;
  private byte[] octets = new byte[0];
  private int length;
  private int lines;
  private boolean skipped; // the empty line before the head
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
      } else if (!readText(from)) {
        progress = add(from.get());
      }
    }
    return progress;
  }

  /** Consumes octets within a line, all at once. Returns whether there were any. */
  private boolean readText(ByteBuffer from) {
    int n = at(1) == '\r' ? 0 : textLength(from, maxLength - length);
    if (n > 0) {
      makeRoom(n);
      from.get(octets, length, n);
      length += n;
    }
    return n > 0;
  }

  /** Returns how many octets follow, up to a maximum, that are no control characters. */
  static int textLength(ByteBuffer from, int max) {
    int start = from.position();
    int end = start + Math.min(from.remaining(), max);
    int at = start;
    while (at < end && isText(from.get(at))) {
      at++;
    }
    return at - start;
  }

  private static boolean isText(byte octet) {
    return octet != '\r' && !isControl(octet);
  }

  private void makeRoom(int more) {
    if (length + more > octets.length) {
      int size = Math.max(INITIAL_SIZE, Math.max(2 * length, length + more));
      octets = Arrays.copyOf(octets, Math.min(maxLength, size));
    }
  }

  private Progress add(byte octet) {
    makeRoom(1);
    octets[length++] = octet;
    boolean afterCr = at(2) == '\r';
    if (octet == '\n') {
      return afterCr ? endLine() : Progress.MALFORMED;
    }
    if (afterCr || length == 1 && octet == '\r' && skipped) { // a bare CR, or a second empty line
      return Progress.MALFORMED;
    }
    return isControl(octet) ? Progress.MALFORMED : Progress.MORE;
  }

  private Progress endLine() {
    if (length == 2) {
      length = 0;
      skipped = true;
      return Progress.MORE;
    }
    if (at(3) == '\n' && at(4) == '\r') {
      return Progress.WHOLE;
    }
    lines++;
    return lines > 1 + MAX_FIELDS ? Progress.TOO_LONG : Progress.MORE;
  }

  /** Returns an octet by its distance from the end, the last being 1; or 0 if there is none. */
  private int at(int fromEnd) {
    return length < fromEnd ? 0 : octets[length - fromEnd];
  }

  /** Returns whether an octet is a control character other than a tab and CR. */
  static boolean isControl(byte octet) {
    return octet >= 0 && octet < ' ' && octet != '\t' && octet != '\r' || octet == 0x7f;
  }

  /** Returns whether nothing of the head has been read yet. */
  public boolean isEmpty() {
    return length == 0;
  }

  /** Returns the octets read so far. */
  public byte[] head() {
    return Arrays.copyOf(octets, length);
  }
}
