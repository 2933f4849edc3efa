package io.rendezvous.http;

import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The head of a request, parsed strictly (RFC 9112). Its octets are kept, so that it can be passed
 * on exactly as it came.
 *
 * <p>Immutable. The messages of its exceptions contain nothing of the head.
 */
public final class RequestHead {
  private static final String HOST_SYMBOLS = "-._~!$&'()*+,;=%:[]";

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
   * Parses a head that {@link HeadReader} has read whole.
   *
   * @throws ProtocolException if the head is malformed; the message says how
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
   * Checks the request of a client: a target with a path, one Host header where HTTP/1.1 requires
   * it, at most one Authorization, and an unambiguous body length (RFC 9112, 3.2 and 6.3).
   *
   * @throws ProtocolException if the request is invalid; the message says how
   */
  void checkRequest() throws ProtocolException {
    check(!method.equals("CONNECT"), "CONNECT has to be the first request of a connection");
    checkLaterRequest();
  }

  /**
   * Checks a request of a client that is paired with a hidden server. It may be a CONNECT to what
   * that server can reach.
   *
   * @throws ProtocolException if the request is invalid; the message says how
   */
  public void checkLaterRequest() throws ProtocolException {
    check(
        values("Authorization").size() <= 1 || field(Identity.ID_HEADER).isPresent(),
        "more than one Authorization header");
    checkForward();
  }

  /**
   * Checks a request that is sent on: its target, one Host header where HTTP/1.1 requires it, and
   * an unambiguous body length (RFC 9112, 3.2 and 6.3).
   *
   * @throws ProtocolException if the request is invalid; the message says how
   */
  public void checkForward() throws ProtocolException {
    check(
        method.equals("CONNECT")
            ? isHost(target)
            : target.startsWith("/")
                || isAbsolute()
                || target.equals("*") && method.equals("OPTIONS"),
        "malformed request target");
    check(
        !isAbsolute() || isHost(authority()) && !authority().isEmpty(), "malformed request target");
    List<String> hosts = values("Host");
    check(hosts.size() == 1 || hosts.isEmpty() && !http11, "one Host header is needed");
    check(hosts.isEmpty() || isHost(hosts.get(0)), "malformed Host header");
    checkLength();
  }

  /**
   * Checks a CONNECT of a hidden server: HTTP/1.1, at most one Host header, and an unambiguous body
   * length.
   *
   * @throws ProtocolException if the request is invalid; the message says how
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

  /** Returns the octets of the head as they came. The caller must not change them. */
  public ByteBuffer octets() {
    return ByteBuffer.wrap(octets);
  }

  /** Returns an editor of the head, which itself is not changed. */
  public HeadEditor edit() {
    return new HeadEditor(octets, fields);
  }

  /** Returns whether the version is HTTP/1.1 rather than HTTP/1.0. */
  public boolean isHttp11() {
    return http11;
  }

  /**
   * Returns whether the client asks for another protocol, to which the response 101 switches (RFC
   * 9110, 7.8).
   */
  public boolean isUpgrade() {
    return http11 && field("Upgrade").isPresent() && lists("Connection", "upgrade");
  }

  /** Returns the method as sent. */
  public String method() {
    return method;
  }

  /** Returns the request target as sent, one char for each octet. */
  public String target() {
    return target;
  }

  /** Returns the path and query of the target, whether that is absolute or not. */
  public String pathAndQuery() {
    String path = isAbsolute() ? target.substring(endOfAuthority()) : target;
    return path.startsWith("/") ? path : "/" + (path.equals("*") ? "" : path);
  }

  /** Returns the path of the target, without the query. */
  public String path() {
    String path = pathAndQuery();
    int query = path.indexOf('?');
    return query < 0 ? path : path.substring(0, query);
  }

  /**
   * Returns the value of the first query parameter with a name. Nothing is decoded. A parameter
   * without {@code =} has an empty value.
   */
  public Optional<String> parameter(String name) {
    int query = target.indexOf('?');
    if (query < 0) {
      return Optional.empty();
    }
    int end;
    for (int at = query + 1; at <= target.length(); at = end + 1) {
      int next = target.indexOf('&', at);
      end = next < 0 ? target.length() : next;
      if (target.startsWith(name, at)) {
        int afterName = at + name.length();
        if (afterName == end) {
          return Optional.of("");
        }
        if (target.charAt(afterName) == '=') {
          return Optional.of(target.substring(afterName + 1, end));
        }
      }
    }
    return Optional.empty();
  }

  /** Returns the first header line with a name. */
  public Optional<HeaderField> field(String name) {
    for (HeaderField field : fields) {
      if (field.is(name)) {
        return Optional.of(field);
      }
    }
    return Optional.empty();
  }

  /** Returns the value of the first header line with a name. */
  public Optional<String> value(String name) {
    return field(name).map(HeaderField::value);
  }

  /**
   * Returns the name of the requested host in lower case, without a port, or an empty string if the
   * request has none. An absolute target takes precedence over Host (RFC 9112, 3.2.2).
   */
  public String hostName() {
    String host = isAbsolute() ? authority() : value("Host").orElse("");
    int end = host.length();
    while (end > 0 && isDigit(host.charAt(end - 1))) {
      end--;
    }
    end = end > 0 && host.charAt(end - 1) == ':' ? end - 1 : host.length();
    end = end > 0 && host.charAt(end - 1) == '.' ? end - 1 : end;
    return host.substring(0, end).toLowerCase(Locale.ROOT);
  }

  private boolean isAbsolute() {
    return !target.startsWith("/") && ABSOLUTE.matcher(target).lookingAt();
  }

  /** Returns the host and port of an absolute target. */
  private String authority() {
    int end = endOfAuthority();
    int start = target.indexOf("://") + "://".length();
    return target.substring(Math.max(start, target.lastIndexOf('@', end - 1) + 1), end);
  }

  /** Returns where the path or the query of an absolute target begins, or where it ends. */
  private int endOfAuthority() {
    int end = target.indexOf("://") + "://".length();
    while (end < target.length() && "/?".indexOf(target.charAt(end)) < 0) {
      end++;
    }
    return end;
  }

  /** Returns the values of all header lines with a name. */
  List<String> values(String name) {
    return HeaderField.values(fields, name);
  }

  /** Returns whether a list header contains a token, such as {@code Connection: close}. */
  public boolean lists(String name, String token) {
    return fields.stream().anyMatch(field -> field.is(name) && field.lists(token));
  }

  /** Returns the length of the body in octets: 0 if there is none, -1 if it is chunked. */
  public long bodyLength() {
    if (field("Transfer-Encoding").isPresent()) {
      return -1;
    }
    return value("Content-Length").map(Long::parseLong).orElse(0L);
  }

  /**
   * Returns whether the client waits for {@code 100 Continue} before it sends the body (RFC 9110,
   * 10.1.1).
   */
  public boolean expectsContinue() {
    return value("Expect").isPresent();
  }

  /** Returns whether the connection stays open for a further request (RFC 9112, 9.3). */
  public boolean persists() {
    return http11 && !lists("Connection", "close");
  }

  /** Returns whether an error should be shown as an HTML page rather than as JSON. */
  public boolean wantsHtml() {
    return values("Accept").stream()
        .anyMatch(accepted -> accepted.toLowerCase(Locale.ROOT).contains("text/html"));
  }

  private static void check(boolean valid, String mistake) throws ProtocolException {
    if (!valid) {
      throw new ProtocolException(mistake);
    }
  }

  /**
   * Returns whether a text may be a target. This is more lenient than RFC 3986: the hidden server
   * has to judge what browsers do not escape in a query, and octets beyond ASCII. Spaces and
   * control characters have been refused before.
   */
  private static boolean isTarget(String text) {
    return !text.isEmpty() && HeaderField.consistsOf(text, c -> "\t#<>\"".indexOf(c) < 0);
  }

  private static boolean isHost(String text) {
    return HeaderField.consistsOf(
        text, c -> HeaderField.isAlphanumeric(c) || HOST_SYMBOLS.indexOf(c) >= 0);
  }

  private static boolean isLength(String text) {
    return !text.isEmpty()
        && text.length() <= 18
        && HeaderField.consistsOf(text, RequestHead::isDigit);
  }

  private static boolean isDigit(int c) {
    return c >= '0' && c <= '9';
  }
}
