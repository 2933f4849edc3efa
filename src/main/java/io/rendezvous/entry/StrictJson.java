package io.rendezvous.entry;

import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

/**
 * Reads JSON that comes from outside. It refuses what could be read in two ways, such as a key that
 * occurs twice, and what would cost too much. Any thread may call.
 */
public final class StrictJson {
  private static final int MAX_DEPTH = 64;
  private static final int MAX_NUMBER = 64; // characters
  private static final int MAX_NAME = 1000; // characters

  private StrictJson() {}

  /** Returns a mapper that accepts plain JSON, and nothing after it. */
  public static JsonMapper mapper() {
    return builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
  }

  /** Returns a builder of a mapper, to which a more lenient syntax may be added. */
  static JsonMapper.Builder builder() {
    StreamReadConstraints constraints =
        StreamReadConstraints.builder()
            .maxNestingDepth(MAX_DEPTH)
            .maxNumberLength(MAX_NUMBER)
            .maxNameLength(MAX_NAME)
            .build();
    return JsonMapper.builder(new JsonFactoryBuilder().streamReadConstraints(constraints).build())
        .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY);
  }

  /**
   * Returns in words what is wrong with a text that could not be read, to follow its name: "is not
   * valid JSON (line 3)". The words contain nothing of the text.
   */
  public static String explain(JsonProcessingException e) {
    if (e instanceof StreamConstraintsException) {
      return "is nested too deeply, or has a name, a number or a string that is too long";
    }
    JsonLocation location = e.getLocation();
    String line = location == null ? "" : " (line " + location.getLineNr() + ")";
    return e.getOriginalMessage().startsWith("Duplicate field")
        ? "has the same key twice" + line
        : "is not valid JSON" + line;
  }
}
