package io.rendezvous.http;

import io.rendezvous.entry.Entry;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The hidden server that a request names (protocol.md, 1.2). Only the user name of an Authorization
 * is read here; {@link PasswordProof} reads the rest.
 *
 * @param name the name as sent: a UUID, a label, or any other text; the token of a cookie
 * @param carrier the part of the request that contains the name
 * @param head the octets for the hidden server: the head without the line that was the identity,
 *     and without the lines and the cookie that only the broker reads
 */
public record Identity(String name, Carrier carrier, ByteBuffer head) {
  /** A part of a request that can name a hidden server. */
  public enum Carrier {
    /** The host name, which is {@code LABEL.DOMAIN}. */
    HOST_NAME,
    /** The header Rendezvous-ID. */
    HEADER,
    /** The user name of an Authorization. */
    AUTHORIZATION,
    /** The query parameter of an Upgrade request. */
    QUERY,
    /** The cookie that a link sets. Its value is a token, which may be void. */
    COOKIE
  }

  /** The header that names a hidden server and leaves the Authorization to it. */
  static final String ID_HEADER = "Rendezvous-ID";

  /** The header that contains the password beside {@link #ID_HEADER}. */
  static final String PASSWORD_HEADER = "Rendezvous-Password";

  private static final String PARAMETER = "rendezvous";

  /**
   * Returns the identity that the head of a request contains, or empty if it has none and has to be
   * challenged. If the carrier is the cookie, its token may be void; see {@link #withoutCookie}.
   *
   * @throws ProtocolException if the identity is malformed, or the Authorization cannot be one
   */
  public static Optional<Identity> of(RequestHead head) throws ProtocolException {
    return of(head, RendezvousCookie.of(head));
  }

  /**
   * Returns the identity of a request whose cookie is void.
   *
   * @throws ProtocolException as {@link #of} does
   */
  public static Optional<Identity> withoutCookie(RequestHead head) throws ProtocolException {
    return of(head, Optional.empty());
  }

  /** Returns the identity of a request whose host name names the hidden server. */
  public static Identity atHostName(RequestHead head) {
    return new Identity(
        head.hostName(), Carrier.HOST_NAME, forHiddenServer(head, Optional.empty()));
  }

  private static Optional<Identity> of(RequestHead head, Optional<String> cookie)
      throws ProtocolException {
    if (head.field(ID_HEADER).isPresent()) {
      return Optional.of(ofHeader(head));
    }
    Optional<HeaderField> authorization = head.field("Authorization");
    if (authorization.isPresent()) {
      Optional<String> user = userName(authorization.get().value());
      if (user.isPresent()) {
        check(!user.get().isEmpty(), "Authorization without a user name");
        return Optional.of(
            new Identity(user.get(), Carrier.AUTHORIZATION, forHiddenServer(head, authorization)));
      }
    }
    Optional<Identity> other = ofUpgrade(head).or(() -> ofCookie(head, cookie));
    // With another identity, an Authorization of another scheme is meant for the hidden server.
    check(
        authorization.isEmpty() || other.isPresent(),
        "Authorization of another scheme than Digest or Basic");
    return other;
  }

  private static Identity ofHeader(RequestHead head) throws ProtocolException {
    List<String> ids = head.values(ID_HEADER);
    check(ids.size() == 1, "more than one Rendezvous-ID header");
    check(!ids.get(0).isEmpty(), "Rendezvous-ID without an ID");
    return new Identity(ids.get(0), Carrier.HEADER, forHiddenServer(head, Optional.empty()));
  }

  private static Optional<Identity> ofCookie(RequestHead head, Optional<String> cookie) {
    return cookie.map(
        token -> new Identity(token, Carrier.COOKIE, forHiddenServer(head, Optional.empty())));
  }

  /**
   * Returns the octets of a head for the hidden server.
   *
   * @param identity the Authorization line, if its user name is the identity
   */
  private static ByteBuffer forHiddenServer(RequestHead head, Optional<HeaderField> identity) {
    HeadEditor editor = head.edit();
    editor.removeIf(
        field ->
            field.is(ID_HEADER)
                || field.is(PASSWORD_HEADER)
                || identity.isPresent() && field.equals(identity.get()));
    if (head.field(RendezvousCookie.HEADER).isPresent()) {
      RendezvousCookie.removeFrom(editor);
    }
    return editor.octets();
  }

  private static void check(boolean valid, String mistake) throws ProtocolException {
    if (!valid) {
      throw new ProtocolException(mistake);
    }
  }

  /**
   * Returns the user name of an Authorization, which may be an empty string. The result is empty if
   * the scheme is neither Digest nor Basic.
   *
   * @param authorization the value of the header
   * @throws ProtocolException if the credentials are malformed
   */
  public static Optional<String> userName(String authorization) throws ProtocolException {
    String[] parts = authorization.split(" ", 2);
    String scheme = parts[0];
    String credentials = parts.length > 1 ? parts[1].strip() : "";
    if (scheme.equalsIgnoreCase("Digest")) {
      return Optional.of(DigestCredentials.userName(credentials));
    }
    if (scheme.equalsIgnoreCase("Basic")) {
      return Optional.of(basicUserName(credentials));
    }
    return Optional.empty();
  }

  /** Returns the part before the first colon (RFC 7617, 2). */
  private static String basicUserName(String credentials) throws ProtocolException {
    String pair = new String(basicPair(credentials), StandardCharsets.UTF_8);
    return pair.substring(0, Math.max(0, pair.indexOf(':')));
  }

  /** Returns the part after the first colon, one char for each octet. */
  static String basicPassword(String credentials) throws ProtocolException {
    String pair = new String(basicPair(credentials), StandardCharsets.ISO_8859_1);
    return pair.substring(pair.indexOf(':') + 1);
  }

  private static byte[] basicPair(String credentials) throws ProtocolException {
    try {
      return Base64.getDecoder().decode(credentials);
    } catch (IllegalArgumentException e) {
      throw new ProtocolException("malformed Basic credentials");
    }
  }

  /**
   * Returns the identity that an Upgrade request names in its query. Browsers do not answer a
   * challenge to a WebSocket.
   */
  private static Optional<Identity> ofUpgrade(RequestHead head) {
    return head.field("Upgrade")
        .flatMap(upgrade -> head.parameter(PARAMETER))
        .map(name -> new Identity(name, Carrier.QUERY, forHiddenServer(head, Optional.empty())));
  }

  /** Returns the UUID, if the name is one. */
  public Optional<UUID> id() {
    return Entry.parseId(name);
  }

  /** Returns a new buffer with the octets for the hidden server. */
  @Override
  public ByteBuffer head() {
    return head.duplicate();
  }

  /** Returns a text without the name, which lets its reader reach the hidden server. */
  @Override
  public String toString() {
    return "Identity";
  }
}
