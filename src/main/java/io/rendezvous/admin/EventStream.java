package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.telemetry.ActivityLog;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.Rendezvous;
import io.undertow.server.HttpHandler;
import io.undertow.server.handlers.sse.ServerSentEventConnection;
import io.undertow.server.handlers.sse.ServerSentEventHandler;
import io.undertow.util.AttachmentKey;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells pages what changes, by server-sent events. Who takes them too slowly misses some, and is
 * told to look again.
 */
final class EventStream {
  private static final Logger LOG = LoggerFactory.getLogger(EventStream.class);
  private static final int MAX_LISTENERS = 64;
  private static final int MAX_CHANGED = 100;
  private static final int STATUS_EVERY = 2;
  private static final int MAX_MISSED = 30;
  private static final AttachmentKey<Newcomer> NEWCOMER = AttachmentKey.create(Newcomer.class);

  private final EntryIndex index;
  private final Presence tunnels;
  private final ActivityLog ledger;
  private final JsonViews views;
  private final Supplier<String> status;
  private final Set<Listener> listeners = ConcurrentHashMap.newKeySet();
  private volatile boolean refresh;

  // Of the thread that ticks.
  private long ticks;
  private Map<UUID, Presence.Counts> counts = Map.of();
  private @Nullable Map<UUID, Entry> entries;

  /**
   * Creates one that nobody listens to.
   *
   * @param status what is told of the broker, in JSON
   */
  EventStream(
      EntryIndex index,
      Presence tunnels,
      ActivityLog ledger,
      JsonViews views,
      Supplier<String> status) {
    this.index = index;
    this.tunnels = tunnels;
    this.ledger = ledger;
    this.views = views;
    this.status = status;
  }

  /**
   * A page that is about to listen.
   *
   * @param status what it is told first
   * @param thread of its connection
   */
  private record Newcomer(String status, Executor thread) {}

  /** A page that is told of changes. */
  private static final class Listener implements ServerSentEventConnection.EventCallback {
    private final ServerSentEventConnection connection;
    private int underWay; // guarded by this
    private final Executor thread;
    private int missed; // guarded by this

    Listener(ServerSentEventConnection connection, Executor thread) {
      this.connection = connection;
      this.thread = thread;
    }

    /** Sends it, unless what was sent before is still under way. Ends what takes nothing at all. */
    void tell(Map<String, String> events) {
      synchronized (this) {
        if (underWay > 0) {
          if (++missed == MAX_MISSED) {
            thread.execute(() -> close(connection));
          }
          return;
        }
        underWay = events.size();
        if (missed > 0 && !events.containsKey("refresh")) {
          underWay++;
          connection.send("{}", "refresh", null, this);
        }
        missed = 0;
      }
      events.forEach((event, data) -> connection.send(data, event, null, this));
    }

    @Override
    public synchronized void done(
        ServerSentEventConnection to,
        @Nullable String data,
        @Nullable String event,
        @Nullable String id) {
      underWay--;
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

  /** Returns a handler that has the client listen. */
  HttpHandler handler() {
    HttpHandler streams = new ServerSentEventHandler((connection, last) -> listen(connection));
    return exchange ->
        exchange.dispatch(
            waiting -> { // for the status, on a thread that may block: the stream begins on another
              if (listeners.size() >= MAX_LISTENERS) {
                String detail = "too many pages are open";
                ApiHandler.refuse(
                    waiting, new ApiException(StatusCodes.SERVICE_UNAVAILABLE, detail));
                return;
              }
              waiting.putAttachment(NEWCOMER, new Newcomer(status.get(), waiting.getIoThread()));
              streams.handleRequest(waiting);
            });
  }

  private void listen(ServerSentEventConnection connection) {
    Newcomer newcomer = connection.getAttachment(NEWCOMER);
    Listener listener = new Listener(connection, newcomer.thread());
    connection.addCloseTask(closed -> listeners.remove(listener));
    listeners.add(listener);
    if (!connection.isOpen()) {
      listeners.remove(listener);
    }
    listener.tell(Map.of("status", newcomer.status()));
  }

  /** Has everybody look again. Any thread may call. */
  void refresh() {
    refresh = true;
  }

  private static void close(ServerSentEventConnection connection) {
    try {
      connection.close();
    } catch (IOException e) {
      LOG.debug("A page left by itself: {}", e.toString());
    }
  }

  /** Tells what has changed. To be called each second, on one thread that may block. */
  void tick() {
    ticks++;
    Set<UUID> touched = ledger.takeTouched();
    List<Rendezvous> over = ledger.takeOver();
    if (listeners.isEmpty()) {
      counts = Map.of();
      entries = null;
      return;
    }
    Map<String, String> events = new HashMap<>();
    if (ticks % STATUS_EVERY == 0) {
      events.put("status", status.get());
    }
    boolean all = entriesChanged();
    Set<UUID> changed = new HashSet<>(touched);
    addChangedCounts(changed);
    if (all || changed.size() > MAX_CHANGED) {
      events.put("refresh", "{}");
    } else if (!changed.isEmpty()) {
      events.put("entries", describe(changed));
    }
    List<Rendezvous> rendezvous = new ArrayList<>(over);
    ledger.recent().stream().filter(Rendezvous::goesOn).forEach(rendezvous::add);
    if (!rendezvous.isEmpty()) {
      events.put("rendezvous", describe(rendezvous));
    }
    if (!events.isEmpty()) {
      listeners.forEach(listener -> listener.tell(events));
    }
  }

  private boolean entriesChanged() {
    boolean asked = refresh;
    refresh = false;
    Map<UUID, Entry> before = entries;
    try {
      entries = index.all();
    } catch (IOException e) {
      LOG.debug("Entries are not looked at: {}", e.getMessage());
    }
    // The index gives another map when anything has changed.
    return asked || before != null && before != entries;
  }

  private void addChangedCounts(Set<UUID> changed) {
    Map<UUID, Presence.Counts> now = tunnels.counts();
    now.forEach(
        (id, count) -> {
          if (!count.equals(counts.get(id))) {
            changed.add(id);
          }
        });
    counts.keySet().stream().filter(id -> !now.containsKey(id)).forEach(changed::add);
    counts = now;
  }

  private String describe(Set<UUID> ids) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    ids.forEach(id -> index.known(id).ifPresent(entry -> array.add(views.entry(entry))));
    return array.toString();
  }

  private String describe(List<Rendezvous> some) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    some.forEach(rendezvous -> array.add(views.rendezvous(rendezvous)));
    return array.toString();
  }
}
