package io.rendezvous.http;

import java.nio.ByteBuffer;

/**
 * Finds the end of a body, which nobody wants (RFC 9112, 6.3 and 7.1). Chunks are read strictly:
 * what this broker takes for the end, nobody before it may have taken for anything else.
 *
 * <p>Used by one thread at a time.
 */
public final class BodySkipper {
  /** What the octets so far amount to. */
  public enum Progress {
    /** More of the body is to come. */
    MORE,
    /** The body is over. */
    END,
    /** No body, whatever follows. */
    MALFORMED
  }

  private static final int MAX_DIGITS = 8;

  /** What the next octet belongs to. */
  private enum Part {
    SIZE,
    EXTENSION,
    LF_OF_SIZE,
    DATA,
    CR_OF_DATA,
    LF_OF_DATA,
    TRAILER_START,
    TRAILER,
    LF_OF_TRAILER,
    LAST_LF,
    NOTHING
  }

  private final boolean chunked;
  private Part part;
  private long left;
  private int digits;

  /**
   * Creates a body of which nothing has come yet.
   *
   * @param length how many octets it has, or -1 where its chunks tell
   */
  public BodySkipper(long length) {
    chunked = length < 0;
    left = Math.max(0, length);
    part = chunked ? Part.SIZE : left > 0 ? Part.DATA : Part.NOTHING;
  }

  /** Takes octets of the body out of the buffer, none of those behind it. */
  public Progress skip(ByteBuffer from) {
    while (part != Part.NOTHING && from.hasRemaining()) {
      if (part == Part.DATA) {
        int n = (int) Math.min(left, from.remaining());
        from.position(from.position() + n);
        left -= n;
        if (left == 0) {
          part = chunked ? Part.CR_OF_DATA : Part.NOTHING;
        }
      } else if (!take(from.get())) {
        return Progress.MALFORMED;
      }
    }
    return part == Part.NOTHING ? Progress.END : Progress.MORE;
  }

  /** Takes an octet of what frames the data; returns whether it may stand there. */
  private boolean take(byte octet) {
    return switch (part) {
      case SIZE -> takeSize(octet);
      case EXTENSION -> takeUntilCr(octet, Part.LF_OF_SIZE);
      case LF_OF_SIZE -> take(octet, '\n', left > 0 ? Part.DATA : Part.TRAILER_START);
      case CR_OF_DATA -> take(octet, '\r', Part.LF_OF_DATA);
      case LF_OF_DATA -> take(octet, '\n', Part.SIZE);
      case TRAILER_START -> {
        part = Part.TRAILER;
        yield takeUntilCr(octet, Part.LAST_LF);
      }
      case TRAILER -> takeUntilCr(octet, Part.LF_OF_TRAILER);
      case LF_OF_TRAILER -> take(octet, '\n', Part.TRAILER_START);
      case LAST_LF -> take(octet, '\n', Part.NOTHING);
      case DATA, NOTHING -> throw new IllegalStateException();
    };
  }

  private boolean takeSize(byte octet) {
    int digit = Character.digit(octet, 16);
    if (digit >= 0) {
      left = left * 16 + digit;
      return ++digits <= MAX_DIGITS;
    }
    boolean any = digits > 0;
    digits = 0;
    if (octet == ';') {
      part = Part.EXTENSION;
      return any;
    }
    return any && take(octet, '\r', Part.LF_OF_SIZE);
  }

  private boolean takeUntilCr(byte octet, Part next) {
    return octet == '\r' ? take(octet, '\r', next) : !HeadReader.isControl(octet);
  }

  private boolean take(byte octet, char expected, Part next) {
    part = next;
    return octet == expected;
  }
}
