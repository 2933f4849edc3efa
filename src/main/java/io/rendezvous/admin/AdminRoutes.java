package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.http.undertow.PageSecurity;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.RoutingHandler;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The routes of the admin listener. The health checks and the files that the page is made of are
 * open to everybody; everything else needs the token.
 *
 * <p>The health checks are answered on I/O threads, everything else on workers.
 */
final class AdminRoutes {
  private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

  private final AdminAuth auth;
  private final LoginApi login;
  private final List<Consumer<RoutingHandler>> apis;
  private final EntrySearch search;
  private final EventStream events;
  private final BrokerView broker;
  private final JsonViews views;
  private final Supplier<String> metrics;

  /**
   * Creates the routes.
   *
   * @param apis add the routes of further parts of the API
   * @param metrics returns the current values in Prometheus format
   */
  AdminRoutes(
      AdminAuth auth,
      List<Consumer<RoutingHandler>> apis,
      EntrySearch search,
      EventStream events,
      BrokerView broker,
      JsonViews views,
      Supplier<String> metrics) {
    this.auth = auth;
    this.login = new LoginApi(auth);
    this.apis = List.copyOf(apis);
    this.search = search;
    this.events = events;
    this.broker = broker;
    this.views = views;
    this.metrics = metrics;
  }

  /** Returns the handler of all requests. */
  HttpHandler handler() {
    HttpHandler files = ApiHandler.handler((exchange, body) -> sendFile(exchange));
    HttpHandler guarded = authenticated();
    // Not by Undertow's PathHandler, which logs each path at debug: paths contain UUIDs.
    Map<String, HttpHandler> open =
        Map.of(
            "/health",
            exchange -> sendJson(exchange, "{\"status\":\"up\"}"),
            "/ready",
            this::ready);
    return exchange -> {
      PageSecurity.addHeaders(exchange);
      String path = exchange.getRequestPath();
      HttpHandler next = StaticFile.isOpen(path) ? files : open.getOrDefault(path, guarded);
      next.handleRequest(exchange);
    };
  }

  private AuthHandler authenticated() {
    RoutingHandler routes = new RoutingHandler();
    apis.forEach(api -> api.accept(routes));
    login.addTo(routes);
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
        .setFallbackHandler(refusal(StatusCodes.NOT_FOUND, "there is nothing at this path"))
        .setInvalidMethodHandler(
            refusal(StatusCodes.METHOD_NOT_ALLOWED, "the method is not allowed at this path"));
    return new AuthHandler(auth, ApiHandler.handler(login::logIn), new KnownParameters(routes));
  }

  private static void add(RoutingHandler routes, String path, ApiHandler get) {
    routes.get(path, ApiHandler.handler(get));
  }

  private static HttpHandler refusal(int status, String detail) {
    return exchange -> ApiHandler.refuse(exchange, new ApiException(status, detail));
  }

  private static void sendFile(HttpServerExchange exchange) throws ApiException, IOException {
    StaticFile.send(exchange, StaticFile.nameOf(exchange.getRequestPath()));
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
    ApiHandler.send(exchange, ApiHandler.JSON, json);
  }
}
