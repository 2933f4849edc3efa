package io.rendezvous.entry;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;

/**
 * What the user of a hidden server may add to a provisioning file: what clients reach, and how.
 *
 * @param to the target, as the agent's {@code --to} has it
 * @param rewriteHost whether the local server is sent its own name as Host; empty if the agent's
 *     option says so
 */
public record LocalTarget(Optional<String> to, Optional<Boolean> rewriteHost) {
  /** No target. */
  public static final LocalTarget NONE = new LocalTarget(Optional.empty(), Optional.empty());

  /**
   * Reads the keys of a provisioning file.
   *
   * @throws IllegalArgumentException if one has another type
   */
  static LocalTarget of(JsonNode file) {
    JsonNode rewriteHost = file.path("rewriteHost");
    if (!rewriteHost.isBoolean() && !rewriteHost.isMissingNode()) {
      throw new IllegalArgumentException("\"rewriteHost\" is neither true nor false");
    }
    return new LocalTarget(
        Optional.ofNullable(file.path("to").textValue()),
        Optional.of(rewriteHost).filter(JsonNode::isBoolean).map(JsonNode::booleanValue));
  }
}
