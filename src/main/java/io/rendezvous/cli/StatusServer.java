package io.rendezvous.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.agent.Address;
import io.rendezvous.agent.Status;
import io.rendezvous.agent.requests.RequestHistory;
import io.rendezvous.http.undertow.LoopbackHost;
import io.rendezvous.http.undertow.PageSecurity;
import io.rendezvous.http.undertow.UndertowServer;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.BlockingHandler;
import io.undertow.server.handlers.PathHandler;
import io.undertow.util.Headers;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Serves a page, {@code /health} and {@code /metrics} of an agent on this machine. It needs no
 * password, so it listens on a loopback address only and reveals no secret.
 */
final class StatusServer implements AutoCloseable {
  private static final Listener.Limits LIMITS = new Listener.Limits(64, 64);
  private static final Duration IDLE_TIME = Duration.ofSeconds(10);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Supplier<Map<String, Status>> statuses;
  private final AgentMetrics metrics;
  private final StatusPage page;
  private final UndertowServer server;
  private final Listener listener;

  /**
   * Starts to listen.
   *
   * @param statuses returns the status of each hidden server by name; any thread may call it
   * @param history the latest requests
   * @throws IOException if the address is not available
   * @throws IllegalArgumentException if it is not a loopback address
   */
  StatusServer(
      Address at, Network network, Supplier<Map<String, Status>> statuses, RequestHistory history)
      throws IOException {
    InetAddress address = InetAddress.getByName(at.host());
    if (!address.isLoopbackAddress()) {
      throw new IllegalArgumentException("--status must be a loopback address: " + at.host());
    }
    this.statuses = statuses;
    this.metrics = new AgentMetrics(statuses);
    this.page = new StatusPage(history);
    this.server =
        new UndertowServer(network, user -> false, LoopbackHost.before(handler()), IDLE_TIME);
    this.listener =
        network.listen(
            new InetSocketAddress(address, at.port()),
            null,
            LIMITS,
            conn -> server.accept(conn, ByteBuffer.allocate(0), Optional.empty(), () -> {}));
  }

  /** Returns where it listens. */
  InetSocketAddress address() {
    return listener.address();
  }

  private HttpHandler handler() {
    PathHandler paths =
        new PathHandler(exchange -> exchange.setStatusCode(StatusCodes.NOT_FOUND))
            .addExactPath("/health", this::health)
            .addExactPath("/metrics", this::metrics);
    page.addTo(paths);
    return new BlockingHandler(
        exchange -> {
          PageSecurity.addHeaders(exchange);
          paths.handleRequest(exchange);
        });
  }

  private void health(HttpServerExchange exchange) {
    ObjectNode root = JSON.createObjectNode();
    Map<String, Status> all = statuses.get();
    boolean online = all.values().stream().allMatch(Status::isOnline);
    root.put("status", online ? "up" : "down");
    ObjectNode entries = root.putObject("entries");
    all.forEach((name, status) -> AgentOutput.describe(entries.putObject(name), status));
    exchange.setStatusCode(online ? StatusCodes.OK : StatusCodes.SERVICE_UNAVAILABLE);
    exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, "application/json");
    exchange.getResponseSender().send(root + "\n");
  }

  private void metrics(HttpServerExchange exchange) {
    exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, "text/plain; version=0.0.4");
    exchange.getResponseSender().send(metrics.scrape());
  }

  /** Stops listening. */
  @Override
  public void close() {
    listener.close();
    server.drain();
  }
}
