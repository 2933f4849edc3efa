package io.rendezvous.http;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The nonces of challenges (RFC 7616, 3.3). Each contains the time of its challenge and an
 * authenticator by a key of this process, so that none has to be remembered.
 *
 * <p>Any thread may call.
 */
public final class Nonces {
  private static final Duration LIFETIME = Duration.ofMinutes(5);
  private static final String ALGORITHM = "HmacSHA256";
  private static final int CLEAR_BYTES =
      2 * Integer.BYTES; // the time in seconds, and a random part
  private static final int BYTES = 16;

  private final SecureRandom random = new SecureRandom();
  private final SecretKeySpec key = new SecretKeySpec(random.generateSeed(32), ALGORITHM);
  private final InstantSource clock;

  /** Creates a source with a new key. */
  public Nonces(InstantSource clock) {
    this.clock = clock;
  }

  /** Returns a new nonce, which cannot be guessed. */
  String create() {
    byte[] nonce = new byte[BYTES];
    ByteBuffer.wrap(nonce)
        .putInt((int) clock.instant().getEpochSecond())
        .putInt(random.nextInt())
        .put(authenticator(nonce), 0, BYTES - CLEAR_BYTES);
    return HexFormat.of().formatHex(nonce);
  }

  /** Returns whether a text is a nonce of this process, not older than five minutes. */
  boolean isFresh(String text) {
    byte[] nonce = parse(text);
    if (!isOwn(nonce)) {
      return false;
    }
    Instant made = Instant.ofEpochSecond(Integer.toUnsignedLong(ByteBuffer.wrap(nonce).getInt()));
    Duration age =
        Duration.between(made, clock.instant()).abs(); // the clock may have been set back
    return age.compareTo(LIFETIME) <= 0;
  }

  /** Returns whether a text is a nonce of this process, however old. */
  boolean isOwn(String text) {
    return isOwn(parse(text));
  }

  private boolean isOwn(byte[] nonce) {
    return nonce.length == BYTES
        && MessageDigest.isEqual(
            Arrays.copyOfRange(nonce, CLEAR_BYTES, BYTES),
            Arrays.copyOf(authenticator(nonce), BYTES - CLEAR_BYTES));
  }

  /** Returns the bytes of a nonce, or none if the text cannot be one. */
  private static byte[] parse(String text) {
    try {
      return HexFormat.of().parseHex(text);
    } catch (IllegalArgumentException e) {
      return new byte[0];
    }
  }

  /** Returns the authenticator of the first part of a nonce. */
  private byte[] authenticator(byte[] nonce) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      mac.update(nonce, 0, CLEAR_BYTES);
      return mac.doFinal();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e); // every Java has it
    }
  }
}
