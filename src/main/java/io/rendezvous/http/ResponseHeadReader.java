package io.rendezvous.http;

import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Collects the octets of one response head, however they are split, and corrects what every client
 * forgives: lines that end with a bare LF, blanks before a colon, folded lines, a status line
 * without the blank before a missing reason, empty lines before the head (RFC 9112, 2.2, 4, 5.1 and
 * 5.2). So what {@link #head} returns can be parsed strictly and sent on.
 *
 * <p>Used by one thread at a time.
 */
public final class ResponseHeadReader {
  private static final int INITIAL_SIZE = 1024;
  private static final byte[] VERSION = "HTTP/1.".getBytes(StandardCharsets.US_ASCII);
  private static final int STATUS_LINE = "HTTP/1.1 200".length();

  private final int maxLength;
  private byte[] octets = new byte[0]; // corrected, and of the current line as it came
  private int length;
  private int lineStart;
  private int fieldsStart;
  private int received;
  private HeadReader.Progress progress = HeadReader.Progress.MORE;

  /**
   * Creates a reader of one head.
   *
   * @param maxLength the maximum number of octets, including the empty line
   */
  public ResponseHeadReader(int maxLength) {
    this.maxLength = maxLength;
  }

  /** Consumes octets of the head from a buffer, and leaves those that follow the head. */
  public HeadReader.Progress read(ByteBuffer from) {
    while (progress == HeadReader.Progress.MORE && from.hasRemaining()) {
      if (received == maxLength) {
        progress = HeadReader.Progress.TOO_LONG;
      } else if (!readText(from)) {
        received++;
        progress = add(from.get());
      }
    }
    return progress;
  }

  /** Consumes octets within a line, all at once. Returns whether there were any. */
  private boolean readText(ByteBuffer from) {
    int n = isAfterCr() ? 0 : HeadReader.textLength(from, maxLength - received);
    if (n > 0) {
      makeRoom(n);
      from.get(octets, length, n);
      length += n;
      received += n;
    }
    return n > 0;
  }

  private boolean isAfterCr() {
    return length > lineStart && octets[length - 1] == '\r';
  }

  private HeadReader.Progress add(byte octet) {
    if (octet == '\n') {
      return endLine();
    }
    if (isAfterCr() || HeadReader.isControl(octet)) {
      return HeadReader.Progress.MALFORMED;
    }
    append(octet);
    return HeadReader.Progress.MORE;
  }

  /** Corrects the line that has just ended. */
  private HeadReader.Progress endLine() {
    if (length > lineStart && octets[length - 1] == '\r') {
      length--;
    }
    boolean empty = length == lineStart;
    if (empty && lineStart == 0) {
      return HeadReader.Progress.MORE; // before the head
    }
    if (lineStart == 0) {
      if (!startsAsHttp()) {
        return HeadReader.Progress.MALFORMED; // there may never be an empty line
      }
      endStatusLine();
      fieldsStart = length + 2;
    } else if (!empty && lineStart == fieldsStart && isBlank(octets[lineStart])) {
      length = lineStart; // a folded line without one before is ignored
      return HeadReader.Progress.MORE;
    } else if (!empty && isBlank(octets[lineStart])) {
      unfold();
    } else {
      removeBlanksBeforeColon();
    }
    append((byte) '\r');
    append((byte) '\n');
    lineStart = length;
    return empty ? HeadReader.Progress.WHOLE : HeadReader.Progress.MORE;
  }

  private boolean startsAsHttp() {
    return Arrays.equals(octets, 0, Math.min(length, VERSION.length), VERSION, 0, VERSION.length);
  }

  private void endStatusLine() {
    if (length == STATUS_LINE) {
      append((byte) ' ');
    }
  }

  /** Joins the line to the one before. */
  private void unfold() {
    int blankEnd = lineStart;
    while (blankEnd < length && isBlank(octets[blankEnd])) {
      blankEnd++;
    }
    octets[lineStart - 2] = ' ';
    System.arraycopy(octets, blankEnd, octets, lineStart - 1, length - blankEnd);
    length -= blankEnd - lineStart + 1;
  }

  private void removeBlanksBeforeColon() {
    int colon = lineStart;
    while (colon < length && octets[colon] != ':') {
      colon++;
    }
    int nameEnd = colon;
    while (nameEnd > lineStart && isBlank(octets[nameEnd - 1])) {
      nameEnd--;
    }
    System.arraycopy(octets, colon, octets, nameEnd, length - colon);
    length -= colon - nameEnd;
  }

  private void append(byte octet) {
    makeRoom(1);
    octets[length++] = octet;
  }

  private void makeRoom(int more) {
    if (length + more > octets.length) {
      int size = Math.max(INITIAL_SIZE, Math.max(2 * length, length + more));
      octets = Arrays.copyOf(octets, size);
    }
  }

  private static boolean isBlank(byte octet) {
    return octet == ' ' || octet == '\t';
  }

  /** Returns whether nothing of a head has been read yet. */
  public boolean isEmpty() {
    return length == 0;
  }

  /** Returns the corrected octets of the head. */
  public byte[] head() {
    return Arrays.copyOf(octets, length);
  }

  /**
   * Returns the head that was read whole.
   *
   * @throws ProtocolException if it is malformed beyond what can be corrected
   */
  public ResponseHead parse() throws ProtocolException {
    return ResponseHead.parse(head());
  }
}
