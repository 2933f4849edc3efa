package io.rendezvous.http;

import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * The head of a response, read strictly (RFC 9112, 4).
 *
 * @param http11 whether it is of HTTP/1.1, rather than 1.0
 * @param status the status
 * @param fields the header lines
 */
public record ResponseHead(boolean http11, int status, List<HeaderField> fields) {
  private static final String VERSION = "HTTP/1.1 ";
  private static final int NO_CONTENT = 204;
  private static final int NOT_MODIFIED = 304;

  /** What tells where the body ends (RFC 9112, 6.3). */
  public enum Framing {
    /** There is no body. */
    NONE,
    /** Its Content-Length. */
    LENGTH,
    /** Its chunks. */
    CHUNKS,
    /** The end of the connection. */
    END
  }

  /**
   * Reads a whole head, whose lines end in CR LF and which holds no control characters.
   *
   * @throws ProtocolException if it is malformed
   */
  public static ResponseHead parse(byte[] head) throws ProtocolException {
    String text = new String(head, StandardCharsets.ISO_8859_1);
    int endOfLine = text.indexOf("\r\n");
    String line = text.substring(0, endOfLine);
    if (!line.matches("HTTP/1\\.[01] [1-9]\\d\\d( .*)?")) {
      throw new ProtocolException("malformed status line");
    }
    int status = Integer.parseInt(line.substring(VERSION.length(), VERSION.length() + 3));
    return new ResponseHead(
        line.startsWith(VERSION), status, HeaderField.parseAll(text, endOfLine + 2));
  }

  /** Returns the value of the first header line of that name. */
  public Optional<String> value(String name) {
    return fields.stream().filter(f -> f.is(name)).map(HeaderField::value).findFirst();
  }

  /** Returns whether the server will answer a further request on the connection (9.3). */
  public boolean persists() {
    List<String> options = HeaderField.items(fields, "Connection");
    return options.stream().noneMatch("close"::equalsIgnoreCase)
        && (http11 || options.stream().anyMatch("keep-alive"::equalsIgnoreCase));
  }

  /**
   * Returns what tells where the body ends.
   *
   * @param method what was asked
   * @throws ProtocolException if two things do, or one that cannot be read
   */
  public Framing framing(String method) throws ProtocolException {
    List<String> lengths = HeaderField.values(fields, "Content-Length");
    List<String> codings = HeaderField.items(fields, "Transfer-Encoding");
    check(lengths.isEmpty() || codings.isEmpty(), "Content-Length with Transfer-Encoding");
    check(lengths.size() <= 1, "more than one Content-Length");
    check(lengths.isEmpty() || lengths.get(0).matches("\\d{1,18}"), "malformed Content-Length");
    check(codings.isEmpty() || http11, "Transfer-Encoding in an answer of HTTP/1.0");
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

  /** Returns its Content-Length, where that tells where the body ends. */
  public long length() {
    return value("Content-Length").map(Long::parseLong).orElse(0L);
  }

  private static void check(boolean fine, String otherwise) throws ProtocolException {
    if (!fine) {
      throw new ProtocolException(otherwise);
    }
  }
}
