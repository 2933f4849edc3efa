package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.undertow.util.StatusCodes;

/** The reason why a request is refused, which becomes a problem detail (RFC 9457). Immutable. */
final class ApiException extends Exception {
  private static final long serialVersionUID = 1L;

  private final int status;

  /**
   * Creates an exception without a stack trace.
   *
   * @param status the status of the response
   * @param detail the reason, for people
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
