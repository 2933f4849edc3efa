package io.rendezvous.entry;

import java.nio.ByteBuffer;
import java.util.Locale;
import org.apache.commons.codec.binary.Base32;
import org.apache.commons.codec.digest.HmacAlgorithms;
import org.apache.commons.codec.digest.HmacUtils;

/**
 * Computes the time-based tokens of one secret (RFC 6238).
 *
 * @param algorithm {@code sha1}, {@code sha256} or {@code sha512}
 * @param base32 the secret, in base32 (RFC 4648, 6)
 * @param step the length of a time step, in seconds
 * @param digits the minimum number of digits of a token
 */
public record Totp(String algorithm, String base32, int step, int digits) {
  /** The maximum number of digits. A token has 31 bits, so its tenth digit is 0, 1 or 2. */
  static final int MAX_DIGITS = 10;

  /** The minimum number of digits. Shorter tokens are easily guessed. */
  static final int MIN_DIGITS = 6;

  private static final long[] POWERS = {
    1L,
    10L,
    100L,
    1_000L,
    10_000L,
    100_000L,
    1_000_000L,
    10_000_000L,
    100_000_000L,
    1_000_000_000L,
    10_000_000_000L
  };

  /**
   * Checks the parameters.
   *
   * @throws IllegalArgumentException if one is invalid; the message does not contain the secret
   */
  public Totp {
    algorithm = algorithm.toLowerCase(Locale.ROOT).replace("-", "");
    hmac(algorithm);
    if (key(base32).length == 0) {
      throw new IllegalArgumentException("the secret is empty or not in base32");
    }
    if (step < 1 || step > 86_400) {
      throw new IllegalArgumentException("the step is not from 1 to 86400 seconds: " + step);
    }
    if (digits < MIN_DIGITS || digits > MAX_DIGITS) {
      throw new IllegalArgumentException("the number of digits is not from 6 to 10: " + digits);
    }
  }

  private static HmacAlgorithms hmac(String algorithm) {
    return switch (algorithm) {
      case "sha1" -> HmacAlgorithms.HMAC_SHA_1;
      case "sha256" -> HmacAlgorithms.HMAC_SHA_256;
      case "sha512" -> HmacAlgorithms.HMAC_SHA_512;
      default -> throw new IllegalArgumentException("the algorithm is not sha1, sha256 or sha512");
    };
  }

  private static byte[] key(String base32) {
    String text = base32.replaceAll("[ =-]", "");
    return text.matches("[A-Za-z2-7]+")
        ? new Base32().decode(text.toUpperCase(Locale.ROOT))
        : new byte[0];
  }

  /** Returns the number of the time step that contains a time, in seconds since the epoch. */
  public long stepAt(long epochSecond) {
    return Math.floorDiv(epochSecond, step);
  }

  /**
   * Returns the token of a time step. A short token consists of the last digits of a longer one.
   *
   * @param length the number of digits, at most {@link #MAX_DIGITS}
   */
  public String token(long number, int length) {
    byte[] counter = ByteBuffer.allocate(Long.BYTES).putLong(number).array();
    byte[] mac = new HmacUtils(hmac(algorithm), key(base32)).hmac(counter);
    int offset = mac[mac.length - 1] & 0xf;
    long code = ByteBuffer.wrap(mac).getInt(offset) & 0x7fffffffL; // RFC 4226, 5.3
    return String.format(Locale.ROOT, "%0" + length + "d", code % POWERS[length]);
  }

  /** Returns a text without the secret. */
  @Override
  public String toString() {
    return "Totp[" + algorithm + "]";
  }
}
