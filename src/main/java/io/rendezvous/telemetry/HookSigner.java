package io.rendezvous.telemetry;

import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs webhook events as <a href="https://www.standardwebhooks.com">Standard Webhooks</a>
 * specifies: HMAC-SHA256 over ID, time and body. Any thread may call.
 */
final class HookSigner {
  private static final String ALGORITHM = "HmacSHA256";
  private static final String PREFIX = "whsec_";

  private final SecretKeySpec key;

  /**
   * Creates a signer.
   *
   * @param secret {@code whsec_} and bytes in base64
   * @throws IllegalArgumentException if the secret has another form
   */
  HookSigner(String secret) {
    if (!secret.startsWith(PREFIX)) {
      throw new IllegalArgumentException("the secret does not begin with " + PREFIX);
    }
    byte[] bytes = Base64.getDecoder().decode(secret.substring(PREFIX.length()));
    this.key = new SecretKeySpec(bytes, ALGORITHM);
  }

  /**
   * Returns the value of the header {@code webhook-signature}.
   *
   * @param seconds the time of sending, in seconds since 1970
   */
  String sign(String id, long seconds, String body) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      byte[] signed = (id + "." + seconds + "." + body).getBytes(StandardCharsets.UTF_8);
      return "v1," + Base64.getEncoder().encodeToString(mac.doFinal(signed));
    } catch (NoSuchAlgorithmException | InvalidKeyException e) {
      throw new AssertionError(e); // every Java has it
    }
  }
}
