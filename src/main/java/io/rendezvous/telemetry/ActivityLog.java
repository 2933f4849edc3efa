package io.rendezvous.telemetry;

import io.rendezvous.entry.EntryIndex;
import io.rendezvous.tunnel.Refusal;
import io.rendezvous.tunnel.Rendezvous;
import io.rendezvous.tunnel.Tunnel;
import io.rendezvous.tunnel.TunnelListener;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The activity of each hidden server that was connected since the broker started, and the latest
 * rendezvous. Only hidden servers that have authenticated are recorded, so their number is bounded
 * by that of the entries, as long as {@link #forgetDeleted} is called.
 *
 * <p>Any thread may call. The methods of {@link TunnelListener} do not block.
 */
public final class ActivityLog implements TunnelListener {
  /** The maximum number of ended rendezvous that are kept. */
  static final int MAX_RECENT = 100;

  /** The maximum number of IDs that have changed since they were last taken. */
  public static final int MAX_CHANGED = LastRefusals.MAX_UUIDS;

  /** The number of hidden servers up to which none is forgotten. */
  static final int MIN_FORGET = 1000;

  private static final Logger LOG = LoggerFactory.getLogger(ActivityLog.class);

  /**
   * The totals of one day.
   *
   * @param rendezvous the number of rendezvous that began
   * @param bytesIn the bytes that came from clients
   * @param bytesOut the bytes that went to clients
   */
  public record Totals(long rendezvous, long bytesIn, long bytesOut) {
    static final Totals NONE = new Totals(0, 0, 0);
  }

  /**
   * The end of a tunnel.
   *
   * @param why the reason in a few words
   */
  public record End(String why, Instant time) {}

  /**
   * A kind of refusal.
   *
   * @param side whose request was refused
   * @param status the status of the response
   */
  public record RefusalKind(Side side, int status) {}

  private final InstantSource clock;
  private final Map<UUID, ServerActivity> servers = new ConcurrentHashMap<>();
  private final ServerActivity sum = new ServerActivity();
  private final Map<Rendezvous, Counted> ongoing = new ConcurrentHashMap<>();
  private final Map<RefusalKind, LongAdder> refusals = new ConcurrentHashMap<>();
  private final LastRefusals lastRefusals;
  private final Deque<Rendezvous> recent = new ArrayDeque<>(); // guarded by itself; latest first
  private final Deque<Rendezvous> justEnded = new ArrayDeque<>(); // guarded by recent
  private final Set<UUID> changed = ConcurrentHashMap.newKeySet();
  private volatile int forgetAt = MIN_FORGET; // number of hidden servers

  /**
   * Creates an empty log.
   *
   * @param isEntry tests whether a UUID is known to have an entry, without waiting for the store
   */
  public ActivityLog(InstantSource clock, Predicate<UUID> isEntry) {
    this.clock = clock;
    this.lastRefusals = new LastRefusals(isEntry);
  }

  /** The bytes of an ongoing rendezvous that are in the totals already. Guarded by itself. */
  private static final class Counted {
    long bytesIn;
    long bytesOut;
  }

  /** Returns the activity of an ID, and records that it changes. */
  private ServerActivity touch(UUID id) {
    addChanged(id);
    return servers.computeIfAbsent(id, i -> new ServerActivity());
  }

  private void addChanged(UUID id) {
    if (changed.size() < MAX_CHANGED) {
      changed.add(id);
    }
  }

  @Override
  public void parked(UUID id, InetSocketAddress from) {
    touch(id).seen(clock.instant(), null);
  }

  @Override
  public void ended(UUID id, Tunnel.End why) {
    Instant now = clock.instant();
    touch(id).seen(now, new End(inWords(why), now));
  }

  private static String inWords(Tunnel.End why) {
    return switch (why) {
      case CLOSED -> "closed by peer";
      case RESET -> "reset";
      case SILENT -> "keepalive timeout";
      case UNPROVEN -> "did not answer a probe";
      case SPOKE -> "sent data while parked";
      case REPLACED -> "replaced";
      case RETIRED -> "retired";
      case REVOKED -> "revoked";
      case DRAINED -> "broker restart";
    };
  }

  private static String inWords(Rendezvous.End how) {
    return switch (how) {
      case WHOLE -> "used by a client";
      case CLIENT_BROKE -> "used by a client, which broke off";
      case SERVER_BROKE -> "broke off while a client used it";
      case STOOD_STILL -> "stood still while a client used it";
      case REVOKED -> "revoked";
      case BROKER_ENDED -> "broker restart";
      case UNANSWERED -> "gave no answer";
    };
  }

  @Override
  public void paired(Rendezvous rendezvous) {
    Instant now = clock.instant();
    ongoing.put(rendezvous, new Counted());
    touch(rendezvous.id()).add(now, 1, 0, 0);
    sum.add(now, 1, 0, 0);
  }

  @Override
  public void over(Rendezvous rendezvous) {
    count(rendezvous);
    ongoing.remove(rendezvous);
    Instant now = clock.instant();
    rendezvous
        .ended()
        .ifPresent(how -> touch(rendezvous.id()).seen(now, new End(inWords(how), now)));
    synchronized (recent) {
      recent.addFirst(rendezvous);
      justEnded.addFirst(rendezvous);
      if (recent.size() > MAX_RECENT) {
        recent.removeLast();
      }
      if (justEnded.size() > MAX_RECENT) {
        justEnded.removeLast();
      }
    }
  }

  @Override
  public void refused(Refusal refusal) {
    RefusalKind kind = new RefusalKind(refusal.side(), refusal.status());
    refusals.computeIfAbsent(kind, k -> new LongAdder()).increment();
    if (refusal.side() == Side.HIDDEN_SERVER && refusal.id().isPresent()) {
      UUID id = refusal.id().get();
      boolean known = lastRefusals.put(id, refusal, clock.instant());
      if (known) { // strangers may have filled the set
        changed.add(id);
      } else {
        addChanged(id);
      }
    }
  }

  /**
   * Adds the bytes of ongoing rendezvous to the totals. To be called about once a second; otherwise
   * they are added when the rendezvous ends.
   */
  public void tick() {
    ongoing.keySet().forEach(this::count);
  }

  private void count(Rendezvous rendezvous) {
    Counted counted = ongoing.get(rendezvous);
    if (counted == null) {
      return;
    }
    long bytesIn;
    long bytesOut;
    synchronized (counted) {
      bytesIn = rendezvous.bytesIn() - counted.bytesIn;
      bytesOut = rendezvous.bytesOut() - counted.bytesOut;
      counted.bytesIn += bytesIn;
      counted.bytesOut += bytesOut;
    }
    if (bytesIn != 0 || bytesOut != 0) {
      Instant now = clock.instant();
      touch(rendezvous.id()).add(now, 0, bytesIn, bytesOut);
      sum.add(now, 0, bytesIn, bytesOut);
    }
  }

  /**
   * Returns the IDs whose activity has changed since the last call, entries or not. If so many have
   * changed that some were left out, there are at least {@link #MAX_CHANGED}.
   */
  public Set<UUID> takeChanged() {
    Set<UUID> taken = new HashSet<>();
    for (Iterator<UUID> ids = changed.iterator(); ids.hasNext(); ) {
      taken.add(ids.next());
      ids.remove(); // before the caller looks at it, so that no later change is lost
    }
    return taken;
  }

  /** Returns the rendezvous that have ended since the last call, 100 at most. */
  public List<Rendezvous> takeEnded() {
    synchronized (recent) {
      List<Rendezvous> taken = List.copyOf(justEnded);
      justEnded.clear();
      return taken;
    }
  }

  /** Restores what an earlier process of the broker has recorded. */
  void restore(UUID id, Instant seen, Optional<End> end) {
    servers.computeIfAbsent(id, i -> new ServerActivity()).seen(seen, end.orElse(null));
  }

  /** Returns the IDs that have activity. */
  Set<UUID> ids() {
    return servers.keySet();
  }

  /**
   * Forgets the activity of deleted entries. To be called about once a minute, on one thread at a
   * time. It lists the entries, and so may block, but only if much was recorded since the last
   * time.
   */
  public void forgetDeleted(EntryIndex index) {
    if (servers.size() < forgetAt) {
      return;
    }
    try {
      retain(index.all().keySet());
      forgetAt = Math.max(MIN_FORGET, 2 * servers.size());
    } catch (IOException e) {
      LOG.debug("The store cannot be reached, so no activity is forgotten: {}", e.getMessage());
    }
  }

  /** Forgets the activity of all IDs but these. */
  public void retain(Set<UUID> ids) {
    servers.keySet().retainAll(ids);
  }

  /** Returns an ID's totals since midnight UTC, or since the broker started if that is later. */
  public Totals today(UUID id) {
    ServerActivity server = servers.get(id);
    return server == null ? Totals.NONE : server.today(clock.instant());
  }

  /** Returns the totals of all IDs since midnight UTC, or since the broker started. */
  public Totals today() {
    return sum.today(clock.instant());
  }

  /** Returns the number of rendezvous in each of the last 60 minutes, the oldest first. */
  public int[] hour(UUID id) {
    ServerActivity server = servers.get(id);
    return server == null ? new int[ServerActivity.MINUTES] : server.hour(clock.instant());
  }

  /** Returns when a tunnel of an ID was last parked or ended. */
  public Optional<Instant> lastSeen(UUID id) {
    return Optional.ofNullable(servers.get(id)).flatMap(ServerActivity::lastSeen);
  }

  /** Returns how the last tunnel of an ID ended. */
  public Optional<End> lastEnd(UUID id) {
    return Optional.ofNullable(servers.get(id)).flatMap(ServerActivity::lastEnd);
  }

  /** Returns the last time that a hidden server was refused which claimed an ID. */
  public Optional<LastRefusals.Dated> lastRefusal(UUID id) {
    return lastRefusals.of(id);
  }

  /** Returns the number of refusals of each kind since the broker started. */
  public Map<RefusalKind, Long> refusals() {
    Map<RefusalKind, Long> counts = new ConcurrentHashMap<>();
    refusals.forEach((refusal, count) -> counts.put(refusal, count.sum()));
    return Collections.unmodifiableMap(counts);
  }

  /** Returns the latest rendezvous, ongoing or ended, the newest first, 100 at most. */
  public List<Rendezvous> recent() {
    List<Rendezvous> ended;
    synchronized (recent) {
      ended = new ArrayList<>(recent);
    }
    return Stream.concat(ongoing.keySet().stream(), ended.stream())
        .sorted(Comparator.comparingLong(Rendezvous::number).reversed())
        .distinct()
        .limit(MAX_RECENT)
        .toList();
  }
}
