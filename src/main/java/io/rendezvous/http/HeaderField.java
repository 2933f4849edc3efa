package io.rendezvous.http;

import java.net.ProtocolException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.Stream;

/**
 * One header line (RFC 9112, 5).
 *
 * @param name the name as sent
 * @param value the value without surrounding blanks, one char for each octet
 * @param start the offset of the line in the head
 * @param end the offset of the next line
 */
public record HeaderField(String name, String value, int start, int end) {
  private static final String TOKEN_SYMBOLS = "!#$%&'*+-.^_`|~";

  /**
   * Parses the header lines of a head.
   *
   * @param head the whole head, ending with an empty line
   * @param start the offset of the first header line
   * @throws ProtocolException if a line is malformed; the message contains nothing of it
   */
  static List<HeaderField> parseAll(String head, int start) throws ProtocolException {
    List<HeaderField> fields = new ArrayList<>();
    int at = start;
    while (!head.startsWith("\r\n", at)) {
      int end = head.indexOf("\r\n", at) + 2;
      fields.add(parse(head, at, end));
      at = end;
    }
    return List.copyOf(fields);
  }

  private static HeaderField parse(String head, int start, int end) throws ProtocolException {
    if (isBlank(head.charAt(start))) {
      throw new ProtocolException("folded header line");
    }
    int colon = head.indexOf(':', start);
    if (colon < 0 || colon >= end) {
      throw new ProtocolException("header line without a colon");
    }
    String name = head.substring(start, colon);
    if (!isToken(name)) { // this refuses a blank before the colon too
      throw new ProtocolException("malformed header name");
    }
    return new HeaderField(name, trim(head.substring(colon + 1, end - 2)), start, end);
  }

  /** Returns whether the line has a name, in whatever case. */
  public boolean is(String other) {
    return name.equalsIgnoreCase(other);
  }

  /** Returns whether the value is a list that contains an item, in whatever case. */
  boolean lists(String item) {
    int end;
    for (int at = 0; at <= value.length(); at = end + 1) {
      int next = value.indexOf(',', at);
      end = next < 0 ? value.length() : next;
      if (end - at >= item.length() && trim(value.substring(at, end)).equalsIgnoreCase(item)) {
        return true;
      }
    }
    return false;
  }

  /** Returns the values of all header lines with a name. */
  public static List<String> values(List<HeaderField> fields, String name) {
    List<String> values = List.of();
    for (HeaderField field : fields) {
      if (field.is(name)) {
        values = values.isEmpty() ? new ArrayList<>() : values;
        values.add(field.value());
      }
    }
    return values;
  }

  /** Returns the items of a list header, which may extend over several lines. */
  public static List<String> items(List<HeaderField> fields, String name) {
    List<String> values = values(fields, name);
    if (values.isEmpty()) {
      return values;
    }
    return values.stream()
        .flatMap(v -> Stream.of(v.split(",", -1)))
        .map(HeaderField::trim)
        .toList();
  }

  static String trim(String value) {
    int start = 0;
    int end = value.length();
    while (start < end && isBlank(value.charAt(start))) {
      start++;
    }
    while (end > start && isBlank(value.charAt(end - 1))) {
      end--;
    }
    return value.substring(start, end);
  }

  private static boolean isBlank(char c) {
    return c == ' ' || c == '\t';
  }

  static boolean isToken(String text) {
    return !text.isEmpty() && consistsOf(text, HeaderField::isInToken);
  }

  /** Returns whether all chars of a text match. Heads are read often, and a stream costs more. */
  static boolean consistsOf(String text, IntPredicate test) {
    for (int i = 0; i < text.length(); i++) {
      if (!test.test(text.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  static boolean isInToken(int c) {
    return isAlphanumeric(c) || TOKEN_SYMBOLS.indexOf(c) >= 0;
  }

  static boolean isAlphanumeric(int c) {
    return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
  }

  /** Returns the name only, since the value may be a credential. */
  @Override
  public String toString() {
    return name;
  }
}
