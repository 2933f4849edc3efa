package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.http.SeenRequest;
import io.rendezvous.telemetry.RequestJson;
import io.rendezvous.telemetry.RequestLog;
import io.undertow.server.HttpServerExchange;
import java.util.Deque;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** The part of the REST API that lists the latest requests to a hidden server. */
final class RequestsApi {
  /** The query parameters. */
  static final Set<String> PARAMETERS = Set.of("status");

  /** The paths that have them. */
  static final Pattern PATH = Pattern.compile("/api/entries/[^/]+/requests");

  private static final Pattern CLASS = Pattern.compile("[1-5]xx");
  private static final String NONE = "none";

  private final RequestLog log;

  RequestsApi(RequestLog log) {
    this.log = log;
  }

  /** Answers with the requests to a hidden server that have the status which is asked for. */
  void answer(HttpServerExchange exchange, UUID id) throws ApiException {
    Predicate<SeenRequest> wanted = wanted(exchange);
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("recorded", log.isEnabled());
    ArrayNode array = json.putArray("requests");
    for (RequestLog.Dated kept : log.latest(id, wanted)) {
      array.add(
          RequestJson.of(kept.request())
              .put("client", kept.client().getAddress().getHostAddress()));
    }
    ApiHandler.send(exchange, ApiHandler.JSON, json.toString());
  }

  private static Predicate<SeenRequest> wanted(HttpServerExchange exchange) throws ApiException {
    Deque<String> values = exchange.getQueryParameters().get("status");
    if (values == null) {
      return request -> true;
    }
    String value = values.getFirst();
    if (value.equals(NONE)) {
      return request -> request.status().isEmpty();
    }
    if (values.size() > 1 || !CLASS.matcher(value).matches()) {
      throw EntryRequest.invalid("\"status\" must be one of 1xx, 2xx, 3xx, 4xx, 5xx and none");
    }
    int hundreds = value.charAt(0) - '0';
    return request -> request.status().orElse(0) / 100 == hundreds;
  }
}
