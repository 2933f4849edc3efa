package io.rendezvous.http;

import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * The challenge that makes a client name its hidden server (RFC 7616, 3.3). Nothing is ever checked
 * against the nonce, since the client has no password; it is unguessable all the same, for clients
 * that judge a server by it.
 *
 * <p>Any thread may call it.
 */
public final class Challenge {
  private final SecureRandom random = new SecureRandom();
  private final String scheme;
  private final String realm;
  private final String opaque = token();

  /**
   * Creates the challenge of this process.
   *
   * @param realm what a browser shows in its dialog; without quotes and backslashes
   */
  public Challenge(String realm) {
    this("Digest", realm);
  }

  /**
   * Creates the challenge of this process for another scheme that looks the same.
   *
   * @param scheme of the Authorization that is wanted
   */
  public Challenge(String scheme, String realm) {
    this.scheme = scheme;
    this.realm = realm;
  }

  /** Returns the value of a new WWW-Authenticate header. */
  public String header() {
    return String.format(
        "%s realm=\"%s\", qop=\"auth, auth-int\", nonce=\"%s\", opaque=\"%s\"",
        scheme, realm, token(), opaque);
  }

  private String token() {
    byte[] octets = new byte[16];
    random.nextBytes(octets);
    return HexFormat.of().formatHex(octets);
  }
}
