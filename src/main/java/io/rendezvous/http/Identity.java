package io.rendezvous.http;

import io.rendezvous.entry.Entry;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import java.util.UUID;

/**
 * The hidden server that a request names in its head (protocol.md, 1.2, identities 2 to 4). Only
 * the user name of an Authorization is read here; {@link PasswordProof} reads the rest.
 *
 * @param name the name as sent: a UUID, a label, or any other text
 * @param carrier the part of the head that contains the name
 * @param head the octets for the hidden server: the head without the line that was the identity
 */
public record Identity(String name, Carrier carrier, ByteBuffer head) {
  /** A part of a head that can name a hidden server. */
  public enum Carrier {
    /** The user name of an Authorization. */
    AUTHORIZATION,
    /** The query parameter of an Upgrade request. */
    QUERY
  }

  private static final String PARAMETER = "rendezvous";

  /**
   * Returns the identity of a request, or empty if it has none and has to be challenged.
   *
   * @throws ProtocolException if the Authorization is malformed, or cannot be an identity
   */
  public static Optional<Identity> of(RequestHead head) throws ProtocolException {
    Optional<HeaderField> authorization = head.field("Authorization");
    if (authorization.isEmpty()) {
      return ofUpgrade(head);
    }
    Optional<String> user = userName(authorization.get().value());
    if (user.isEmpty()) {
      Optional<Identity> ofUpgrade = ofUpgrade(head);
      if (ofUpgrade.isEmpty()) {
        throw new ProtocolException("Authorization of another scheme than Digest or Basic");
      }
      return ofUpgrade; // the Authorization is meant for the hidden server
    }
    if (user.get().isEmpty()) {
      throw new ProtocolException("Authorization without a user name");
    }
    return Optional.of(
        new Identity(user.get(), Carrier.AUTHORIZATION, head.without(authorization.get())));
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
        .map(name -> new Identity(name, Carrier.QUERY, head.octets()));
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
