package io.rendezvous.http;

import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * The head of a response, read strictly (RFC 9112, 4).
 *
 * @param status the status
 * @param fields the header lines
 */
public record ResponseHead(int status, List<Field> fields) {
  private static final String VERSION = "HTTP/1.1 ";

  /**
   * Reads a whole head, whose lines end in CR LF and which holds no control characters.
   *
   * @throws ProtocolException if it is malformed
   */
  public static ResponseHead parse(byte[] head) throws ProtocolException {
    String text = new String(head, StandardCharsets.ISO_8859_1);
    int endOfLine = text.indexOf("\r\n");
    String line = text.substring(0, endOfLine);
    if (!line.startsWith(VERSION)
        || !line.substring(VERSION.length()).matches("[1-9]\\d\\d( .*)?")) {
      throw new ProtocolException("malformed status line");
    }
    int status = Integer.parseInt(line.substring(VERSION.length(), VERSION.length() + 3));
    return new ResponseHead(status, Field.parseAll(text, endOfLine + 2));
  }

  /** Returns the value of the first header line of that name. */
  public Optional<String> value(String name) {
    return fields.stream().filter(f -> f.is(name)).map(Field::value).findFirst();
  }
}
