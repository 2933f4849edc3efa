package io.rendezvous.admin;

import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Refuses requests to the API with query parameters that the path does not have. Otherwise a
 * misspelt filter would be ignored, and its result taken for filtered.
 */
final class KnownParameters implements HttpHandler {
  private static final String API = "/api/";
  private static final Map<String, Set<String>> PARAMETERS =
      Map.of("/api/entries", EntrySearch.PARAMETERS);

  private final HttpHandler next;

  /**
   * Creates a filter.
   *
   * @param next handles the other requests
   */
  KnownParameters(HttpHandler next) {
    this.next = next;
  }

  @Override
  public void handleRequest(HttpServerExchange exchange) throws Exception {
    String path = exchange.getRequestPath();
    Set<String> known =
        RequestsApi.PATH.matcher(path).matches()
            ? RequestsApi.PARAMETERS
            : PARAMETERS.getOrDefault(path, Set.of());
    Set<String> unknown = new TreeSet<>(exchange.getQueryParameters().keySet());
    unknown.removeAll(known);
    if (!path.startsWith(API) || unknown.isEmpty()) {
      next.handleRequest(exchange);
      return;
    }
    String has = known.isEmpty() ? "none" : String.join(", ", new TreeSet<>(known));
    ApiHandler.refuse(
        exchange,
        EntryRequest.invalid(
            "unknown query parameter: "
                + String.join(", ", unknown)
                + " (the parameters of this path: "
                + has
                + ")"));
  }
}
