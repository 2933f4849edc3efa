package io.rendezvous.entry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.codec.binary.Base32;
import org.jspecify.annotations.Nullable;

/**
 * What the broker knows of one hidden server (PROTOCOL 4). It is kept as the JSON object it came
 * in, so that keys which are not understood here survive being written again.
 *
 * <p>Immutable. Its {@link #toString} names the UUID and nothing else.
 */
public final class Entry {
  /** The most that an entry's JSON may have, in octets; real ones have a few hundred. */
  public static final int MAX_OCTETS = 64 * 1024;

  /** What is on or off (PROTOCOL 4). */
  public static final List<String> FLAGS = List.of("open", "challenge", "proxyProtocol");

  private static final int MAX_LABELS = 64;
  private static final int SECRET_OCTETS = 20;
  private static final int OLD_DIGITS = 6;
  private static final int OLD_STEP = 30;
  private static final int MAX_PORT = 65_535;
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final Pattern ID =
      Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  private static final Pattern LABEL =
      Pattern.compile(
          "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
              + "(:(?<port>[1-9][0-9]{0,4}))?");

  private final ObjectNode json;
  private final UUID id;
  private final List<String> labels;
  private final Totp totp;

  private Entry(ObjectNode json) {
    this.json = json;
    this.id =
        parseId(json.path("uuid").asText())
            .orElseThrow(() -> new IllegalArgumentException("\"uuid\" is not a UUID"));
    List<String> names = new ArrayList<>();
    json.path("labels").forEach(label -> names.add(label.asText().toLowerCase(Locale.ROOT)));
    this.labels = List.copyOf(names);
    this.totp = totp(json.path("authParams"));
  }

  private static Totp totp(JsonNode params) {
    if (!params.path("protocol").asText().equalsIgnoreCase("totp")) {
      throw new IllegalArgumentException("\"authParams\" is not of the protocol totp");
    }
    return new Totp(
        params.path("algorithm").asText("sha1"),
        params.path("base32").asText(),
        params.path("step").asInt(OLD_STEP),
        params.path("digits").asInt(OLD_DIGITS));
  }

  /**
   * Reads an entry as this or an older server has written it.
   *
   * @throws IOException if it is none; the message holds nothing of the entry
   */
  public static Entry parse(String text) throws IOException {
    try {
      if (JSON.readTree(text) instanceof ObjectNode object) {
        return new Entry(object);
      }
      throw new IOException("not a JSON object");
    } catch (JsonProcessingException e) {
      throw new IOException("not JSON (line " + e.getLocation().getLineNr() + ")");
    } catch (IllegalArgumentException e) {
      throw new IOException(e.getMessage());
    }
  }

  /**
   * Makes an entry with a new secret.
   *
   * @param labels its labels
   * @param digits how many digits its tokens have at least
   * @param now when
   * @param flags which of {@link #FLAGS} are on
   * @throws IllegalArgumentException if a label is none
   */
  public static Entry create(
      UUID id, List<String> labels, int digits, Instant now, Collection<String> flags) {
    ObjectNode json = JSON.createObjectNode();
    json.put("uuid", id.toString());
    setLabels(json, labels);
    json.putObject("authParams")
        .put("protocol", "totp")
        .put("algorithm", "sha1")
        .put("base32", newSecret())
        .put("step", OLD_STEP)
        .put("digits", digits);
    json.put("created", now.toString());
    flags.forEach(flag -> setFlag(json, flag, true));
    return new Entry(json);
  }

  /**
   * Returns the same with other traits.
   *
   * @param newLabels its labels
   * @param digits how many digits its tokens have at least
   * @param flags which of {@link #FLAGS} are on
   * @throws IllegalArgumentException if a label or the number of digits is none
   */
  public Entry with(List<String> newLabels, int digits, Collection<String> flags) {
    ObjectNode copy = json.deepCopy();
    setLabels(copy, newLabels);
    ((ObjectNode) copy.path("authParams")).put("digits", digits);
    FLAGS.forEach(flag -> setFlag(copy, flag, flags.contains(flag)));
    return new Entry(copy);
  }

  /**
   * Returns the same with a new secret.
   *
   * @param now when
   * @param overlap how long the old one is good for still
   */
  public Entry rotated(Instant now, Duration overlap) {
    ObjectNode copy = json.deepCopy();
    copy.putObject("previous")
        .put("until", now.plus(overlap).toString())
        .set("authParams", json.path("authParams"));
    return withNewSecret(copy);
  }

  /** Returns the same with a new secret, the old one being no good any more. */
  public Entry revoked(Instant now) {
    ObjectNode copy = json.deepCopy();
    copy.remove("previous");
    copy.put("revoked", now.toString());
    return withNewSecret(copy);
  }

  /** What old servers made of the secret goes with it. */
  private static Entry withNewSecret(ObjectNode copy) {
    ObjectNode params = (ObjectNode) copy.path("authParams");
    params.put("base32", newSecret()).remove("length");
    copy.remove(List.of("qrcodeURL", "authURL"));
    return new Entry(copy);
  }

  private static String newSecret() {
    byte[] secret = new byte[SECRET_OCTETS];
    RANDOM.nextBytes(secret);
    return new Base32().encodeToString(secret);
  }

  private static void setLabels(ObjectNode json, List<String> labels) {
    if (labels.size() > MAX_LABELS) {
      throw new IllegalArgumentException("more than " + MAX_LABELS + " labels");
    }
    ArrayNode names = json.putArray("labels");
    labels.stream().map(Entry::checkLabel).distinct().forEach(names::add);
  }

  private static void setFlag(ObjectNode json, String flag, boolean on) {
    if (on) {
      json.put(flag, true);
    } else {
      json.remove(flag);
    }
  }

  /** Returns a label in lower case, if it is one and cannot be taken for a UUID. */
  private static String checkLabel(String label) {
    String lower = label.toLowerCase(Locale.ROOT);
    Matcher matcher = LABEL.matcher(lower);
    if (lower.length() > 253 || !matcher.matches() || parseId(lower).isPresent()) {
      throw new IllegalArgumentException(
          "not a label (letters, digits and hyphens, parted by dots; no UUID): " + label);
    }
    if (matcher.group("port") != null && Integer.parseInt(matcher.group("port")) > MAX_PORT) {
      throw new IllegalArgumentException("not a port behind the label: " + label);
    }
    return lower;
  }

  /** Returns the UUID that the text is in full, in any case of letters. */
  public static Optional<UUID> parseId(String text) {
    return ID.matcher(text).matches() ? Optional.of(UUID.fromString(text)) : Optional.empty();
  }

  /** Returns its UUID. */
  public UUID id() {
    return id;
  }

  /** Returns its labels, in lower case. */
  public List<String> labels() {
    return labels;
  }

  /** Returns which of {@link #FLAGS} are on. */
  public List<String> flags() {
    return FLAGS.stream().filter(flag -> json.path(flag).asBoolean()).toList();
  }

  /** Returns whether clients may name it by a label where they would by its UUID. */
  public boolean isOpen() {
    return json.path("open").asBoolean();
  }

  /** Returns whether clients are challenged at its host name too. */
  public boolean isChallenged() {
    return json.path("challenge").asBoolean();
  }

  /** Returns whether the hidden server wants to be told where clients come from (PROTOCOL 1.5). */
  public boolean wantsProxyHeader() {
    return json.path("proxyProtocol").asBoolean();
  }

  /** Returns what makes its tokens. */
  public Totp totp() {
    return totp;
  }

  /** Returns what makes tokens that are good now: its secret, and an earlier one for a while. */
  public List<Totp> totpsAt(Instant now) {
    try {
      if (previousUntil().filter(now::isBefore).isPresent()) {
        return List.of(totp, totp(json.path("previous").path("authParams")));
      }
    } catch (IllegalArgumentException e) {
      // An earlier secret that cannot be read is good for nothing.
    }
    return List.of(totp);
  }

  /** Returns until when an earlier secret is good, or was, if there is one. */
  public Optional<Instant> previousUntil() {
    try {
      return Optional.ofNullable(json.path("previous").path("until").textValue())
          .map(Instant::parse);
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }

  /** Returns when its secret was last revoked, if ever. */
  public Optional<String> revoked() {
    return Optional.ofNullable(json.path("revoked").textValue());
  }

  /** Returns when it was created, where it says so. */
  public Optional<String> created() {
    return Optional.ofNullable(json.path("created").textValue());
  }

  /** Returns it as JSON, its secret in it. */
  public String toJson() {
    return json.toString();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Entry entry && json.equals(entry.json);
  }

  @Override
  public int hashCode() {
    return id.hashCode();
  }

  @Override
  public String toString() {
    return "Entry[" + id + "]";
  }
}
