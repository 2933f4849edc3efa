package io.rendezvous.http;

import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.ClientPassword.Algorithm;
import java.net.ProtocolException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * The response to a Digest challenge (RFC 7616, 3.4), with the quality of protection {@code auth}.
 * It proves the knowledge of HA1 for one nonce, method and target.
 *
 * @param method the method of the request
 * @param qop the quality of protection as sent
 * @param response the client's digest, in lower case
 */
record DigestResponse(
    Algorithm algorithm,
    String method,
    String uri,
    String realm,
    String nonce,
    String count,
    String clientNonce,
    String qop,
    String response) {
  private static final Pattern COUNT = Pattern.compile("[0-9a-fA-F]{8}");
  private static final Pattern HEX = Pattern.compile("[0-9a-f]+");

  /**
   * Returns what the parameters of an Authorization prove.
   *
   * @param acceptsNonce whether a response to a nonce is looked at
   * @throws ProtocolException if a parameter is malformed or missing, or of another request
   */
  static PasswordProof proof(
      Map<String, String> parameters, RequestHead head, Predicate<String> acceptsNonce)
      throws ProtocolException {
    Optional<Algorithm> algorithm = algorithm(parameters.getOrDefault("algorithm", "MD5"));
    String qop = parameters.getOrDefault("qop", "");
    if (!parameters.containsKey("response")
        || algorithm.isEmpty()
        || !qop.equalsIgnoreCase("auth")) {
      return new PasswordProof.None(); // it does not answer a challenge for a password
    }
    DigestResponse response =
        new DigestResponse(
            algorithm.get(),
            head.method(),
            required(parameters, "uri"),
            required(parameters, "realm"),
            required(parameters, "nonce"),
            required(parameters, "nc"),
            required(parameters, "cnonce"),
            qop,
            required(parameters, "response").toLowerCase(Locale.ROOT));
    response.check(head);
    return acceptsNonce.test(response.nonce)
        ? new PasswordProof.Given(response::isRight)
        : new PasswordProof.Stale();
  }

  private static Optional<Algorithm> algorithm(String token) {
    for (Algorithm algorithm : Algorithm.values()) {
      if (algorithm.token().equalsIgnoreCase(token)) {
        return Optional.of(algorithm);
      }
    }
    return Optional.empty();
  }

  private static String required(Map<String, String> parameters, String name)
      throws ProtocolException {
    String value = parameters.getOrDefault(name, "");
    if (value.isEmpty()) {
      throw new ProtocolException("the credentials lack the parameter " + name);
    }
    return value;
  }

  private void check(RequestHead head) throws ProtocolException {
    if (!uri.equals(head.target()) && !uri.equals(head.pathAndQuery())) {
      throw new ProtocolException("the credentials are for another target");
    }
    if (!COUNT.matcher(count).matches()) {
      throw new ProtocolException("malformed nc in the credentials");
    }
    if (response.length() != algorithm.digits() || !HEX.matcher(response).matches()) {
      throw new ProtocolException("malformed response in the credentials");
    }
  }

  /** Returns whether the response was computed with a password. */
  boolean isRight(ClientPassword password) {
    String ha1 = password.ha1(algorithm).orElse("");
    return ClientPassword.isEqual(response, expected(ha1))
        && !ha1.isEmpty()
        && realm.equals(password.realm());
  }

  /** Returns the right response (RFC 7616, 3.4.1). */
  String expected(String ha1) {
    String ha2 = algorithm.digest(method + ":" + uri);
    return algorithm.digest(String.join(":", ha1, nonce, count, clientNonce, qop, ha2));
  }

  /** Returns a text without the credentials. */
  @Override
  public String toString() {
    return "DigestResponse";
  }
}
