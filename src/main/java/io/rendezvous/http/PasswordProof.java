package io.rendezvous.http;

import io.rendezvous.entry.ClientPassword;
import java.net.ProtocolException;
import java.util.List;
import java.util.function.Predicate;

/**
 * What a client's request contains to prove that the client knows the password of its hidden server
 * (protocol.md, 1.8). Immutable.
 */
public sealed interface PasswordProof {
  /** There is nothing that could prove it: no credentials, or not those that were asked for. */
  record None() implements PasswordProof {}

  /** The response is to a nonce that has expired or is unknown, so it was not looked at. */
  record Stale() implements PasswordProof {}

  /**
   * There is a password, or a response that was computed with one.
   *
   * @param isRight compares it, in a time that does not depend on the result
   */
  record Given(Predicate<ClientPassword> isRight) implements PasswordProof {}

  /**
   * Returns what the first request of a connection proves besides its identity.
   *
   * @throws ProtocolException if the credentials are malformed, or made for another request
   */
  static PasswordProof of(Identity identity, RequestHead head, Nonces nonces)
      throws ProtocolException {
    return of(identity, head, nonces::isFresh);
  }

  /**
   * Returns what a later request proves besides its identity. A nonce of any age will do, so that a
   * connection in use is not cut because of its age.
   *
   * @throws ProtocolException as {@link #of(Identity, RequestHead, Nonces)} does
   */
  static PasswordProof ofLater(Identity identity, RequestHead head, Nonces nonces)
      throws ProtocolException {
    return of(identity, head, nonces::isOwn);
  }

  private static PasswordProof of(
      Identity identity, RequestHead head, Predicate<String> acceptsNonce)
      throws ProtocolException {
    return switch (identity.carrier()) {
      case AUTHORIZATION -> inAuthorization(head, acceptsNonce);
      case HEADER -> inHeader(head);
      case HOST_NAME, QUERY, COOKIE -> new None();
    };
  }

  private static PasswordProof inHeader(RequestHead head) throws ProtocolException {
    List<String> passwords = head.values(Identity.PASSWORD_HEADER);
    if (passwords.size() > 1) {
      throw new ProtocolException("more than one Rendezvous-Password header");
    }
    return plain(passwords.isEmpty() ? "" : passwords.get(0));
  }

  /** Returns what the Authorization of a request proves. */
  static PasswordProof inAuthorization(RequestHead head, Predicate<String> acceptsNonce)
      throws ProtocolException {
    String[] parts = head.value("Authorization").orElse("").split(" ", 2);
    String credentials = parts.length > 1 ? parts[1].strip() : "";
    if (parts[0].equalsIgnoreCase("Digest")) {
      return DigestResponse.proof(DigestCredentials.parameters(credentials), head, acceptsNonce);
    }
    return parts[0].equalsIgnoreCase("Basic")
        ? plain(Identity.basicPassword(credentials))
        : new None();
  }

  /**
   * Returns what a password proves that was sent as it is.
   *
   * @param octets one char for each octet; an empty text is no password
   */
  static PasswordProof plain(String octets) {
    return octets.isEmpty() ? new None() : new Given(password -> password.matches(octets));
  }
}
