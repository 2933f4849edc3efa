package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.net.FailureText;
import io.rendezvous.telemetry.ActivityLog;
import io.rendezvous.telemetry.RequestLog;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.Rendezvous;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.sse.ServerSentEventConnection;
import io.undertow.server.handlers.sse.ServerSentEventHandler;
import io.undertow.util.AttachmentKey;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends changes to open pages, as server-sent events. A page that reads too slowly misses some of
 * them and is told to load everything again.
 *
 * <p>Once a second the tick thread copies the counts of all IDs and compares them with those of the
 * second before. This takes time in proportion to the number of IDs, but holds up no I/O thread
 * (see {@link Presence}).
 *
 * <p>Any thread may call, except where a method says otherwise.
 */
final class EventStream {
  private static final Logger LOG = LoggerFactory.getLogger(EventStream.class);
  private static final int MAX_STREAMS = 64;

  /** Changed entries of one second above which pages load their list again instead. */
  private static final int MAX_CHANGED = 100;

  private static final int TICKS_PER_STATUS = 2;

  /** Ticks after which a stream that takes nothing is closed. */
  private static final int MAX_MISSED = 30;

  private static final AttachmentKey<Start> START = AttachmentKey.create(Start.class);

  private final EntryIndex index;
  private final Presence presence;
  private final ActivityLog activity;
  private final RequestLog requests;
  private final AdminAuth auth;
  private final JsonViews views;
  private final Supplier<String> status;
  private final Set<PageStream> streams = ConcurrentHashMap.newKeySet();
  private volatile boolean refresh;

  // Used on the tick thread only.
  private long ticks;
  private Map<UUID, Presence.Counts> counts = Map.of();
  private @Nullable Map<UUID, Entry> entries;

  /**
   * Creates an event stream that no page reads.
   *
   * @param auth knows when the session of a page has ended
   * @param status returns the status of the broker as JSON; it may block
   */
  EventStream(
      AdminServer.BrokerParts parts, AdminAuth auth, JsonViews views, Supplier<String> status) {
    this.auth = auth;
    this.index = parts.index();
    this.presence = parts.presence();
    this.activity = parts.activity();
    this.requests = parts.requests();
    this.views = views;
    this.status = status;
  }

  /**
   * The beginning of a stream, prepared by a worker.
   *
   * @param status the data of the first event
   * @param thread the I/O thread of the connection
   * @param isValid tells whether the session of the page has not ended
   */
  private record Start(String status, Executor thread, BooleanSupplier isValid) {}

  /** The stream to one page. Any thread may send. */
  private static final class PageStream implements ServerSentEventConnection.EventCallback {
    private final ServerSentEventConnection connection;
    private final Executor thread;
    private final BooleanSupplier isValid;

    // Guarded by this.
    private int pending; // events that are not written yet
    private int missed; // ticks

    PageStream(ServerSentEventConnection connection, Start start) {
      this.connection = connection;
      this.thread = start.thread();
      this.isValid = start.isValid();
    }

    /** Closes the connection of a page whose session has ended. */
    void closeIfLoggedOut() {
      if (!isValid.getAsBoolean()) {
        thread.execute(() -> close(connection));
      }
    }

    /**
     * Sends events, unless earlier ones are not written yet. Closes the connection of a page that
     * has taken nothing for too long.
     */
    void send(Map<String, String> events) {
      boolean missedSome;
      synchronized (this) {
        if (pending > 0) {
          if (++missed == MAX_MISSED) {
            thread.execute(() -> close(connection));
          }
          return;
        }
        missedSome = missed > 0 && !events.containsKey("refresh");
        pending = events.size() + (missedSome ? 1 : 0);
        missed = 0;
      }
      // Outside the lock, because the connection has its own, and calls back while it holds it.
      if (missedSome) {
        connection.send("{}", "refresh", null, this);
      }
      events.forEach((event, data) -> connection.send(data, event, null, this));
    }

    @Override
    public synchronized void done(
        ServerSentEventConnection to,
        @Nullable String data,
        @Nullable String event,
        @Nullable String id) {
      pending--;
    }

    @Override
    public void failed(
        ServerSentEventConnection to,
        @Nullable String data,
        @Nullable String event,
        @Nullable String id,
        IOException e) {
      close(to);
    }
  }

  /** Returns the handler that begins a stream. */
  HttpHandler handler() {
    HttpHandler handler = new ServerSentEventHandler((connection, lastId) -> onBegun(connection));
    return exchange -> exchange.dispatch(blocking -> begin(blocking, handler));
  }

  /** Reads the first status on a worker, because the stream begins on an I/O thread. */
  private void begin(HttpServerExchange exchange, HttpHandler handler) throws Exception {
    if (streams.size() >= MAX_STREAMS) {
      ApiHandler.refuse(
          exchange,
          new ApiException(
              StatusCodes.SERVICE_UNAVAILABLE, "too many pages are open; close one of them"));
      return;
    }
    exchange.putAttachment(
        START, new Start(status.get(), exchange.getIoThread(), auth.validity(exchange)));
    handler.handleRequest(exchange);
  }

  private void onBegun(ServerSentEventConnection connection) {
    Start start = connection.getAttachment(START);
    PageStream stream = new PageStream(connection, start);
    connection.addCloseTask(closed -> streams.remove(stream));
    streams.add(stream);
    if (!connection.isOpen()) { // closed before the close task was added
      streams.remove(stream);
    }
    stream.send(Map.of("status", start.status()));
  }

  /** Makes all pages load their data again. Any thread may call. */
  void refresh() {
    refresh = true;
  }

  private static void close(ServerSentEventConnection connection) {
    try {
      connection.close();
    } catch (IOException e) {
      LOG.debug("An event stream could not be closed: {}", e.toString());
    }
  }

  /** Sends what has changed since the last call. To be called once a second, on one thread. */
  void tick() {
    ticks++;
    streams.forEach(PageStream::closeIfLoggedOut);
    Set<UUID> changed = activity.takeChanged();
    boolean someLeftOut = changed.size() >= ActivityLog.MAX_CHANGED;
    changed.removeIf(id -> index.known(id).isEmpty()); // strangers may have claimed any UUID
    Set<UUID> requested = requests.takeChanged();
    someLeftOut |= requested.size() >= RequestLog.MAX_CHANGED;
    List<Rendezvous> rendezvous = new ArrayList<>(activity.takeEnded());
    if (streams.isEmpty()) {
      counts = Map.of();
      entries = null;
      return;
    }
    Map<String, String> events = new HashMap<>();
    if (ticks % TICKS_PER_STATUS == 0) {
      events.put("status", status.get());
    }
    boolean entriesChanged = entriesChanged();
    addChangedCounts(changed);
    if (entriesChanged || someLeftOut || changed.size() > MAX_CHANGED) {
      events.put("refresh", "{}");
    } else if (!changed.isEmpty()) {
      events.put("entries", entriesJson(changed));
    }
    activity.recent().stream().filter(Rendezvous::goesOn).forEach(rendezvous::add);
    if (!rendezvous.isEmpty()) {
      events.put("rendezvous", rendezvousJson(rendezvous));
    }
    if (!requested.isEmpty()) {
      events.put("requests", idsJson(requested));
    }
    if (!events.isEmpty()) {
      streams.forEach(stream -> stream.send(events));
    }
  }

  private boolean entriesChanged() {
    boolean requested = refresh;
    refresh = false;
    Map<UUID, Entry> before = entries;
    try {
      entries = index.all();
    } catch (IOException e) {
      LOG.debug("The entries cannot be compared: {}", FailureText.of(e));
    }
    // The index returns the same map until an entry changes.
    return requested || before != null && before != entries;
  }

  private void addChangedCounts(Set<UUID> changed) {
    Map<UUID, Presence.Counts> now = presence.counts();
    now.forEach(
        (id, count) -> {
          if (!count.equals(counts.get(id))) {
            changed.add(id);
          }
        });
    counts.keySet().stream().filter(id -> !now.containsKey(id)).forEach(changed::add);
    counts = now;
  }

  private String entriesJson(Set<UUID> ids) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    ids.forEach(id -> index.known(id).ifPresent(entry -> array.add(views.entry(entry))));
    return array.toString();
  }

  private static String idsJson(Set<UUID> ids) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    ids.forEach(id -> array.add(id.toString()));
    return array.toString();
  }

  private String rendezvousJson(List<Rendezvous> list) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    list.forEach(rendezvous -> array.add(views.rendezvous(rendezvous)));
    return array.toString();
  }
}
