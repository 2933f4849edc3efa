package io.rendezvous.telemetry;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.TunnelListener;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HashSet;
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
 * Tells a URL of the operator's what becomes of hidden servers, each by a POST of
 *
 * <pre>{"event":"online","uuid":"2f40…","labels":["home"],"time":"2026-01-31T12:00:00.123Z"}</pre>
 *
 * <ul>
 *   <li>{@code online}: its first tunnel is there. After a start of the broker that is told anew.
 *   <li>{@code offline}: its last tunnel has been gone for ten seconds; one that is back sooner was
 *       never offline.
 *   <li>{@code wanted}: a client came for it, or waits, while it is offline: something may wake it.
 *       Once in ten seconds at most, and only where there is an entry.
 * </ul>
 *
 * <p>The state of things is looked at once a second or so ({@link #sweep}), rather than followed
 * event by event, so whatever makes an ID online counts, and nothing depends on the order in which
 * threads report. Entries are asked for on a thread of its own.
 */
public final class Webhooks implements TunnelListener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Webhooks.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long DEBOUNCE = Duration.ofSeconds(10).toNanos();
  private static final long THROTTLE = Duration.ofSeconds(10).toNanos();
  private static final int MAX_EVENTS = 10_000;
  private static final Duration ANSWER_TIME = Duration.ofSeconds(10);

  /** How many IDs are looked up between two sweeps since clients want them: guessed ones, too. */
  private static final int MAX_ABSENT = 256;

  private enum Kind {
    ONLINE,
    OFFLINE,
    WANTED
  }

  /** Something to be told. */
  private record Event(Kind kind, UUID id, Instant time) {}

  private final EntryStore store;
  private final InstantSource clock;
  private final HookSender sender;
  private final BoundedWriter<Event> events;
  private final Set<UUID> absent = ConcurrentHashMap.newKeySet();
  private final AtomicLong unchecked = new AtomicLong();

  // Of the thread that sweeps. Times are by System.nanoTime.
  private final Set<UUID> online = new HashSet<>(); // as was told
  private final Map<UUID, Long> goneSince = new HashMap<>();
  private final Map<UUID, Long> wantedAt = new HashMap<>();

  /**
   * Begins to tell.
   *
   * @param url where events are posted to
   * @param secret what signs them: {@code whsec_} and octets in base64
   * @param store is asked for labels, and whether there is such an entry
   * @param clock what time is told
   */
  public Webhooks(URI url, String secret, EntryStore store, InstantSource clock) {
    this(
        new HookSender.Target(url, MAX_EVENTS, ANSWER_TIME),
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
    this.events = new BoundedWriter<>("hooks", target.most(), this::read);
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
   * Looks at how things are, and tells what is new. To be called about once a second, by one
   * thread.
   *
   * @param now {@link System#nanoTime}
   * @param counts of each ID that is known to be connected
   */
  public void sweep(long now, Map<UUID, Presence.Counts> counts) {
    sender.sweep(now);
    wantedAt.values().removeIf(at -> now - at >= THROTTLE);
    counts.forEach(
        (id, of) -> {
          if (of.isOnline() && online.add(id)) {
            tell(Kind.ONLINE, id);
          } else if (!of.isOnline() && of.waiting() > 0) {
            want(id, now);
          }
        });
    for (Iterator<UUID> all = online.iterator(); all.hasNext(); ) {
      UUID id = all.next();
      if (isOnline(id, counts)) {
        goneSince.remove(id);
      } else if (now - goneSince.computeIfAbsent(id, i -> now) >= DEBOUNCE) {
        goneSince.remove(id);
        all.remove();
        tell(Kind.OFFLINE, id);
      }
    }
    for (Iterator<UUID> all = absent.iterator(); all.hasNext(); ) {
      UUID id = all.next();
      all.remove();
      if (!isOnline(id, counts)) {
        want(id, now);
      }
    }
  }

  private static boolean isOnline(UUID id, Map<UUID, Presence.Counts> counts) {
    Presence.Counts of = counts.get(id);
    return of != null && of.isOnline();
  }

  private void want(UUID id, long now) {
    if (wantedAt.putIfAbsent(id, now) == null) {
      tell(Kind.WANTED, id);
    }
  }

  private void tell(Kind kind, UUID id) {
    events.offer(new Event(kind, id, clock.instant()));
  }

  private void read(Event event) {
    Optional<Entry> entry = Optional.empty();
    try {
      entry = store.find(event.id());
    } catch (IOException e) {
      LOG.debug("The labels of an event are not known: {}", e.getMessage());
    }
    if (event.kind() == Kind.WANTED && entry.isEmpty()) {
      return; // somebody guesses
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

  /** Returns how many events are still to be told. */
  public int pending() {
    return sender.counts().pending();
  }

  /** Returns how many events were taken. */
  public long delivered() {
    return sender.counts().delivered();
  }

  /** Returns how often an event was sent again. */
  public long retried() {
    return sender.counts().retried();
  }

  /** Returns how many events were given up. */
  public long failed() {
    return sender.counts().failed();
  }

  /** Returns for how many events there was no place. */
  public long dropped() {
    return events.dropped() + sender.counts().dropped();
  }

  /** Returns how many clients were too many to ask whether what they want has an entry. */
  public long unchecked() {
    return unchecked.get();
  }

  /** Tells nothing more. */
  @Override
  public void close() {
    sender.close();
    events.close();
  }
}
