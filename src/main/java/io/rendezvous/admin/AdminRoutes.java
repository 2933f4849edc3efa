package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.RoutingHandler;
import io.undertow.server.handlers.PathHandler;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.util.function.Supplier;

/**
 * The routes of the admin listener. The health checks and the files that the page is made of are
 * open to everybody; everything else needs the token.
 *
 * <p>The health checks are answered on I/O threads, everything else on workers.
 */
final class AdminRoutes {
  private static final String JSON = "application/json";
  private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

  private final AdminAuth auth;
  private final Api api;
  private final EntrySearch search;
  private final EventStream events;
  private final BrokerView broker;
  private final JsonViews views;
  private final Supplier<String> metrics;

  /**
   * Creates the routes.
   *
   * @param metrics returns the current values in Prometheus format
   */
  AdminRoutes(
      AdminAuth auth,
      Api api,
      EntrySearch search,
      EventStream events,
      BrokerView broker,
      JsonViews views,
      Supplier<String> metrics) {
    this.auth = auth;
    this.api = api;
    this.search = search;
    this.events = events;
    this.broker = broker;
    this.views = views;
    this.metrics = metrics;
  }

  /** Returns the handler of all requests. */
  HttpHandler handler() {
    HttpHandler files = ApiHandler.handler((exchange, body) -> sendFile(exchange));
    PathHandler paths =
        new PathHandler(authenticated())
            .addExactPath("/health", exchange -> sendJson(exchange, "{\"status\":\"up\"}"))
            .addExactPath("/ready", this::ready);
    return exchange -> {
      AuthHandler.addHeaders(exchange);
      boolean isFile = StaticFile.isOpen(exchange.getRequestPath());
      (isFile ? files : paths).handleRequest(exchange);
    };
  }

  private AuthHandler authenticated() {
    RoutingHandler routes = new RoutingHandler();
    AuthHandler authHandler = new AuthHandler(auth, routes);
    api.addTo(routes);
    add(routes, "/", (exchange, body) -> StaticFile.send(exchange, "index.html"));
    add(routes, "/api/entries", search::answer);
    add(routes, "/api/status", (exchange, body) -> sendJson(exchange, broker.toJson()));
    add(routes, "/api/rendezvous", (exchange, body) -> sendJson(exchange, views.rendezvous()));
    add(routes, "/api/openapi.json", (exchange, body) -> StaticFile.send(exchange, "openapi.json"));
    add(
        routes,
        "/metrics",
        (exchange, body) -> ApiHandler.send(exchange, PROMETHEUS, metrics.get()));
    routes
        .get("/api/events", events.handler())
        .post("/logout", ApiHandler.handler((exchange, body) -> authHandler.logout(exchange)))
        .setFallbackHandler(refusal(StatusCodes.NOT_FOUND, "there is nothing at this path"))
        .setInvalidMethodHandler(
            refusal(StatusCodes.METHOD_NOT_ALLOWED, "the method is not allowed at this path"));
    return authHandler;
  }

  private static void add(RoutingHandler routes, String path, ApiHandler get) {
    routes.get(path, ApiHandler.handler(get));
  }

  private static HttpHandler refusal(int status, String detail) {
    return exchange -> ApiHandler.refuse(exchange, new ApiException(status, detail));
  }

  private static void sendFile(HttpServerExchange exchange) throws ApiException, IOException {
    StaticFile.send(exchange, exchange.getRequestPath().substring(1));
  }

  private void ready(HttpServerExchange exchange) {
    boolean ready = broker.isReady();
    exchange.setStatusCode(ready ? StatusCodes.OK : StatusCodes.SERVICE_UNAVAILABLE);
    sendJson(exchange, "{\"status\":\"" + (ready ? "ready" : "not ready") + "\"}");
  }

  private static void sendJson(HttpServerExchange exchange, ObjectNode json) {
    sendJson(exchange, json.toString());
  }

  private static void sendJson(HttpServerExchange exchange, String json) {
    ApiHandler.send(exchange, JSON, json);
  }
}
