package io.rendezvous.http;

import io.rendezvous.entry.ClientPassword.Algorithm;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * The challenge that makes a client name its hidden server, and prove that it knows the password if
 * that has one (RFC 7616, 3.3).
 *
 * <p>Any thread may call.
 */
public final class Challenge {
  private final String scheme;
  private final String realm;
  private final Nonces nonces;
  private final String opaque;

  /**
   * Creates a Digest challenge.
   *
   * @param realm the realm, which browsers show; without quotes and backslashes
   */
  public Challenge(String realm, Nonces nonces) {
    this("Digest", realm, nonces);
  }

  /**
   * Creates a challenge of another scheme with the same parameters.
   *
   * @param scheme the scheme of the Authorization that the client is asked for
   * @param realm the realm, which browsers show; without quotes and backslashes
   */
  public Challenge(String scheme, String realm, Nonces nonces) {
    this.scheme = scheme;
    this.realm = realm;
    this.nonces = nonces;
    byte[] bytes = new byte[16];
    new SecureRandom().nextBytes(bytes);
    this.opaque = HexFormat.of().formatHex(bytes);
  }

  /** Returns the value of a WWW-Authenticate header, with a new nonce. */
  public String header() {
    return header("auth, auth-int", "");
  }

  /**
   * Returns the values of two WWW-Authenticate headers, which ask for a name and its password by
   * the stronger algorithm and by the older one.
   *
   * @param stale whether the client's response was to a nonce that has expired, so that it need not
   *     ask its user again
   */
  public List<String> passwordHeaders(boolean stale) {
    String more = stale ? ", stale=true" : "";
    return Stream.of(Algorithm.values())
        .map(algorithm -> header("auth", ", algorithm=" + algorithm.token() + more))
        .toList();
  }

  private String header(String qop, String more) {
    return String.format(
        "%s realm=\"%s\", qop=\"%s\", nonce=\"%s\", opaque=\"%s\"%s",
        scheme, realm, qop, nonces.create(), opaque, more);
  }
}
