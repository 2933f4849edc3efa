package io.rendezvous.http;

import io.rendezvous.entry.Entry;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import java.util.UUID;

/**
 * Which hidden server a request is for, as its head says (PROTOCOL 1.2, identities 2 to 4). The
 * client has no password here: of an Authorization only the user name counts.
 *
 * @param name the hidden server's UUID, or a label, or anything else
 * @param head the octets to send it: the head without the line that was the identity
 */
public record Identity(String name, ByteBuffer head) {
  private static final String PARAMETER = "rendezvous";

  /**
   * Finds the identity of a request.
   *
   * @return empty if it has none, so that the client should be challenged
   * @throws ProtocolException if it has an Authorization that can be none
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
      return ofUpgrade; // and this Authorization is the hidden server's
    }
    if (user.get().isEmpty()) {
      throw new ProtocolException("Authorization without a user name");
    }
    return Optional.of(new Identity(user.get(), head.without(authorization.get())));
  }

  /**
   * Returns the user name in the value of an Authorization, itself empty if there is none in it.
   *
   * @return empty if it is of another scheme than Digest or Basic
   * @throws ProtocolException if it is malformed
   */
  public static Optional<String> userName(String authorization) throws ProtocolException {
    int blank = authorization.indexOf(' ');
    String scheme = blank < 0 ? authorization : authorization.substring(0, blank);
    String credentials = blank < 0 ? "" : authorization.substring(blank + 1).strip();
    if (scheme.equalsIgnoreCase("Digest")) {
      return Optional.of(DigestCredentials.userName(credentials));
    }
    if (scheme.equalsIgnoreCase("Basic")) {
      return Optional.of(basicUserName(credentials));
    }
    return Optional.empty();
  }

  /** RFC 7617, 2. */
  private static String basicUserName(String credentials) throws ProtocolException {
    try {
      byte[] decoded = Base64.getDecoder().decode(credentials);
      String pair = new String(decoded, StandardCharsets.UTF_8);
      return pair.substring(0, Math.max(0, pair.indexOf(':')));
    } catch (IllegalArgumentException e) {
      throw new ProtocolException("malformed Basic credentials");
    }
  }

  /**
   * A browser's WebSocket cannot be made to answer a challenge, so it names the ID in its query.
   */
  private static Optional<Identity> ofUpgrade(RequestHead head) {
    return head.field("Upgrade")
        .flatMap(upgrade -> head.parameter(PARAMETER))
        .map(name -> new Identity(name, head.octets()));
  }

  /** Returns the UUID, if that is what it is named by. */
  public Optional<UUID> id() {
    return Entry.parseId(name);
  }

  /** Returns the octets to send, to be read once. */
  @Override
  public ByteBuffer head() {
    return head.duplicate();
  }

  @Override
  public String toString() {
    return "Identity";
  }
}
