package io.rendezvous.telemetry;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.net.FailureText;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.TunnelListener;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports to a URL of the operator when hidden servers come, go, or are wanted, by a POST of
 *
 * <pre>{"event":"online","uuid":"2f40…","labels":["home"],"time":"2026-01-31T12:00:00.123Z"}</pre>
 *
 * <ul>
 *   <li>{@code online}: the first tunnel of a hidden server was parked. After a restart of the
 *       broker, this is reported anew.
 *   <li>{@code offline}: its last tunnel has been gone for ten seconds. A hidden server that is
 *       back sooner was never offline.
 *   <li>{@code wanted}: a client has asked for a hidden server that is offline, or waits for it, so
 *       that something may wake it. At most once in ten seconds, and only if there is an entry.
 * </ul>
 *
 * <p>{@link #sweep} compares states about once a second; single tunnels are not followed. So it
 * does not matter what makes an ID online, nor in which order threads report.
 *
 * <p>Any thread may call, except where a method says otherwise. The store, which may block, is read
 * on the thread {@code hooks}.
 */
final class Webhooks implements TunnelListener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Webhooks.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long WANTED_INTERVAL = Duration.ofSeconds(10).toNanos();
  private static final int MAX_EVENTS = 10_000;
  private static final Duration MAX_RESPONSE_TIME = Duration.ofSeconds(10);

  /**
   * The maximum number of IDs between two sweeps that are looked up because clients have asked for
   * them. Clients may ask for any ID, so without a limit they could flood the store.
   */
  private static final int MAX_ABSENT = 256;

  private enum Kind {
    ONLINE,
    OFFLINE,
    WANTED
  }

  private record Event(Kind kind, UUID id, Instant time) {}

  private final EntryStore store;
  private final InstantSource clock;
  private final HookSender sender;
  private final BoundedWriter<Event> events;
  private final Set<UUID> absent = ConcurrentHashMap.newKeySet();
  private final AtomicLong unchecked = new AtomicLong();

  // Used on the sweeping thread only. Times are in nanoseconds.
  private final OnlineTracker tracker = new OnlineTracker();
  private final Map<UUID, Long> wantedAt = new HashMap<>();

  /**
   * Starts the webhooks.
   *
   * @param url the URL to which events are posted
   * @param secret the key that signs events: {@code whsec_} and bytes in base64
   * @param store has the labels of hidden servers, and tells which of them exist
   * @param clock the time that is reported
   */
  Webhooks(URI url, String secret, EntryStore store, InstantSource clock) {
    this(
        new HookSender.Target(url, MAX_EVENTS, MAX_RESPONSE_TIME),
        new HookSigner(secret),
        store,
        clock,
        System.nanoTime());
  }

  Webhooks(
      HookSender.Target target,
      HookSigner signer,
      EntryStore store,
      InstantSource clock,
      long now) {
    this.store = store;
    this.clock = clock;
    this.sender = new HookSender(target, signer, clock, now);
    this.events = new BoundedWriter<>("hooks", target.maxPending(), this::send);
    events.start();
  }

  @Override
  public void absent(UUID id) {
    if (absent.size() < MAX_ABSENT) {
      absent.add(id);
    } else {
      unchecked.incrementAndGet();
    }
  }

  /**
   * Reports what has changed since the last call. To be called about once a second, on one thread.
   *
   * @param now in nanoseconds, as {@link System#nanoTime} tells
   * @param counts the counts of each ID that is known to be connected
   */
  void sweep(long now, Map<UUID, Presence.Counts> counts) {
    sender.sweep(now);
    wantedAt.values().removeIf(at -> now - at >= WANTED_INTERVAL);
    tracker.sweep(now, counts, id -> report(Kind.ONLINE, id), id -> report(Kind.OFFLINE, id));
    counts.forEach(
        (id, of) -> {
          if (!of.isOnline() && of.waiting() > 0) {
            reportWanted(id, now);
          }
        });
    sweepAbsent(now, counts);
  }

  private void sweepAbsent(long now, Map<UUID, Presence.Counts> counts) {
    for (Iterator<UUID> ids = absent.iterator(); ids.hasNext(); ) {
      UUID id = ids.next();
      ids.remove();
      if (!OnlineTracker.isOnline(id, counts)) {
        reportWanted(id, now);
      }
    }
  }

  private void reportWanted(UUID id, long now) {
    if (wantedAt.putIfAbsent(id, now) == null) {
      report(Kind.WANTED, id);
    }
  }

  private void report(Kind kind, UUID id) {
    events.offer(new Event(kind, id, clock.instant()));
  }

  /** Looks up the entry of an event, and sends the event. Runs on the thread {@code hooks}. */
  private void send(Event event) {
    Optional<Entry> entry = Optional.empty();
    try {
      entry = store.find(event.id());
    } catch (IOException e) {
      LOG.debug("The labels of a webhook event could not be read: {}", FailureText.of(e));
    }
    if (event.kind() == Kind.WANTED && entry.isEmpty()) {
      return; // a client has guessed an ID
    }
    sender.send(event.id(), json(event, entry.map(Entry::labels).orElse(List.of())));
  }

  private static String json(Event event, List<String> labels) {
    ObjectNode json =
        JSON.createObjectNode()
            .put("event", event.kind().name().toLowerCase(Locale.ROOT))
            .put("uuid", event.id().toString());
    labels.forEach(json.putArray("labels")::add);
    return json.put("time", event.time().truncatedTo(ChronoUnit.MILLIS).toString()).toString();
  }

  /** Returns the number of events that are not delivered yet. */
  int pending() {
    return sender.counts().pending();
  }

  /** Returns the number of events that were delivered. */
  long delivered() {
    return sender.counts().delivered();
  }

  /** Returns the number of attempts that were not the first of their event. */
  long retried() {
    return sender.counts().retried();
  }

  /** Returns the number of events that were given up. */
  long failed() {
    return sender.counts().failed();
  }

  /** Returns the number of events that were dropped because too many were pending. */
  long dropped() {
    return events.dropped() + sender.counts().dropped();
  }

  /** Returns the number of clients whose ID was not looked up, because there were too many. */
  long unchecked() {
    return unchecked.get();
  }

  /** Stops sending events. */
  @Override
  public void close() {
    sender.close();
    events.close();
  }
}
