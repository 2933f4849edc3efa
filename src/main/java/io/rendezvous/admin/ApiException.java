package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.undertow.util.StatusCodes;

/** A request that cannot be done, and what is answered (RFC 9457). */
final class ApiException extends Exception {
  private static final long serialVersionUID = 1L;

  private final int status;

  /**
   * Creates one.
   *
   * @param status of the answer
   * @param detail what is wrong, for people
   */
  ApiException(int status, String detail) {
    super(detail, null, false, false);
    this.status = status;
  }

  int status() {
    return status;
  }

  ObjectNode toJson() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("type", "about:blank")
        .put("title", StatusCodes.getReason(status))
        .put("status", status)
        .put("detail", getMessage());
  }
}
