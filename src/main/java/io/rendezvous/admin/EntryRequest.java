package io.rendezvous.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.config.RelayMode;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.StrictJson;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/**
 * The body of a request that creates or changes an entry. Properties that it leaves out keep their
 * value, or get a default. Used by one thread.
 */
final class EntryRequest {
  static final int DEFAULT_DIGITS = 8;
  private static final ObjectMapper JSON = StrictJson.mapper();

  private final ObjectNode json;

  private EntryRequest(ObjectNode json) {
    this.json = json;
  }

  /**
   * Parses a body.
   *
   * @throws ApiException if it is not a JSON object, or a key or the type of a value is wrong
   */
  static EntryRequest parse(byte[] body) throws ApiException {
    ObjectNode json = object(body);
    Set<String> keys = new TreeSet<>(Entry.FLAGS);
    keys.addAll(Set.of("uuid", "labels", "digits", "relay"));
    for (Iterator<String> names = json.fieldNames(); names.hasNext(); ) {
      if (!keys.contains(names.next())) {
        throw invalid("unknown key; the keys of an entry are " + String.join(", ", keys));
      }
    }
    EntryRequest request = new EntryRequest(json);
    request.checkTypes();
    return request;
  }

  /**
   * Parses a JSON object. An empty body counts as an empty object.
   *
   * @throws ApiException if the body is not a JSON object
   */
  static ObjectNode object(byte[] body) throws ApiException {
    if (body.length == 0) {
      return JSON.createObjectNode();
    }
    try {
      if (JSON.readTree(body) instanceof ObjectNode object) {
        return object;
      }
      throw invalid("the body is not a JSON object");
    } catch (JsonProcessingException e) {
      throw invalid("the body " + StrictJson.explain(e));
    } catch (IOException e) {
      throw invalid("the body cannot be read");
    }
  }

  private void checkTypes() throws ApiException {
    for (String flag : Entry.FLAGS) {
      if (json.has(flag) && !json.path(flag).isBoolean()) {
        throw invalid("\"" + flag + "\" must be true or false");
      }
    }
    if (json.has("uuid") && !json.path("uuid").isTextual()) {
      throw invalid("\"uuid\" must be a string");
    }
    JsonNode digits = json.path("digits");
    if (json.has("digits") && !(digits.isIntegralNumber() && digits.canConvertToInt())) {
      throw invalid("\"digits\" must be an integer");
    }
    JsonNode relay = json.path("relay");
    if (json.hasNonNull("relay") && RelayMode.named(relay.asText()).isEmpty()) {
      throw invalid("\"relay\" must be \"raw\", \"guarded\" or null");
    }
    if (json.has("labels") && !json.path("labels").isArray()) {
      throw invalid("\"labels\" must be an array of strings");
    }
    for (JsonNode label : json.path("labels")) {
      if (!label.isTextual()) {
        throw invalid("\"labels\" must be an array of strings");
      }
    }
  }

  /** Returns an exception for a request that is invalid. */
  static ApiException invalid(String detail) {
    return new ApiException(StatusCodes.BAD_REQUEST, detail);
  }

  /**
   * Returns the UUID of the request, if it has one.
   *
   * @throws ApiException if the UUID is not valid
   */
  Optional<UUID> id() throws ApiException {
    String text = json.path("uuid").asText();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    Optional<UUID> id = Entry.parseId(text);
    if (id.isEmpty()) {
      throw invalid("\"uuid\" must be a UUID");
    }
    return id;
  }

  List<String> labels(List<String> defaultLabels) {
    if (!json.has("labels")) {
      return defaultLabels;
    }
    List<String> labels = new ArrayList<>();
    json.path("labels").forEach(label -> labels.add(label.asText()));
    return labels;
  }

  int digits(int defaultDigits) {
    return json.path("digits").asInt(defaultDigits);
  }

  Optional<RelayMode> relay(Optional<RelayMode> defaultMode) {
    return json.has("relay") ? RelayMode.named(json.path("relay").asText()) : defaultMode;
  }

  List<String> flags(List<String> defaultFlags) {
    return Entry.FLAGS.stream()
        .filter(flag -> json.path(flag).asBoolean(defaultFlags.contains(flag)))
        .toList();
  }
}
