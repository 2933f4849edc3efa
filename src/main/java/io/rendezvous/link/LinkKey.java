package io.rendezvous.link;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * The key that seals links and cookies: AES-256 in GCM. A token is its random nonce, and the
 * encrypted UUID, times and path with a tag, in base64url. It says nothing to others, and only a
 * holder of the key can make one.
 *
 * <p>Immutable. Any thread may call; no method blocks. {@link LinkKeyStore} keeps the key.
 */
public final class LinkKey {
  /** What a token is for. A token that was sealed for one purpose cannot be opened for another. */
  public enum Purpose {
    /** The last segment of the URL of a link. */
    LINK,
    /** The value of the cookie. */
    COOKIE;

    private byte[] associatedData() {
      return name().toLowerCase(Locale.ROOT).getBytes(StandardCharsets.US_ASCII);
    }
  }

  /** The length of a key. */
  static final int BYTES = 32;

  private static final String TRANSFORMATION = "AES/GCM/NoPadding";
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BYTES = 16;
  private static final int FIXED_BYTES = 4 * Long.BYTES; // the UUID and the two times
  private static final int MIN_BYTES = NONCE_BYTES + FIXED_BYTES + TAG_BYTES;
  private static final int MAX_LENGTH = 4 * (MIN_BYTES + Link.MAX_PATH + 2) / 3;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final SecretKeySpec key;

  /**
   * Creates a key.
   *
   * @param key 32 random bytes
   */
  LinkKey(byte[] key) {
    if (key.length != BYTES) {
      throw new IllegalArgumentException("a key has " + BYTES + " bytes");
    }
    this.key = new SecretKeySpec(key, "AES");
  }

  /** Returns 32 random bytes. */
  static byte[] create() {
    byte[] key = new byte[BYTES];
    RANDOM.nextBytes(key);
    return key;
  }

  /**
   * Returns the URL of a link.
   *
   * @param broker the broker's URL, without a slash at the end
   */
  public String url(String broker, Link link) {
    return broker + Link.PREFIX + seal(Purpose.LINK, link);
  }

  /** Returns a link as a token of letters, digits, hyphens and underscores. */
  public String seal(Purpose purpose, Link link) {
    byte[] path = link.path().getBytes(StandardCharsets.UTF_8);
    byte[] nonce = new byte[NONCE_BYTES];
    RANDOM.nextBytes(nonce);
    ByteBuffer plain =
        ByteBuffer.allocate(FIXED_BYTES + path.length)
            .putLong(link.id().getMostSignificantBits())
            .putLong(link.id().getLeastSignificantBits())
            .putLong(link.issued())
            .putLong(link.expires())
            .put(path)
            .flip();
    ByteBuffer token = ByteBuffer.allocate(NONCE_BYTES + plain.remaining() + TAG_BYTES).put(nonce);
    try {
      cipher(Cipher.ENCRYPT_MODE, nonce, purpose).doFinal(plain, token);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e); // the buffer is large enough
    }
    return Base64.getUrlEncoder().withoutPadding().encodeToString(token.array());
  }

  /**
   * Returns the link of a token. The caller has to check whether the link is still valid.
   *
   * @param token any text
   * @return empty if the token was not sealed with this key for this purpose
   */
  public Optional<Link> open(Purpose purpose, String token) {
    byte[] bytes = token.length() > MAX_LENGTH ? new byte[0] : decode(token);
    if (bytes.length < MIN_BYTES) {
      return Optional.empty();
    }
    ByteBuffer sealed = ByteBuffer.wrap(bytes);
    byte[] nonce = new byte[NONCE_BYTES];
    sealed.get(nonce);
    ByteBuffer plain = ByteBuffer.allocate(sealed.remaining() - TAG_BYTES);
    try {
      cipher(Cipher.DECRYPT_MODE, nonce, purpose).doFinal(sealed, plain);
    } catch (GeneralSecurityException e) {
      return Optional.empty();
    }
    plain.flip();
    return Optional.of(
        new Link(
            new UUID(plain.getLong(), plain.getLong()),
            plain.getLong(),
            plain.getLong(),
            StandardCharsets.UTF_8.decode(plain).toString()));
  }

  /** Decodes a token. Text that {@link #seal} would have written otherwise has no bytes. */
  private static byte[] decode(String token) {
    try {
      byte[] bytes = Base64.getUrlDecoder().decode(token);
      String again = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
      return again.equals(token) ? bytes : new byte[0];
    } catch (IllegalArgumentException e) {
      return new byte[0];
    }
  }

  private Cipher cipher(int mode, byte[] nonce, Purpose purpose) {
    try {
      Cipher cipher = Cipher.getInstance(TRANSFORMATION);
      cipher.init(mode, key, new GCMParameterSpec(8 * TAG_BYTES, nonce));
      cipher.updateAAD(purpose.associatedData());
      return cipher;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }
}
