package io.rendezvous.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.entry.Entry;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/** What somebody wants an entry to be, in JSON. What is not said stays as it is. */
final class EntryRequest {
  static final int DEFAULT_DIGITS = 8;
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final ObjectNode json;

  private EntryRequest(ObjectNode json) {
    this.json = json;
  }

  /**
   * Reads a form.
   *
   * @throws ApiException if it is none, with what is wrong
   */
  static EntryRequest parse(byte[] body) throws ApiException {
    ObjectNode json = object(body);
    Set<String> known = new TreeSet<>(Entry.FLAGS);
    known.addAll(Set.of("uuid", "labels", "digits"));
    for (Iterator<String> names = json.fieldNames(); names.hasNext(); ) {
      if (!known.contains(names.next())) {
        throw bad("an entry has " + String.join(", ", known) + ", and nothing else");
      }
    }
    EntryRequest form = new EntryRequest(json);
    form.check();
    return form;
  }

  /**
   * Reads an object; none at all is an empty one.
   *
   * @throws ApiException if it is none
   */
  static ObjectNode object(byte[] body) throws ApiException {
    if (body.length == 0) {
      return JSON.createObjectNode();
    }
    try {
      if (JSON.readTree(body) instanceof ObjectNode object) {
        return object;
      }
      throw bad("the body is not a JSON object");
    } catch (JsonProcessingException e) {
      throw bad("the body is not JSON (line " + e.getLocation().getLineNr() + ")");
    } catch (IOException e) {
      throw bad("the body cannot be read");
    }
  }

  private void check() throws ApiException {
    for (String flag : Entry.FLAGS) {
      if (json.has(flag) && !json.path(flag).isBoolean()) {
        throw bad("\"" + flag + "\" is neither true nor false");
      }
    }
    if (json.has("uuid") && !json.path("uuid").isTextual()) {
      throw bad("\"uuid\" is not a text");
    }
    JsonNode digits = json.path("digits");
    if (json.has("digits") && !(digits.isIntegralNumber() && digits.canConvertToInt())) {
      throw bad("\"digits\" is not a number");
    }
    if (json.has("labels") && !json.path("labels").isArray()) {
      throw bad("\"labels\" is not a list");
    }
    for (JsonNode label : json.path("labels")) {
      if (!label.isTextual()) {
        throw bad("a label is not a text");
      }
    }
  }

  static ApiException bad(String detail) {
    return new ApiException(StatusCodes.BAD_REQUEST, detail);
  }

  /**
   * Returns the UUID that is said.
   *
   * @throws ApiException if that is none
   */
  Optional<UUID> id() throws ApiException {
    String text = json.path("uuid").asText();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    Optional<UUID> id = Entry.parseId(text);
    if (id.isEmpty()) {
      throw bad("\"uuid\" is not a UUID");
    }
    return id;
  }

  List<String> labels(List<String> otherwise) {
    if (!json.has("labels")) {
      return otherwise;
    }
    List<String> labels = new ArrayList<>();
    json.path("labels").forEach(label -> labels.add(label.asText()));
    return labels;
  }

  int digits(int otherwise) {
    return json.path("digits").asInt(otherwise);
  }

  List<String> flags(List<String> otherwise) {
    return Entry.FLAGS.stream()
        .filter(flag -> json.path(flag).asBoolean(otherwise.contains(flag)))
        .toList();
  }
}
