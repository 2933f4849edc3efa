package io.rendezvous.entry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.config.RelayMode;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The broker's record of one hidden server: its UUID, its labels and its TOTP secret (protocol.md,
 * 4). An entry keeps the JSON object that it was parsed from, so that unknown keys survive when it
 * is written again.
 *
 * <p>Immutable. {@link #toString} shows the UUID and nothing else.
 */
public final class Entry {
  /** The maximum size of an entry's JSON, in bytes. Real entries have a few hundred. */
  static final int MAX_BYTES = 64 * 1024;

  /** The keys of boolean properties, which are false if missing. */
  public static final List<String> FLAGS = List.of("open", "challenge", "proxyProtocol");

  private static final String PASSWORD = "viewer";
  private static final int MAX_LABELS = 64;
  private static final int DEFAULT_DIGITS = 6;
  private static final int DEFAULT_STEP = 30;
  private static final int MAX_PORT = 65_535;
  private static final ObjectMapper JSON = StrictJson.mapper();
  private static final int ID_LENGTH = 36;
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
    json.path("labels").forEach(label -> names.add(LowerCase.of(label.asText())));
    names.removeIf(name -> parseId(name).isPresent()); // as others may have written it
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
        params.path("step").asInt(DEFAULT_STEP),
        params.path("digits").asInt(DEFAULT_DIGITS));
  }

  /**
   * Parses an entry that this broker or an older server has written.
   *
   * @throws IOException if the text is not an entry; the message contains nothing of it
   */
  public static Entry parse(String text) throws IOException {
    try {
      if (JSON.readTree(text) instanceof ObjectNode object) {
        return new Entry(object);
      }
      throw new IOException("not a JSON object");
    } catch (JsonProcessingException e) {
      throw new IOException("it " + StrictJson.explain(e));
    } catch (IllegalArgumentException e) {
      throw new IOException(e.getMessage());
    }
  }

  /**
   * Creates an entry with a new secret.
   *
   * @param digits the minimum number of digits of its tokens
   * @param now the time of creation
   * @param flags the {@link #FLAGS} that are true
   * @throws IllegalArgumentException if a label is invalid
   */
  public static Entry create(
      UUID id, List<String> labels, int digits, Instant now, Collection<String> flags) {
    ObjectNode json = JSON.createObjectNode();
    json.put("uuid", id.toString());
    setLabels(json, labels);
    json.putObject("authParams")
        .put("protocol", "totp")
        .put("algorithm", "sha1")
        .put("base32", Secrets.create(digits))
        .put("step", DEFAULT_STEP)
        .put("digits", digits);
    json.put("created", now.toString());
    flags.forEach(flag -> setFlag(json, flag, true));
    return new Entry(json);
  }

  /**
   * Returns a copy of this entry with other labels, digits and flags.
   *
   * @param digits the minimum number of digits of its tokens
   * @param flags the {@link #FLAGS} that are true
   * @throws IllegalArgumentException if a label or the number of digits is invalid
   */
  public Entry with(List<String> newLabels, int digits, Collection<String> flags) {
    ObjectNode copy = json.deepCopy();
    setLabels(copy, newLabels);
    ((ObjectNode) copy.path("authParams")).put("digits", digits);
    FLAGS.forEach(flag -> setFlag(copy, flag, flags.contains(flag)));
    return new Entry(copy);
  }

  /**
   * Returns a copy of this entry with a new secret. The old secret expires after a while.
   *
   * @param overlap how long tokens of the old secret are still accepted
   */
  public Entry rotated(Instant now, Duration overlap) {
    ObjectNode copy = json.deepCopy();
    copy.putObject("previous")
        .put("until", now.plus(overlap).toString())
        .set("authParams", json.path("authParams"));
    return withNewSecret(copy);
  }

  /**
   * Returns a copy of this entry with a new secret. Earlier secrets are no longer accepted.
   *
   * @param now the time of the revocation
   */
  public Entry revoked(Instant now) {
    ObjectNode copy = json.deepCopy();
    copy.remove("previous");
    copy.put("revoked", now.toString());
    return withNewSecret(copy);
  }

  /** Returns a copy of this entry with a password for clients, or without one. */
  public Entry withPassword(Optional<ClientPassword> password) {
    ObjectNode copy = json.deepCopy();
    copy.remove(PASSWORD);
    password.ifPresent(given -> copy.set(PASSWORD, given.toJson(JSON)));
    return new Entry(copy);
  }

  /**
   * Returns a copy of this entry whose links are void, and those of every earlier copy. Links that
   * are issued from now on are valid.
   */
  public Entry withLinksRevoked(Instant now) {
    ObjectNode copy = json.deepCopy();
    // Later than each link until now, even if the clock was set back since the last revocation.
    copy.put("linksSince", 1 + Math.max(now.toEpochMilli(), linksSince().toEpochMilli()));
    return new Entry(copy);
  }

  /**
   * Returns a copy of this entry with another mode of relaying.
   *
   * @param mode empty for the mode of the broker's settings
   */
  public Entry withRelay(Optional<RelayMode> mode) {
    ObjectNode copy = json.deepCopy();
    if (mode.isPresent()) {
      copy.put("relay", mode.get().toString());
    } else {
      copy.remove("relay");
    }
    return new Entry(copy);
  }

  /** Sets a new secret, and removes the keys that older servers derived from the old one. */
  private static Entry withNewSecret(ObjectNode copy) {
    ObjectNode params = (ObjectNode) copy.path("authParams");
    int digits = params.path("digits").asInt(DEFAULT_DIGITS);
    params.put("base32", Secrets.create(digits)).remove("length");
    copy.remove(List.of("qrcodeURL", "authURL"));
    return new Entry(copy);
  }

  private static void setLabels(ObjectNode json, List<String> labels) {
    if (labels.size() > MAX_LABELS) {
      throw new IllegalArgumentException("more than " + MAX_LABELS + " labels");
    }
    ArrayNode names = json.putArray("labels");
    labels.stream().map(Entry::checkLabel).distinct().forEach(names::add);
  }

  private static void setFlag(ObjectNode json, String flag, boolean value) {
    if (value) {
      json.put(flag, true);
    } else {
      json.remove(flag);
    }
  }

  /**
   * Returns a label in lower case.
   *
   * @throws IllegalArgumentException if it is none, or could be taken for a UUID
   */
  public static String checkLabel(String label) {
    String lower = LowerCase.of(label);
    Matcher matcher = LABEL.matcher(lower);
    if (lower.length() > 253 || !matcher.matches() || parseId(lower).isPresent()) {
      throw new IllegalArgumentException(
          "not a label (letters, digits and hyphens, separated by dots; not a UUID): " + label);
    }
    if (matcher.group("port") != null && Integer.parseInt(matcher.group("port")) > MAX_PORT) {
      throw new IllegalArgumentException("the port of the label is not from 1 to 65535: " + label);
    }
    return lower;
  }

  /** Parses a UUID of 36 characters in either case. Returns empty if the text is not a UUID. */
  public static Optional<UUID> parseId(String text) {
    return isId(text) ? Optional.of(UUID.fromString(text)) : Optional.empty();
  }

  private static boolean isId(String text) {
    if (text.length() != ID_LENGTH) {
      return false;
    }
    for (int i = 0; i < ID_LENGTH; i++) {
      char c = text.charAt(i);
      boolean isHyphen = i == 8 || i == 13 || i == 18 || i == 23;
      if (isHyphen ? c != '-' : c > 'f' || Character.digit(c, 16) < 0) {
        return false;
      }
    }
    return true;
  }

  /** Returns the UUID. */
  public UUID id() {
    return id;
  }

  /** Returns the labels, in lower case. */
  public List<String> labels() {
    return labels;
  }

  /** Returns the {@link #FLAGS} that are true. */
  public List<String> flags() {
    return FLAGS.stream().filter(flag -> json.path(flag).asBoolean()).toList();
  }

  /** Returns whether clients may use a label in place of the UUID. */
  public boolean isOpen() {
    return json.path("open").asBoolean();
  }

  /** Returns whether clients are challenged even if their host name is a label. */
  public boolean isChallenged() {
    return json.path("challenge").asBoolean();
  }

  /** Returns whether each request is preceded by a PROXY header (protocol.md, 1.5). */
  public boolean wantsProxyHeader() {
    return json.path("proxyProtocol").asBoolean();
  }

  /** Returns whether clients have to know a password. */
  public boolean hasPassword() {
    return json.hasNonNull(PASSWORD);
  }

  /** Returns whether clients have to know a password that was not this entry's before. */
  boolean hasNewPassword(Entry before) {
    return hasPassword() && !json.path(PASSWORD).equals(before.json.path(PASSWORD));
  }

  /** Returns the password that clients have to know, if there is one. */
  public Optional<ClientPassword> password() {
    return hasPassword()
        ? Optional.of(ClientPassword.parse(id, json.path(PASSWORD)))
        : Optional.empty();
  }

  /** Returns how its clients are relayed, if the entry says so (protocol.md, 1.7). */
  public Optional<RelayMode> relay() {
    return RelayMode.named(json.path("relay").asText());
  }

  /** Returns the parameters of the entry's tokens. */
  public Totp totp() {
    return totp;
  }

  /**
   * Returns the parameters of tokens accepted at a time: the current secret's, and those of an
   * earlier secret that has not expired.
   */
  List<Totp> totpsAt(Instant now) {
    try {
      if (previousUntil().filter(now::isBefore).isPresent()) {
        return List.of(totp, totp(json.path("previous").path("authParams")));
      }
    } catch (IllegalArgumentException e) {
      // An earlier secret that cannot be read is ignored; the current one still counts.
    }
    return List.of(totp);
  }

  /** Returns when the earlier secret expires or has expired, if there is one. */
  public Optional<Instant> previousUntil() {
    try {
      return Optional.ofNullable(json.path("previous").path("until").textValue())
          .map(Instant::parse);
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }

  /** Returns when the secret was last revoked, as the entry says, if that has happened. */
  public Optional<String> revoked() {
    return Optional.ofNullable(json.path("revoked").textValue());
  }

  /** Returns the time from which on links to the entry are valid. Older ones are void. */
  public Instant linksSince() {
    return Instant.ofEpochMilli(json.path("linksSince").asLong(0));
  }

  /** Returns when the entry was created, if it says so; those of older servers do not. */
  public Optional<String> created() {
    return Optional.ofNullable(json.path("created").textValue());
  }

  /** Returns the entry as JSON, including its secret. */
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
