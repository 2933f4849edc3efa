package io.rendezvous.http;

import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * The challenge that makes a client name its hidden server (RFC 7616, 3.3). The client has no
 * password, so its response is never checked against the nonce. The nonce is unguessable
 * nevertheless, because some clients insist on a good one.
 *
 * <p>Any thread may call.
 */
public final class Challenge {
  private final SecureRandom random = new SecureRandom();
  private final String scheme;
  private final String realm;
  private final String opaque = token();

  /**
   * Creates a Digest challenge.
   *
   * @param realm the realm, which browsers show; without quotes and backslashes
   */
  public Challenge(String realm) {
    this("Digest", realm);
  }

  /**
   * Creates a challenge of another scheme with the same parameters.
   *
   * @param scheme the scheme of the Authorization that the client is asked for
   * @param realm the realm, which browsers show; without quotes and backslashes
   */
  public Challenge(String scheme, String realm) {
    this.scheme = scheme;
    this.realm = realm;
  }

  /** Returns the value of a WWW-Authenticate header, with a new nonce. */
  public String header() {
    return String.format(
        "%s realm=\"%s\", qop=\"auth, auth-int\", nonce=\"%s\", opaque=\"%s\"",
        scheme, realm, token(), opaque);
  }

  private String token() {
    byte[] bytes = new byte[16];
    random.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }
}
