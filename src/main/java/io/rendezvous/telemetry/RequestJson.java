package io.rendezvous.telemetry;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.http.SeenRequest;
import java.time.Duration;
import java.time.temporal.ChronoUnit;

/** Requests as the admin page and the status page of an agent show them: JSON without secrets. */
public final class RequestJson {
  private RequestJson() {}

  /** Returns a request. Its state is the word of the access log for how it ended. */
  public static ObjectNode of(SeenRequest request) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    return json.put("number", request.number())
        .put("first", request.first())
        .put("began", request.began().truncatedTo(ChronoUnit.MILLIS).toString())
        .put("method", request.method())
        .put("path", request.path())
        .put("status", request.status().isPresent() ? request.status().getAsInt() : null)
        .put("answeredMs", request.answeredAfter().map(Duration::toMillis).orElse(null))
        .put("lastedMs", request.lasted().toMillis())
        .put("octetsIn", request.bytesIn())
        .put("octetsOut", request.bytesOut())
        .put("state", request.ended().map(AccessLog::word).orElse("going on"));
  }
}
