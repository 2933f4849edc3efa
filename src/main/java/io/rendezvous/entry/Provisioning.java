package io.rendezvous.entry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/**
 * The data that a hidden server needs to reach the broker (protocol.md, 4). It is handed over as a
 * provisioning file: {@code UUID.provisioning.json}, or {@code UUID.js} for older hidden servers.
 *
 * @param id the UUID of the hidden server
 * @param labels the labels of the hidden server
 * @param totp the secret, with the parameters of its tokens
 * @param host the broker's host name
 * @param port the broker's port
 * @param ca the certificates that the broker is verified with, in PEM; empty for public authorities
 * @param local what clients reach, which the user of the hidden server may add to the file
 * @param issuer the URL of the issuer, if it is not the broker's
 */
public record Provisioning(
    UUID id,
    List<String> labels,
    Totp totp,
    String host,
    int port,
    Optional<String> ca,
    LocalTarget local,
    Optional<String> issuer) {
  private static final String JS_PREFIX = "exports.params = ";
  private static final String CA_UNREADABLE = "\"ca\" is neither a text in PEM nor its octets";
  private static final int MAX_OCTET = 255;
  private static final ObjectMapper JSON =
      StrictJson.builder()
          .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
          .enable(JsonReadFeature.ALLOW_UNQUOTED_FIELD_NAMES)
          .enable(JsonReadFeature.ALLOW_JAVA_COMMENTS)
          .enable(JsonReadFeature.ALLOW_TRAILING_COMMA)
          .build();

  /** Creates provisioning data without a target, issued by the broker. */
  public Provisioning(
      UUID id, List<String> labels, Totp totp, String host, int port, Optional<String> ca) {
    this(id, labels, totp, host, port, ca, LocalTarget.NONE, Optional.empty());
  }

  /** Returns a copy for another broker. */
  public Provisioning at(String otherHost, int otherPort) {
    return new Provisioning(id, labels, totp, otherHost, otherPort, ca, local, issuer);
  }

  /** Returns a copy with the URL of another issuer. */
  Provisioning issuedBy(String url) {
    return new Provisioning(id, labels, totp, host, port, ca, local, Optional.of(url));
  }

  /**
   * Parses a provisioning file of either form.
   *
   * @throws IOException if the text is not a provisioning file; the message contains nothing of it
   */
  public static Provisioning parse(String text) throws IOException {
    String json = text.strip();
    if (json.startsWith("exports.params")) {
      json = json.substring(json.indexOf('=') + 1).strip().replaceFirst(";\\s*$", "");
    }
    try {
      JsonNode root = JSON.readTree(json);
      JsonNode uuid = root.path("uuid");
      JsonNode server = root.path("server");
      List<String> labels = new ArrayList<>();
      root.path("labels").forEach(label -> labels.add(label.asText()));
      return new Provisioning(
          Entry.parseId((uuid.isArray() ? uuid.path(0) : uuid).asText())
              .orElseThrow(() -> new IllegalArgumentException("\"uuid\" is not a UUID")),
          labels,
          new Totp(
              root.path("algorithm").asText("sha1"),
              root.path("base32").asText(),
              root.path("step").asInt(30),
              root.path("digits").asInt(6)),
          server.path("hostname").asText(),
          server.path("port").asInt(),
          pem(server.path("ca")),
          LocalTarget.of(root),
          Optional.ofNullable(root.path("issuer").textValue())
              .filter(url -> !url.equals(urlOf(server))));
    } catch (JsonProcessingException e) {
      throw new IOException("not a provisioning file: it " + StrictJson.explain(e));
    } catch (IllegalArgumentException e) {
      throw new IOException("not a provisioning file: " + e.getMessage());
    }
  }

  /**
   * Returns the certificates in PEM: a text, or its octets in one of the two forms in which Node
   * writes a buffer as JSON.
   */
  private static Optional<String> pem(JsonNode ca) {
    if (ca.isMissingNode() || ca.isNull()) {
      return Optional.empty();
    }
    if (ca.isTextual()) {
      return Optional.of(ca.textValue());
    }
    JsonNode octets = ca.isObject() ? ca.path("data") : ca;
    if (!octets.isArray()) {
      throw new IllegalArgumentException(CA_UNREADABLE);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (JsonNode octet : octets) {
      if (!octet.isInt() || octet.intValue() < 0 || octet.intValue() > MAX_OCTET) {
        throw new IllegalArgumentException(CA_UNREADABLE);
      }
      bytes.write(octet.intValue());
    }
    return Optional.of(bytes.toString(StandardCharsets.UTF_8));
  }

  private static String urlOf(JsonNode server) {
    return "https://" + server.path("hostname").asText() + ":" + server.path("port").asInt();
  }

  /** Returns the JSON form, including the secret. */
  public String toJson() {
    ObjectNode root = JSON.createObjectNode();
    root.putArray("uuid").add(id.toString());
    ArrayNode names = root.putArray("labels");
    labels.forEach(names::add);
    root.put("protocol", "totp")
        .put("algorithm", totp.algorithm())
        .put("base32", totp.base32())
        .put("step", totp.step())
        .put("digits", totp.digits())
        .put("name", name())
        .put("issuer", issuer.orElse("https://" + host + ":" + port));
    ObjectNode server = root.putObject("server").put("hostname", host).put("port", port);
    ca.ifPresent(pem -> server.put("ca", pem));
    return root.toPrettyString();
  }

  /** Returns the form of a JavaScript module, which older hidden servers read. */
  public String toJs() {
    return JS_PREFIX + toJson() + ";";
  }

  /** Returns the URI that authenticator apps read from a QR code. */
  public String toOtpauth() {
    String issuer = "Rendezvous " + host;
    return String.format(
        Locale.ROOT,
        "otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=%s&digits=%d&period=%d",
        escape(issuer),
        escape(name()),
        totp.base32().replace("=", ""),
        escape(issuer),
        totp.algorithm().toUpperCase(Locale.ROOT),
        totp.digits(),
        totp.step());
  }

  private String name() {
    return labels.isEmpty() ? id.toString() : Label.nameOf(labels.get(0));
  }

  private static String escape(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** Returns a text without the secret. */
  @Override
  public String toString() {
    return "Provisioning[" + id + "]";
  }
}
