package io.rendezvous.telemetry;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.net.Source;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.Refusal;
import io.rendezvous.tunnel.TunnelListener;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a line to the logger {@code rendezvous.servers} when a hidden server comes online, goes
 * offline or is refused. It names the hidden server by its first label and the first eight digits
 * of its UUID, and says the address and the reason. {@link LogLimiter} bounds the lines about
 * refusals, which strangers can cause.
 *
 * <p>Any thread may call, except where a method says otherwise. The store, which may block, is read
 * on the thread {@code server-log}.
 */
final class ServerLog implements TunnelListener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("rendezvous.servers");
  private static final int MAX_LINES = 10_000;
  private static final int SHORT_ID_LENGTH = 8;

  /** A line about a hidden server, or about none. */
  private record Line(Optional<UUID> id, String text) {}

  private final EntryStore store;
  private final ActivityLog activity;
  private final InstantSource clock;
  private final Consumer<String> log;
  private final LogLimiter limiter = new LogLimiter();
  private final BoundedWriter<Line> lines =
      new BoundedWriter<>("server-log", MAX_LINES, this::write);
  private final Map<UUID, InetSocketAddress> addresses = new ConcurrentHashMap<>();
  private final OnlineTracker tracker = new OnlineTracker(); // used on the sweeping thread only

  /**
   * Starts the log.
   *
   * @param store has the labels of hidden servers
   * @param activity knows why the last tunnel of a hidden server has ended
   */
  ServerLog(EntryStore store, ActivityLog activity, InstantSource clock) {
    this(store, activity, clock, LOG::info);
  }

  ServerLog(EntryStore store, ActivityLog activity, InstantSource clock, Consumer<String> log) {
    this.store = store;
    this.activity = activity;
    this.clock = clock;
    this.log = log;
    lines.start();
  }

  @Override
  public void parked(UUID id, InetSocketAddress from) {
    addresses.put(id, from);
  }

  @Override
  public void refused(Refusal refusal) {
    if (refusal.side() != Side.HIDDEN_SERVER || refusal.id().isEmpty()) {
      return; // a client, or somebody who does not even claim to be a hidden server
    }
    UUID id = refusal.id().get();
    Source source = Source.of(refusal.from().getAddress());
    if (limiter.mayLog(id, source, clock.instant())) {
      String text = "refused at " + address(refusal.from());
      lines.offer(
          new Line(Optional.of(id), text + ": " + refusal.status() + " " + refusal.reason()));
    }
  }

  /**
   * Writes lines about what has changed since the last call. To be called about once a second, on
   * one thread.
   *
   * @param now in nanoseconds
   * @param counts the counts of each ID that is known to be connected
   */
  void sweep(long now, Map<UUID, Presence.Counts> counts) {
    tracker.sweep(now, counts, this::came, this::went);
    long suppressed = limiter.takeSuppressed(clock.instant());
    if (suppressed > 0) {
      String text =
          suppressed
              + " more refusals of hidden servers were not logged: each UUID and each address has"
              + " one line a minute";
      lines.offer(new Line(Optional.empty(), text));
    }
  }

  private void came(UUID id) {
    InetSocketAddress from = addresses.get(id);
    lines.offer(new Line(Optional.of(id), "online" + (from == null ? "" : " at " + address(from))));
  }

  private void went(UUID id) {
    InetSocketAddress from = addresses.remove(id);
    String at = from == null ? "" : ", last seen at " + address(from);
    String why = activity.lastEnd(id).map(end -> "; last tunnel: " + end.why()).orElse("");
    lines.offer(new Line(Optional.of(id), "offline" + at + why));
  }

  /** Returns an address without its port, which no reader needs. */
  private static String address(InetSocketAddress address) {
    return address.getAddress().getHostAddress();
  }

  private void write(Line line) {
    log.accept(line.id().map(id -> name(id) + " " + line.text()).orElse(line.text()));
  }

  private String name(UUID id) {
    String shortId = id.toString().substring(0, SHORT_ID_LENGTH);
    try {
      Optional<Entry> entry = store.find(id);
      if (entry.isEmpty()) {
        return shortId + " (no entry)";
      }
      return entry.get().labels().stream()
          .findFirst()
          .map(label -> printable(label) + " (" + shortId + ")")
          .orElse(shortId);
    } catch (IOException e) {
      return shortId;
    }
  }

  /** Replaces what could break a line: a file of an entry may contain any label. */
  private static String printable(String label) {
    return label.replaceAll("[\\p{C}\\p{Zl}\\p{Zp}\\s]", "_");
  }

  /** Writes the lines that wait, and ends the thread. */
  @Override
  public void close() {
    lines.close();
  }
}
