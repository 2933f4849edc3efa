package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.config.Settings;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.Provisioner;
import io.rendezvous.http.undertow.LoopbackHost;
import io.rendezvous.http.undertow.UndertowServer;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.telemetry.ActivityFile;
import io.rendezvous.telemetry.ActivityLog;
import io.rendezvous.tls.Tls;
import io.rendezvous.tls.keys.ServerCertificate;
import io.rendezvous.tunnel.Presence;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.RoutingHandler;
import io.undertow.server.handlers.PathHandler;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The admin page, and what programs ask for, on a listener of its own: plain HTTP on a loopback
 * address, HTTPS on any other. All but health, and files that hold nothing, asks for the token.
 */
public final class AdminServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AdminServer.class);

  /** How many connections may be open to it. */
  public static final int MAX_CONNECTIONS = 256;

  private static final Listener.Limits LIMITS =
      new Listener.Limits(MAX_CONNECTIONS, MAX_CONNECTIONS / 2);
  private static final Duration MAX_IDLE = Duration.ofSeconds(30);
  private static final String JSON = "application/json";
  private static final int SAVE_EVERY = 60;
  private static final int TO_SAVE_S = 5;
  private static final Pattern ADDRESS =
      Pattern.compile("[0-9.]+|\\[?[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*]?");

  private final EntryIndex index;
  private final Presence tunnels;
  private final Provisioner provisioner;
  private final ActivityLog ledger;
  private final ActivityFile file;
  private final BrokerView broker;
  private final JsonViews views;
  private final EventStream feed;
  private final Supplier<String> metrics;
  private final boolean tls;
  private final UndertowServer server;
  private final Listener listener;
  private final Optional<AdminLock> lock;
  private final Future<?> ticking;
  private long ticks; // of the thread that ticks
  private final ScheduledExecutorService ticker =
      Executors.newSingleThreadScheduledExecutor(AdminServer::daemon);

  /**
   * What is shown and changed.
   *
   * @param store where entries are kept
   * @param index all entries
   * @param provisioner writes files for hidden servers
   * @param presence which hidden servers are connected
   * @param activity what they have done
   */
  public record Subject(
      EntryStore store,
      EntryIndex index,
      Provisioner provisioner,
      Presence presence,
      ActivityLog activity) {}

  /**
   * Starts to listen.
   *
   * @param keys what TLS shows, where the address is no loopback address
   * @param metrics returns what Prometheus reads
   * @throws IOException if the address is not available, or the token cannot be read or made
   */
  public AdminServer(
      Settings settings,
      Optional<ServerCertificate> keys,
      Network network,
      Subject subject,
      BrokerView broker,
      Supplier<String> metrics,
      InstantSource clock)
      throws IOException {
    InetAddress address = InetAddress.getByName(settings.admin().host());
    this.tls = !address.isLoopbackAddress();
    this.index = subject.index();
    this.tunnels = subject.presence();
    this.provisioner = subject.provisioner();
    this.ledger = subject.activity();
    this.file = new ActivityFile(settings.admin().ledger(), ledger);
    this.broker = broker;
    this.metrics = metrics;
    this.views = new JsonViews(index, tunnels, ledger, provisioner, clock);
    this.feed = new EventStream(index, tunnels, ledger, views, () -> broker.toJson().toString());
    EntrySearch list = new EntrySearch(index, tunnels, ledger, views);
    Api api = new Api(subject.store(), index, tunnels, provisioner, views, feed::refresh, clock);
    AdminAuth access = new AdminAuth(AdminToken.of(settings.admin()), clock, tls);
    Predicate<String> names =
        name ->
            tls
                && (ADDRESS.matcher(name).matches()
                    || name.equalsIgnoreCase(settings.admin().host())
                    || name.equalsIgnoreCase(provisioner.publicHost())
                    || keys.orElseThrow().names().stream().anyMatch(name::equalsIgnoreCase));
    this.server =
        new UndertowServer(
            network,
            user -> false,
            LoopbackHost.before(names, handler(access, api, list)),
            MAX_IDLE);
    this.listener =
        network.listen(
            new InetSocketAddress(address, settings.admin().port()),
            tls ? Tls.accepting(network, keys.orElseThrow().context()) : null,
            LIMITS,
            conn -> server.accept(conn, ByteBuffer.allocate(0), Optional.empty(), () -> {}));
    this.lock = takeLock(settings.admin(), listener.address().getPort());
    file.load();
    this.ticking = ticker.scheduleAtFixedRate(this::tick, 1, 1, TimeUnit.SECONDS);
  }

  /** Without it the commands do as if no broker ran here, and the ledger is another's. */
  private static Optional<AdminLock> takeLock(Settings.AdminSettings settings, int port) {
    try {
      return Optional.of(AdminLock.take(settings, port));
    } catch (IOException e) {
      LOG.warn(
          "The commands of this directory do not find this broker, and its ledger is not kept: {}",
          e.getMessage());
      return Optional.empty();
    }
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "admin-tick");
    thread.setDaemon(true);
    return thread;
  }

  /** Returns where the page is, without the token. */
  public String url() {
    InetSocketAddress at = listener.address();
    return url(at.getAddress(), provisioner.publicHost(), at.getPort());
  }

  /**
   * Returns where a page is, without the token.
   *
   * @param address that it listens on
   * @param publicHost what others know the machine by
   */
  public static String url(InetAddress address, String publicHost, int port) {
    String host = address.isAnyLocalAddress() ? publicHost : address.getHostAddress();
    return (address.isLoopbackAddress() ? "http://" : "https://")
        + (host.contains(":") ? "[" + host + "]" : host)
        + ":"
        + port
        + "/";
  }

  private void tick() {
    try {
      ledger.tick();
      feed.tick();
      if (++ticks % SAVE_EVERY == 0) {
        save();
      }
    } catch (RuntimeException e) { // the next time may go better
      LOG.error("The admin page was not told what happens", e);
    }
  }

  private void save() {
    try {
      ledger.retain(index.all().keySet());
    } catch (IOException e) {
      LOG.debug("No entry is forgotten while the store cannot be asked: {}", e.getMessage());
    }
    Map<UUID, Presence.Counts> counts = tunnels.counts();
    counts.values().removeIf(count -> !count.isOnline());
    if (lock.isPresent()) { // or else another broker keeps its own there
      file.save(counts.keySet());
    }
  }

  private HttpHandler handler(AdminAuth access, Api api, EntrySearch list) {
    RoutingHandler routes = new RoutingHandler();
    AuthHandler gate = new AuthHandler(access, routes);
    api.addTo(routes);
    routes
        .get("/api/entries", ApiHandler.handler(list::answer))
        .get("/", ApiHandler.handler((exchange, body) -> StaticFile.send(exchange, "index.html")))
        .post("/logout", ApiHandler.handler((exchange, body) -> gate.logout(exchange)))
        .get("/api/status", ApiHandler.handler((exchange, body) -> send(exchange, broker.toJson())))
        .get(
            "/api/rendezvous", ApiHandler.handler((exchange, body) -> send(exchange, rendezvous())))
        .get(
            "/api/openapi.json",
            ApiHandler.handler((e, body) -> StaticFile.send(e, "openapi.json")))
        .get("/api/events", feed.handler())
        .get("/metrics", ApiHandler.handler(this::metrics))
        .setFallbackHandler(refusal(StatusCodes.NOT_FOUND, "there is nothing of that name"))
        .setInvalidMethodHandler(
            refusal(StatusCodes.METHOD_NOT_ALLOWED, "that cannot be done with it"));
    PathHandler open =
        new PathHandler(gate)
            .addExactPath(
                "/health", exchange -> ApiHandler.send(exchange, JSON, "{\"status\":\"up\"}"))
            .addExactPath("/ready", this::ready);
    HttpHandler files =
        ApiHandler.handler(
            (exchange, body) -> StaticFile.send(exchange, exchange.getRequestPath().substring(1)));
    return exchange -> {
      AuthHandler.addHeaders(exchange);
      boolean file = StaticFile.isOpen(exchange.getRequestPath());
      (file ? files : open).handleRequest(exchange);
    };
  }

  private static HttpHandler refusal(int status, String detail) {
    return exchange -> ApiHandler.refuse(exchange, new ApiException(status, detail));
  }

  private void ready(HttpServerExchange exchange) {
    boolean ready = broker.isReady();
    exchange.setStatusCode(ready ? StatusCodes.OK : StatusCodes.SERVICE_UNAVAILABLE);
    ApiHandler.send(exchange, JSON, "{\"status\":\"" + (ready ? "ready" : "not ready") + "\"}");
  }

  private static void send(HttpServerExchange exchange, ObjectNode json) {
    ApiHandler.send(exchange, JSON, json.toString());
  }

  private ObjectNode rendezvous() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ArrayNode array = json.putArray("rendezvous");
    ledger.recent().forEach(rendezvous -> array.add(views.rendezvous(rendezvous)));
    return json;
  }

  private void metrics(HttpServerExchange exchange, byte[] body) {
    ApiHandler.send(exchange, "text/plain; version=0.0.4; charset=utf-8", metrics.get());
  }

  /** Stops listening, and ends what is under way. */
  @Override
  public void close() {
    ticking.cancel(false);
    ticker.execute(this::save);
    ticker.shutdown();
    try {
      ticker.awaitTermination(TO_SAVE_S, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    listener.close();
    server.drain();
    lock.ifPresent(AdminLock::close);
  }
}
