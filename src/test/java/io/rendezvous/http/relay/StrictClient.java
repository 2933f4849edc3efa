package io.rendezvous.http.relay;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a client is sent, as strictly as RFC 9112 lets it, and independently of the program.
 */
final class StrictClient {
  /** What a client knows once it has read all that there is. */
  enum Knowledge {
    /** There was no final answer. */
    NO_ANSWER,
    /** The answer is not complete. */
    INCOMPLETE,
    /** The answer is complete, and nothing follows it. */
    COMPLETE,
    /** The answer is complete when the connection ends. */
    UNTIL_END,
    /** Another protocol follows. */
    SWITCHED
  }

  private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] [1-9]\\d\\d [^\\p{Cntrl}]*");
  private static final Pattern FIELD =
      Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\\t\\x20-\\x7e\\x80-\\xff]*");
  private static final Pattern SIZE =
      Pattern.compile("([0-9A-Fa-f]{1,8})[\\t ]*(;[\\t\\x20-\\x7e\\x80-\\xff]*)?");

  private final String text;
  private int at;

  private StrictClient(String text) {
    this.text = text;
  }

  /**
   * Reads the answer to a request.
   *
   * @throws AssertionError if it is malformed, or anything follows it
   */
  static Knowledge read(String text, String method, boolean http11) {
    return new StrictClient(text).read(method, http11);
  }

  private Knowledge read(String method, boolean http11) {
    while (at < text.length()) {
      int end = text.indexOf("\r\n\r\n", at);
      require(end >= 0, "a head is not whole");
      List<String> lines = List.of(text.substring(at, end).split("\r\n", -1));
      at = end + 4;
      String statusLine = lines.get(0).replace('\t', ' ');
      require(STATUS.matcher(statusLine).matches(), "status line: " + statusLine);
      List<String> fields = lines.subList(1, lines.size());
      fields.forEach(line -> require(FIELD.matcher(line).matches(), "line: " + line));
      int status = Integer.parseInt(statusLine.substring(9, 12));
      if (status == 101 || method.equals("CONNECT") && status / 100 == 2) {
        return Knowledge.SWITCHED;
      }
      if (status / 100 == 1) {
        require(http11, "an interim response for a client of HTTP/1.0");
      } else {
        boolean empty = method.equals("HEAD") || status == 204 || status == 304;
        return empty ? nothingMore() : readBody(fields, http11);
      }
    }
    return Knowledge.NO_ANSWER;
  }

  private Knowledge readBody(List<String> fields, boolean http11) {
    List<String> lengths = values(fields, "content-length");
    List<String> codings = values(fields, "transfer-encoding");
    require(lengths.size() <= 1, "lengths: " + lengths);
    require(lengths.isEmpty() || codings.isEmpty(), "both a length and a coding");
    if (!codings.isEmpty()) {
      require(http11, "a coding for a client of HTTP/1.0");
      require(
          String.join(",", codings).toLowerCase(Locale.ROOT).endsWith("chunked"),
          "codings: " + codings);
      return readChunks();
    }
    if (lengths.isEmpty()) {
      return Knowledge.UNTIL_END;
    }
    long length = Long.parseLong(lengths.get(0));
    if (text.length() - at < length) {
      return Knowledge.INCOMPLETE;
    }
    at += (int) length;
    return nothingMore();
  }

  private Knowledge readChunks() {
    while (true) {
      String line = line();
      if (line == null) {
        return Knowledge.INCOMPLETE;
      }
      Matcher matcher = SIZE.matcher(line);
      require(matcher.matches(), "chunk size: " + line);
      long size = Long.parseLong(matcher.group(1), 16);
      if (size == 0) {
        return readTrailers();
      }
      if (text.length() - at < size + 2) {
        return Knowledge.INCOMPLETE;
      }
      at += (int) size;
      require(text.startsWith("\r\n", at), "a chunk does not end");
      at += 2;
    }
  }

  private Knowledge readTrailers() {
    for (String line; (line = line()) != null; ) {
      if (line.isEmpty()) {
        return nothingMore();
      }
      require(FIELD.matcher(line).matches(), "trailer: " + line);
    }
    return Knowledge.INCOMPLETE;
  }

  /** Returns the next line, or null if it is not whole. */
  private @Nullable String line() {
    int end = text.indexOf("\r\n", at);
    if (end < 0) {
      return null;
    }
    String line = text.substring(at, end);
    at = end + 2;
    return line;
  }

  private Knowledge nothingMore() {
    require(at == text.length(), "something follows the answer");
    return Knowledge.COMPLETE;
  }

  private static List<String> values(List<String> fields, String name) {
    return fields.stream()
        .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":"))
        .map(line -> line.substring(name.length() + 1).strip())
        .toList();
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
