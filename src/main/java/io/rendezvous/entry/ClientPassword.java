package io.rendezvous.entry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * The password that the clients of one hidden server have to know (protocol.md, 1.8). Not the
 * password is stored but HA1, the digest of the user name, the realm and the password (RFC 7616,
 * 3.4.2). The user name is the UUID in lower case. Whoever reads HA1 can log in with it, so it is
 * as secret as the password.
 *
 * <p>Immutable. {@link #toString} shows nothing of it.
 */
public final class ClientPassword {
  /** Fewer characters could be guessed over the network. */
  public static final int MIN_LENGTH = 8;

  /** The maximum length of a password, in characters. */
  public static final int MAX_LENGTH = 256;

  private static final HexFormat HEX = HexFormat.of();

  /** A digest algorithm of RFC 7616. */
  public enum Algorithm {
    /** The stronger one. Browsers of before 2021 do not know it. */
    SHA_256("SHA-256", "sha256", 64),
    /** The algorithm of RFC 2617, which every client knows. */
    MD5("MD5", "md5", 32);

    private final String token;
    private final String key;
    private final int digits;

    Algorithm(String token, String key, int digits) {
      this.token = token;
      this.key = key;
      this.digits = digits;
    }

    /** Returns the name in challenges. */
    public String token() {
      return token;
    }

    /** Returns how many hexadecimal digits a digest has. */
    public int digits() {
      return digits;
    }

    /** Returns the digest of a text of octets, one char each, in lower-case hexadecimal. */
    public String digest(String octets) {
      try {
        byte[] digest =
            MessageDigest.getInstance(token).digest(octets.getBytes(StandardCharsets.ISO_8859_1));
        return HEX.formatHex(digest);
      } catch (NoSuchAlgorithmException e) {
        throw new AssertionError(e); // every Java has both
      }
    }
  }

  private final UUID id;
  private final String realm;
  private final Map<Algorithm, String> ha1;

  private ClientPassword(UUID id, String realm, Map<Algorithm, String> ha1) {
    this.id = id;
    this.realm = realm;
    this.ha1 = ha1;
  }

  /**
   * Creates the stored form of a password.
   *
   * @param realm the realm of the broker's challenges
   * @throws IllegalArgumentException as {@link #check} does
   */
  public static ClientPassword of(UUID id, String realm, String password) {
    check(password);
    return new ClientPassword(id, realm, digests(id, realm, octets(password)));
  }

  /**
   * Checks that a password can be used.
   *
   * @throws IllegalArgumentException if it is too short or too long, or cannot be sent in a header;
   *     the message is fit for the person who chose it
   */
  public static void check(String password) {
    int length = password.codePointCount(0, password.length());
    if (length < MIN_LENGTH || length > MAX_LENGTH) {
      throw new IllegalArgumentException(
          "a password has from %d to %d characters".formatted(MIN_LENGTH, MAX_LENGTH));
    }
    if (password.chars().anyMatch(Character::isISOControl) || !password.strip().equals(password)) {
      throw new IllegalArgumentException(
          "a password contains no control characters, and no blanks at its ends");
    }
  }

  /**
   * Reads the stored form. A digest that is missing or malformed matches nothing, so that a mistake
   * in the store lets nobody in.
   */
  static ClientPassword parse(UUID id, JsonNode json) {
    Map<Algorithm, String> digests = new EnumMap<>(Algorithm.class);
    for (Algorithm algorithm : Algorithm.values()) {
      String text = json.path("ha1").path(algorithm.key).asText().toLowerCase(Locale.ROOT);
      if (text.matches("[0-9a-f]{" + algorithm.digits + "}")) {
        digests.put(algorithm, text);
      }
    }
    return new ClientPassword(id, json.path("realm").asText(), digests);
  }

  ObjectNode toJson(ObjectMapper mapper) {
    ObjectNode json = mapper.createObjectNode().put("realm", realm);
    ObjectNode digests = json.putObject("ha1");
    ha1.forEach((algorithm, digest) -> digests.put(algorithm.key, digest));
    return json;
  }

  private static Map<Algorithm, String> digests(UUID id, String realm, String password) {
    Map<Algorithm, String> digests = new EnumMap<>(Algorithm.class);
    for (Algorithm algorithm : Algorithm.values()) {
      digests.put(algorithm, digest(algorithm, id, realm, password));
    }
    return digests;
  }

  private static String digest(Algorithm algorithm, UUID id, String realm, String password) {
    return algorithm.digest(id + ":" + realm + ":" + password);
  }

  /** Returns the octets of a password in UTF-8 (RFC 7616, 4), one char each. */
  private static String octets(String password) {
    byte[] utf8 = password.getBytes(StandardCharsets.UTF_8);
    return new String(utf8, StandardCharsets.ISO_8859_1);
  }

  /** Returns a text that differs from that of any other password, and tells nothing of this one. */
  public String fingerprint() {
    return Algorithm.SHA_256.digest(realm + " " + ha1).substring(0, 32);
  }

  /** Returns the realm that the password was set for. In another realm it is void. */
  public String realm() {
    return realm;
  }

  /** Returns HA1 by an algorithm, in lower-case hexadecimal, if it is stored. */
  public Optional<String> ha1(Algorithm algorithm) {
    return Optional.ofNullable(ha1.get(algorithm));
  }

  /**
   * Returns whether a password is this one. Takes the same time if it is not.
   *
   * @param octets the password as sent, one char for each octet
   */
  public boolean matches(String octets) {
    Algorithm algorithm = ha1.containsKey(Algorithm.SHA_256) ? Algorithm.SHA_256 : Algorithm.MD5;
    return isEqual(ha1.getOrDefault(algorithm, ""), digest(algorithm, id, realm, octets));
  }

  /** Returns whether two texts in ASCII are equal, in a time that does not depend on them. */
  public static boolean isEqual(String one, String other) {
    return MessageDigest.isEqual(
        one.getBytes(StandardCharsets.US_ASCII), other.getBytes(StandardCharsets.US_ASCII));
  }

  @Override
  public String toString() {
    return "ClientPassword";
  }
}
