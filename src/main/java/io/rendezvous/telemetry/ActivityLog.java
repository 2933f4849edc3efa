package io.rendezvous.telemetry;

import io.rendezvous.tunnel.Rendezvous;
import io.rendezvous.tunnel.Tunnel;
import io.rendezvous.tunnel.TunnelListener;
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
import java.util.stream.Stream;

/**
 * Keeps account of each hidden server that was connected since the broker began, and of the latest
 * rendezvous. Only who has proven to belong to an entry is accounted for, so entries bound it.
 *
 * <p>Any thread may call.
 */
public final class ActivityLog implements TunnelListener {
  /** How many rendezvous that are over are remembered. */
  static final int MAX_RECENT = 100;

  /**
   * What a day has brought.
   *
   * @param rendezvous how many began
   * @param octetsIn that came from clients
   * @param octetsOut that went to clients
   */
  public record Totals(long rendezvous, long octetsIn, long octetsOut) {
    public static final Totals NONE = new Totals(0, 0, 0);
  }

  /**
   * How a hidden server's last tunnel ended.
   *
   * @param why in a few words
   */
  public record End(String why, Instant time) {}

  /**
   * Who was refused, and how.
   *
   * @param status of the answer
   */
  public record Refusal(Side side, int status) {}

  private final InstantSource clock;
  private final Map<UUID, ServerActivity> accounts = new ConcurrentHashMap<>();
  private final ServerActivity sum = new ServerActivity();
  private final Map<Rendezvous, Counted> going = new ConcurrentHashMap<>();
  private final Map<Refusal, LongAdder> refusals = new ConcurrentHashMap<>();
  private final Deque<Rendezvous> recent = new ArrayDeque<>(); // guarded by itself; latest first
  private final Deque<Rendezvous> justOver = new ArrayDeque<>(); // guarded by recent
  private final Set<UUID> touched = ConcurrentHashMap.newKeySet();

  /** Creates an empty one. */
  public ActivityLog(InstantSource clock) {
    this.clock = clock;
  }

  /** How many octets of a rendezvous that goes on are accounted for. Guarded by itself. */
  private static final class Counted {
    long in;
    long out;
  }

  private ServerActivity account(UUID id) {
    touched.add(id);
    return accounts.computeIfAbsent(id, i -> new ServerActivity());
  }

  @Override
  public void parked(UUID id) {
    account(id).seen(clock.instant(), null);
  }

  @Override
  public void ended(UUID id, Tunnel.End why) {
    Instant now = clock.instant();
    account(id).seen(now, new End(inWords(why), now));
  }

  private static String inWords(Tunnel.End why) {
    return switch (why) {
      case CLOSED -> "closed by peer";
      case RESET -> "reset";
      case SILENT -> "keepalive";
      case UNPROVEN -> "no sign of life";
      case SPOKE -> "spoke unasked";
      case REPLACED -> "replaced";
      case RETIRED -> "retired";
      case REVOKED -> "revoked";
      case DRAINED -> "broker restart";
    };
  }

  @Override
  public void paired(Rendezvous rendezvous) {
    Instant now = clock.instant();
    going.put(rendezvous, new Counted());
    account(rendezvous.id()).add(now, 1, 0, 0);
    sum.add(now, 1, 0, 0);
  }

  @Override
  public void over(Rendezvous rendezvous) {
    count(rendezvous);
    going.remove(rendezvous);
    Instant now = clock.instant();
    String why = rendezvous.wasAnswered() ? "used by a client" : "gave no answer";
    account(rendezvous.id()).seen(now, new End(why, now));
    synchronized (recent) {
      recent.addFirst(rendezvous);
      justOver.addFirst(rendezvous);
      if (recent.size() > MAX_RECENT) {
        recent.removeLast();
      }
      if (justOver.size() > MAX_RECENT) {
        justOver.removeLast();
      }
    }
  }

  @Override
  public void refused(Side side, int status) {
    refusals.computeIfAbsent(new Refusal(side, status), r -> new LongAdder()).increment();
  }

  /** Adds what has flown since it was last called. To be called each second or so. */
  public void tick() {
    going.keySet().forEach(this::count);
  }

  private void count(Rendezvous rendezvous) {
    Counted counted = going.get(rendezvous);
    if (counted == null) {
      return;
    }
    long in;
    long out;
    synchronized (counted) {
      in = rendezvous.bytesIn() - counted.in;
      out = rendezvous.bytesOut() - counted.out;
      counted.in += in;
      counted.out += out;
    }
    if (in != 0 || out != 0) {
      Instant now = clock.instant();
      account(rendezvous.id()).add(now, 0, in, out);
      sum.add(now, 0, in, out);
    }
  }

  /** Returns the IDs of which something was accounted for since it was last asked. */
  public Set<UUID> takeTouched() {
    Set<UUID> taken = new HashSet<>();
    for (Iterator<UUID> all = touched.iterator(); all.hasNext(); ) {
      taken.add(all.next());
      all.remove(); // before it is looked at, so that nothing that comes now is lost
    }
    return taken;
  }

  /** Returns the rendezvous that have ended since it was last asked, the latest ones. */
  public List<Rendezvous> takeOver() {
    synchronized (recent) {
      List<Rendezvous> taken = List.copyOf(justOver);
      justOver.clear();
      return taken;
    }
  }

  /** Learns what was known before the broker began. */
  void restore(UUID id, Instant seen, Optional<End> end) {
    accounts.computeIfAbsent(id, i -> new ServerActivity()).seen(seen, end.orElse(null));
  }

  /** Returns all that something is known of. */
  Set<UUID> ids() {
    return accounts.keySet();
  }

  /** Forgets all but those. */
  public void retain(Set<UUID> ids) {
    accounts.keySet().retainAll(ids);
  }

  /** Returns today's totals of an ID, in UTC, since the broker began. */
  public Totals today(UUID id) {
    ServerActivity account = accounts.get(id);
    return account == null ? Totals.NONE : account.today(clock.instant());
  }

  /** Returns today's totals of all. */
  public Totals today() {
    return sum.today(clock.instant());
  }

  /** Returns how many rendezvous each of the last 60 minutes had, the oldest first. */
  public int[] hour(UUID id) {
    ServerActivity account = accounts.get(id);
    return account == null ? new int[ServerActivity.MINUTES] : account.hour(clock.instant());
  }

  /** Returns when a tunnel of the ID last came or went. */
  public Optional<Instant> lastSeen(UUID id) {
    return Optional.ofNullable(accounts.get(id)).flatMap(ServerActivity::lastSeen);
  }

  /** Returns how the last tunnel of the ID ended. */
  public Optional<End> lastEnd(UUID id) {
    return Optional.ofNullable(accounts.get(id)).flatMap(ServerActivity::lastEnd);
  }

  /** Returns the refusals since the broker began. */
  public Map<Refusal, Long> refusals() {
    Map<Refusal, Long> counts = new ConcurrentHashMap<>();
    refusals.forEach((refusal, count) -> counts.put(refusal, count.sum()));
    return Collections.unmodifiableMap(counts);
  }

  /** Returns the latest rendezvous, the last one first. */
  public List<Rendezvous> recent() {
    List<Rendezvous> over;
    synchronized (recent) {
      over = new ArrayList<>(recent);
    }
    return Stream.concat(going.keySet().stream(), over.stream())
        .sorted(Comparator.comparingLong(Rendezvous::number).reversed())
        .distinct()
        .limit(MAX_RECENT)
        .toList();
  }
}
