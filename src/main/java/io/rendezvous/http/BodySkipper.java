package io.rendezvous.http;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Reads and discards a body, and finds its end (RFC 9112, 6.3 and 7.1). The chunks of a request are
 * read strictly, so that no proxy in front of the broker can see the end of the body elsewhere.
 *
 * <p>Used by one thread at a time.
 */
public final class BodySkipper {
  /** The state after the octets read so far. */
  public enum Progress {
    /** The body is not complete. */
    MORE,
    /** The body is complete. */
    END,
    /** The octets are not a body, whatever follows. */
    MALFORMED
  }

  private static final int MAX_SIZE_DIGITS = 8;

  /** The part of the body that the next octet belongs to. */
  private enum Part {
    SIZE,
    BLANK_AFTER_SIZE,
    EXTENSION,
    QUOTED,
    QUOTED_PAIR,
    LF_OF_SIZE,
    DATA,
    CR_OF_DATA,
    LF_OF_DATA,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    LF_OF_TRAILER,
    LAST_LF,
    END
  }

  private final boolean chunked;
  private final boolean lenient;
  private Part part;
  private long left;
  private int digits;

  /**
   * Creates a skipper of the body of one request.
   *
   * @param length the number of octets, or -1 for a chunked body
   */
  public BodySkipper(long length) {
    this(length, false);
  }

  private BodySkipper(long length, boolean lenient) {
    this.lenient = lenient;
    chunked = length < 0;
    left = Math.max(0, length);
    part = chunked ? Part.SIZE : left > 0 ? Part.DATA : Part.END;
  }

  /**
   * Creates a skipper of the body of one answer. It forgives what every client forgives: blanks
   * after the size of a chunk.
   *
   * @param length the number of octets, or -1 for a chunked body
   */
  public static BodySkipper ofAnswer(long length) {
    return new BodySkipper(length, true);
  }

  /** Consumes octets of the body from a buffer, and leaves those that follow the body. */
  public Progress skip(ByteBuffer from) {
    return skip(from, null);
  }

  /**
   * Consumes octets of the body, and copies those that are data, without what frames chunks.
   *
   * @param data has room for as many octets as the buffer has
   */
  public Progress unframe(ByteBuffer from, ByteBuffer data) {
    return skip(from, data);
  }

  private Progress skip(ByteBuffer from, @Nullable ByteBuffer data) {
    while (part != Part.END && from.hasRemaining()) {
      if (part == Part.DATA) {
        int n = (int) Math.min(left, from.remaining());
        if (data != null) {
          data.put(data.position(), from, from.position(), n);
          data.position(data.position() + n);
        }
        from.position(from.position() + n);
        left -= n;
        if (left == 0) {
          part = chunked ? Part.CR_OF_DATA : Part.END;
        }
      } else if (!take(from.get())) {
        return Progress.MALFORMED;
      }
    }
    return part == Part.END ? Progress.END : Progress.MORE;
  }

  /** Takes an octet outside of the data. Returns false if it is not allowed there. */
  private boolean take(byte octet) {
    return switch (part) {
      case SIZE -> takeSize(octet);
      case BLANK_AFTER_SIZE -> isBlank(octet) || takeEndOfSize(octet);
      case EXTENSION -> octet == '"' ? go(Part.QUOTED) : takeUntilCr(octet, Part.LF_OF_SIZE);
      case QUOTED -> takeQuoted(octet);
      case QUOTED_PAIR -> go(Part.QUOTED) && isText(octet);
      case LF_OF_SIZE -> take(octet, '\n', left > 0 ? Part.DATA : Part.TRAILER_START);
      case CR_OF_DATA -> take(octet, '\r', Part.LF_OF_DATA);
      case LF_OF_DATA -> take(octet, '\n', Part.SIZE);
      case TRAILER_START ->
          octet == '\r' ? go(Part.LAST_LF) : go(Part.TRAILER_NAME) && HeaderField.isInToken(octet);
      case TRAILER_NAME -> octet == ':' ? go(Part.TRAILER_VALUE) : HeaderField.isInToken(octet);
      case TRAILER_VALUE -> takeUntilCr(octet, Part.LF_OF_TRAILER);
      case LF_OF_TRAILER -> take(octet, '\n', Part.TRAILER_START);
      case LAST_LF -> take(octet, '\n', Part.END);
      case DATA, END -> throw new IllegalStateException();
    };
  }

  private boolean takeSize(byte octet) {
    int digit = Character.digit(octet, 16);
    if (digit >= 0) {
      left = left * 16 + digit;
      return ++digits <= MAX_SIZE_DIGITS;
    }
    boolean any = digits > 0;
    digits = 0;
    if (lenient && isBlank(octet)) {
      return go(Part.BLANK_AFTER_SIZE) && any;
    }
    return takeEndOfSize(octet) && any;
  }

  private boolean takeEndOfSize(byte octet) {
    return octet == ';' ? go(Part.EXTENSION) : take(octet, '\r', Part.LF_OF_SIZE);
  }

  private static boolean isBlank(byte octet) {
    return octet == ' ' || octet == '\t';
  }

  /** Takes an octet of a quoted string, which has to end within its line (RFC 9110, 5.6.4). */
  private boolean takeQuoted(byte octet) {
    return switch (octet) {
      case '"' -> go(Part.EXTENSION);
      case '\\' -> go(Part.QUOTED_PAIR);
      default -> isText(octet);
    };
  }

  private boolean takeUntilCr(byte octet, Part next) {
    return octet == '\r' ? go(next) : isText(octet);
  }

  private static boolean isText(byte octet) {
    return octet != '\r' && !HeadReader.isControl(octet);
  }

  private boolean go(Part next) {
    part = next;
    return true;
  }

  private boolean take(byte octet, char expected, Part next) {
    part = next;
    return octet == expected;
  }
}
