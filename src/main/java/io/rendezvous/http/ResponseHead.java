package io.rendezvous.http;

import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * The head of a response, parsed strictly (RFC 9112, 4).
 *
 * @param http11 whether the version is HTTP/1.1 rather than HTTP/1.0
 * @param status the status code
 * @param fields the header lines in their order
 */
public record ResponseHead(boolean http11, int status, List<HeaderField> fields) {
  private static final String VERSION = "HTTP/1.1 ";
  private static final int NO_CONTENT = 204;
  private static final int NOT_MODIFIED = 304;

  /** How the end of the body is found (RFC 9112, 6.3). */
  public enum Framing {
    /** There is no body. */
    NONE,
    /** Content-Length tells the length. */
    LENGTH,
    /** The body is chunked. */
    CHUNKS,
    /** The body ends with the connection. */
    END
  }

  /**
   * Parses a head that {@link HeadReader} has read whole.
   *
   * @throws ProtocolException if the head is malformed
   */
  public static ResponseHead parse(byte[] head) throws ProtocolException {
    String text = new String(head, StandardCharsets.ISO_8859_1);
    int endOfLine = text.indexOf("\r\n");
    String line = text.substring(0, endOfLine);
    if (!isStatusLine(line)) {
      throw new ProtocolException("malformed status line");
    }
    int status = Integer.parseInt(line.substring(VERSION.length(), VERSION.length() + 3));
    return new ResponseHead(
        line.startsWith(VERSION), status, HeaderField.parseAll(text, endOfLine + 2));
  }

  private static boolean isStatusLine(String line) {
    int status = VERSION.length();
    int end = status + 3;
    return line.length() >= end
        && line.startsWith("HTTP/1.")
        && (line.charAt(status - 2) == '0' || line.charAt(status - 2) == '1')
        && line.charAt(status - 1) == ' '
        && line.charAt(status) != '0'
        && HeaderField.consistsOf(line.substring(status, end), c -> c >= '0' && c <= '9')
        && (line.length() == end || line.charAt(end) == ' ');
  }

  /** Returns the value of the first header line with a name. */
  public Optional<String> value(String name) {
    return fields.stream().filter(f -> f.is(name)).map(HeaderField::value).findFirst();
  }

  /** Returns whether the connection stays open for a further request (RFC 9112, 9.3). */
  public boolean persists() {
    List<String> options = HeaderField.items(fields, "Connection");
    return options.stream().noneMatch("close"::equalsIgnoreCase)
        && (http11 || options.stream().anyMatch("keep-alive"::equalsIgnoreCase));
  }

  /**
   * Returns how the end of the body is found.
   *
   * @param method the method of the request
   * @throws ProtocolException if the headers contradict each other or are malformed
   */
  public Framing framing(String method) throws ProtocolException {
    List<String> lengths = HeaderField.values(fields, "Content-Length");
    List<String> codings = HeaderField.items(fields, "Transfer-Encoding");
    check(lengths.isEmpty() || codings.isEmpty(), "Content-Length with Transfer-Encoding");
    check(lengths.size() <= 1, "more than one Content-Length");
    check(lengths.isEmpty() || lengths.get(0).matches("\\d{1,18}"), "malformed Content-Length");
    check(codings.isEmpty() || http11, "Transfer-Encoding in a response of HTTP/1.0");
    if (method.equals("HEAD") || status / 100 == 1) {
      return Framing.NONE;
    }
    if (status == NO_CONTENT || status == NOT_MODIFIED) {
      return Framing.NONE;
    }
    if (!lengths.isEmpty()) {
      return Framing.LENGTH;
    }
    boolean chunked =
        !codings.isEmpty() && codings.get(codings.size() - 1).equalsIgnoreCase("chunked");
    return chunked ? Framing.CHUNKS : Framing.END;
  }

  /**
   * Returns the Content-Length, or 0 if there is none. Call {@link #framing} first, which checks
   * it.
   */
  public long length() {
    return value("Content-Length").map(Long::parseLong).orElse(0L);
  }

  private static void check(boolean valid, String mistake) throws ProtocolException {
    if (!valid) {
      throw new ProtocolException(mistake);
    }
  }
}
