package io.rendezvous.http;

import io.rendezvous.link.Link;

/**
 * Texts of requests as they may be shown and logged: printable ASCII without blanks, of bounded
 * length, and without secrets of the broker.
 */
final class ShownText {
  private static final int MAX_PATH = 256;
  private static final String CUT = "...";

  private ShownText() {}

  /** Returns the path of a request. Whatever is not printable is percent-encoded. */
  static String path(RequestHead request) {
    String path = request.path();
    if (decoded(path).startsWith(Link.PREFIX)) {
      return Link.PREFIX + CUT;
    }
    StringBuilder shown = new StringBuilder(Math.min(path.length(), MAX_PATH));
    for (int i = 0; i < path.length() && shown.length() <= MAX_PATH; i++) {
      char c = path.charAt(i);
      if (c > ' ' && c < 0x7f) {
        shown.append(c);
      } else {
        shown.append(String.format("%%%02X", (int) c));
      }
    }
    return cut(shown.toString(), MAX_PATH);
  }

  /** Returns a text, or its beginning if it is too long. */
  static String cut(String text, int max) {
    return text.length() <= max ? text : text.substring(0, max - CUT.length()) + CUT;
  }

  /** Returns the beginning of a path with its percent-encoding removed once. */
  private static String decoded(String path) {
    StringBuilder decoded = new StringBuilder();
    for (int i = 0; i < path.length() && decoded.length() < Link.PREFIX.length(); i++) {
      int octet = path.charAt(i) == '%' ? octet(path, i + 1) : -1;
      decoded.append(octet < 0 ? path.charAt(i) : (char) octet);
      i += octet < 0 ? 0 : 2;
    }
    return decoded.toString();
  }

  /** Returns the octet that two hexadecimal digits denote, or -1 if they are none. */
  private static int octet(String text, int at) {
    if (at + 2 > text.length()) {
      return -1;
    }
    int high = Character.digit(text.charAt(at), 16);
    int low = Character.digit(text.charAt(at + 1), 16);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
  }
}
