package io.rendezvous.http;

import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A request's head, read strictly (RFC 9112) and kept octet for octet, so that it can be sent on as
 * it came.
 *
 * <p>Immutable. The texts of its exceptions hold nothing of the head.
 */
public final class RequestHead {
  private static final String HOST_SYMBOLS = "-._~!$&'()*+,;=%:[]";

  private static final Pattern AUTHORITY = Pattern.compile("^[^:]*://[^/?]*");
  private static final Pattern ABSOLUTE = Pattern.compile("(?i)https?://[^/?]");

  private final byte[] octets;
  private final String method;
  private final String target;
  private final boolean http11;
  private final List<HeaderField> fields;

  private RequestHead(
      byte[] octets, String method, String target, boolean http11, List<HeaderField> fields) {
    this.octets = octets;
    this.method = method;
    this.target = target;
    this.http11 = http11;
    this.fields = fields;
  }

  /**
   * Reads a whole head, whose lines end in CR LF and which holds no control characters.
   *
   * @throws ProtocolException if it is malformed, with what is wrong
   */
  public static RequestHead parse(byte[] head) throws ProtocolException {
    String text = new String(head, StandardCharsets.ISO_8859_1);
    int endOfLine = text.indexOf("\r\n");
    String[] line = text.substring(0, endOfLine).split(" ", -1);
    if (line.length != 3) {
      throw new ProtocolException("malformed request line");
    }
    check(HeaderField.isToken(line[0]), "malformed method");
    check(isTarget(line[1]), "malformed request target");
    boolean http11 = line[2].equals("HTTP/1.1");
    check(http11 || line[2].equals("HTTP/1.0"), "unsupported HTTP version");
    return new RequestHead(
        head, line[0], line[1], http11, HeaderField.parseAll(text, endOfLine + 2));
  }

  /**
   * Checks what a request to a client's side has to fulfil besides: a target with a path, one Host
   * where HTTP/1.1 wants it, and one way of telling its length (RFC 9112, 3.2 and 6.3).
   *
   * @throws ProtocolException if it does not, with what is wrong
   */
  public void checkRequest() throws ProtocolException {
    check(!method.equals("CONNECT"), "CONNECT has to be the first request of a connection");
    check(
        target.startsWith("/")
            || ABSOLUTE.matcher(target).lookingAt()
            || target.equals("*") && method.equals("OPTIONS"),
        "malformed request target");
    List<String> hosts = values("Host");
    check(hosts.size() == 1 || hosts.isEmpty() && !http11, "one Host header is needed");
    check(hosts.isEmpty() || isHost(hosts.get(0)), "malformed Host header");
    check(values("Authorization").size() <= 1, "more than one Authorization header");
    checkLength();
  }

  /**
   * Checks what a CONNECT has to fulfil besides: HTTP/1.1, where Host may be missing.
   *
   * @throws ProtocolException if it does not, with what is wrong
   */
  public void checkTunnelRequest() throws ProtocolException {
    check(http11, "CONNECT needs HTTP/1.1");
    List<String> hosts = values("Host");
    check(hosts.size() <= 1, "more than one Host header");
    check(hosts.isEmpty() || isHost(hosts.get(0)), "malformed Host header");
    checkLength();
  }

  private void checkLength() throws ProtocolException {
    List<String> lengths = values("Content-Length");
    List<String> codings = values("Transfer-Encoding");
    check(lengths.isEmpty() || codings.isEmpty(), "Content-Length with Transfer-Encoding");
    check(lengths.size() <= 1, "more than one Content-Length");
    check(lengths.isEmpty() || isLength(lengths.get(0)), "malformed Content-Length");
    check(
        codings.isEmpty()
            || http11 && codings.size() == 1 && codings.get(0).equalsIgnoreCase("chunked"),
        "unsupported Transfer-Encoding");
  }

  /** Returns the octets as they came. The caller does not change them. */
  public ByteBuffer octets() {
    return ByteBuffer.wrap(octets);
  }

  /** Returns the octets as they came, but for one header line. */
  public ByteBuffer without(HeaderField field) {
    return ByteBuffer.allocate(octets.length - (field.end() - field.start()))
        .put(octets, 0, field.start())
        .put(octets, field.end(), octets.length - field.end())
        .flip();
  }

  /** Returns the method, as sent. */
  public String method() {
    return method;
  }

  /** Returns the request target, as sent, a char an octet. */
  public String target() {
    return target;
  }

  /** Returns the path and the query that are asked for, whatever the form of the target. */
  public String pathAndQuery() {
    String path =
        ABSOLUTE.matcher(target).lookingAt() ? AUTHORITY.matcher(target).replaceFirst("") : target;
    return path.startsWith("/") ? path : "/" + (path.equals("*") ? "" : path);
  }

  /** Returns the path that is asked for, without the query. */
  public String path() {
    return pathAndQuery().replaceFirst("\\?.*", "");
  }

  /**
   * Returns the value of the first query parameter of that name, as sent: nothing is decoded. A
   * parameter without {@code =} has an empty value.
   */
  public Optional<String> parameter(String name) {
    int query = target.indexOf('?');
    if (query < 0) {
      return Optional.empty();
    }
    for (String parameter : target.substring(query + 1).split("&", -1)) {
      if (parameter.equals(name)) {
        return Optional.of("");
      }
      if (parameter.startsWith(name + "=")) {
        return Optional.of(parameter.substring(name.length() + 1));
      }
    }
    return Optional.empty();
  }

  /** Returns the first header line of that name. */
  public Optional<HeaderField> field(String name) {
    return fields.stream().filter(f -> f.is(name)).findFirst();
  }

  /** Returns the value of the first header line of that name. */
  public Optional<String> value(String name) {
    return field(name).map(HeaderField::value);
  }

  /**
   * Returns the name of the host that is asked, in lower case, without a port; empty if the request
   * does not say. That of an absolute target counts before Host (RFC 9112, 3.2.2).
   */
  public String hostName() {
    String authority = value("Host").orElse("");
    if (!target.startsWith("/") && target.contains("://")) {
      authority = target.replaceFirst("^[^:]*://([^/?]*@)?", "").replaceFirst("[/?].*", "");
    }
    return authority.toLowerCase(Locale.ROOT).replaceFirst(":\\d*$", "").replaceFirst("\\.$", "");
  }

  private List<String> values(String name) {
    return HeaderField.values(fields, name);
  }

  /** Returns whether a list header holds a token, such as {@code Connection: close}. */
  public boolean lists(String name, String token) {
    return HeaderField.items(fields, name).stream().anyMatch(token::equalsIgnoreCase);
  }

  /** Returns how long the body is: 0 without one, -1 where only its chunks will tell. */
  public long bodyLength() {
    if (field("Transfer-Encoding").isPresent()) {
      return -1;
    }
    return value("Content-Length").map(Long::parseLong).orElse(0L);
  }

  /**
   * Returns whether the client waits to hear whether it should send the body (RFC 9110, 10.1.1).
   */
  public boolean expectsContinue() {
    return value("Expect").isPresent();
  }

  /** Returns whether the client will send a further request on the connection (RFC 9112, 9.3). */
  public boolean persists() {
    return http11 && !lists("Connection", "close");
  }

  /** Returns whether the answer should be a page for people rather than JSON. */
  public boolean wantsHtml() {
    return values("Accept").stream()
        .anyMatch(accepted -> accepted.toLowerCase(Locale.ROOT).contains("text/html"));
  }

  private static void check(boolean fine, String otherwise) throws ProtocolException {
    if (!fine) {
      throw new ProtocolException(otherwise);
    }
  }

  /**
   * More than RFC 3986 allows: what browsers leave unescaped in a query, and octets beyond ASCII,
   * are the hidden server's to judge. Blanks and control characters were refused before.
   */
  private static boolean isTarget(String text) {
    return !text.isEmpty() && text.chars().allMatch(c -> "\t#<>\"".indexOf(c) < 0);
  }

  private static boolean isHost(String text) {
    return text.chars()
        .allMatch(c -> HeaderField.isAlphanumeric(c) || HOST_SYMBOLS.indexOf(c) >= 0);
  }

  private static boolean isLength(String text) {
    return !text.isEmpty()
        && text.length() <= 18
        && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }
}
