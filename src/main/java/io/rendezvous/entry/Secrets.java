package io.rendezvous.entry;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import org.apache.commons.codec.binary.Base32;

/** Makes the secrets of entries (protocol.md, 4.1). Any thread may call. */
final class Secrets {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int BYTES = 20;
  private static final int CHARACTERS = 40;
  private static final String ALPHABET =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

  private Secrets() {}

  /**
   * Returns a new secret in base32. For tokens of six digits it consists of letters and digits: old
   * hidden servers turn it into a string, and compute wrong tokens from bytes beyond ASCII.
   *
   * @param digits the minimum number of digits of the tokens
   */
  static String create(int digits) {
    return new Base32().encodeToString(digits == Totp.MIN_DIGITS ? text() : bytes());
  }

  private static byte[] bytes() {
    byte[] secret = new byte[BYTES];
    RANDOM.nextBytes(secret);
    return secret;
  }

  private static byte[] text() {
    StringBuilder secret = new StringBuilder();
    RANDOM.ints(CHARACTERS, 0, ALPHABET.length()).forEach(i -> secret.append(ALPHABET.charAt(i)));
    return secret.toString().getBytes(StandardCharsets.US_ASCII);
  }
}
