package io.rendezvous.http;

import java.util.Optional;

/**
 * The cookie that names a hidden server (protocol.md, 1.6). It is the broker's, so it is cut out of
 * every head that goes to a hidden server. All other cookies belong to the hidden server.
 */
public final class RendezvousCookie {
  /** The name. Browsers accept it from the broker's own host over HTTPS only (RFC 6265bis). */
  public static final String NAME = "__Host-rendezvous";

  static final String HEADER = "Cookie";

  private RendezvousCookie() {}

  /** Returns the value of the first cookie of that name, which may be void, if it has one. */
  public static Optional<String> of(RequestHead head) {
    return head.values(HEADER).stream()
        .filter(value -> value.contains(NAME)) // most have none
        .map(RendezvousCookie::valueIn)
        .flatMap(Optional::stream)
        .findFirst();
  }

  private static Optional<String> valueIn(String pairs) {
    for (String pair : pairs.split(";", -1)) {
      if (isOurs(pair)) {
        return Optional.of(HeaderField.trim(pair.substring(pair.indexOf('=') + 1)))
            .filter(value -> !value.isEmpty());
      }
    }
    return Optional.empty();
  }

  /** Returns whether a piece of a Cookie line, between two semicolons, is the cookie. */
  private static boolean isOurs(String pair) {
    int end = pair.indexOf('=');
    return end >= 0 && HeaderField.trim(pair.substring(0, end)).equals(NAME);
  }

  /** Cuts the cookie out of a head. A line of which nothing is left is removed. */
  static void removeFrom(HeadEditor editor) {
    editor
        .fields()
        .filter(field -> field.is(HEADER) && field.value().contains(NAME))
        .toList()
        .forEach(field -> removeFrom(editor, field));
  }

  private static void removeFrom(HeadEditor editor, HeaderField field) {
    String line = editor.line(field);
    int start = field.name().length() + 1; // after the colon
    String rest = without(line, start);
    if (rest.equals(line)) {
      return;
    }
    if (rest.chars().skip(start).allMatch(c -> "; \t".indexOf(c) >= 0)) {
      editor.removeIf(field::equals);
    } else {
      editor.cut(field, rest);
    }
  }

  /**
   * Returns a line without the cookie, and without the semicolon and the blanks that set it apart
   * from the next cookie, or from the one before if it is the last.
   */
  private static String without(String line, int start) {
    StringBuilder rest = new StringBuilder(line.substring(0, start));
    String blanks = null; // before a cookie that was cut out, and now before the next one
    String separator = "";
    for (String pair : line.substring(start).split(";", -1)) {
      String value = HeaderField.trim(pair);
      if (!isOurs(pair)) {
        String kept = blanks == null ? pair : blanks + pair.substring(pair.indexOf(value));
        rest.append(separator).append(kept);
        blanks = null;
        separator = ";";
      } else if (blanks == null) {
        blanks = pair.substring(0, pair.indexOf(value));
      }
    }
    return rest.toString();
  }
}
