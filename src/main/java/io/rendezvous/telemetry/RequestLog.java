package io.rendezvous.telemetry;

import io.rendezvous.http.SeenRequest;
import io.rendezvous.tunnel.TunnelListener;
import java.net.InetSocketAddress;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The latest requests of all hidden servers together, 8192 at most: about 3 MB, and never more than
 * 6 MB. Of each hidden server it shows the last 200 of those. A request is kept under its number,
 * in the place of an older one, so that no lock is needed.
 *
 * <p>Any thread may call.
 */
public final class RequestLog implements TunnelListener {
  /** The maximum number of IDs that have changed since they were last taken. */
  public static final int MAX_CHANGED = 1000;

  static final int MAX_REQUESTS = 8192; // a power of two
  static final int MAX_SHOWN = 200;

  /** A request of a client to a hidden server. */
  public record Dated(UUID id, InetSocketAddress client, SeenRequest request) {}

  private final boolean enabled;
  private final AtomicReferenceArray<@Nullable Dated> ring =
      new AtomicReferenceArray<>(MAX_REQUESTS);
  private final Set<UUID> changed = ConcurrentHashMap.newKeySet();

  /**
   * Creates an empty log.
   *
   * @param enabled whether requests are recorded at all
   */
  RequestLog(boolean enabled) {
    this.enabled = enabled;
  }

  /** Returns whether requests are recorded at all. */
  public boolean isEnabled() {
    return enabled;
  }

  @Override
  public void requested(UUID id, InetSocketAddress client, SeenRequest request) {
    if (!enabled) {
      return;
    }
    int place = (int) request.number() & MAX_REQUESTS - 1;
    ring.accumulateAndGet(place, new Dated(id, client, request), RequestLog::later);
    if (changed.size() < MAX_CHANGED) {
      changed.add(id);
    }
  }

  private static @Nullable Dated later(@Nullable Dated known, @Nullable Dated told) {
    return known == null || told == null || known.request().number() <= told.request().number()
        ? told
        : known;
  }

  /** Returns the last 200 requests to a hidden server that a test selects, the newest first. */
  public List<Dated> latest(UUID id, Predicate<SeenRequest> test) {
    return IntStream.range(0, MAX_REQUESTS)
        .mapToObj(ring::get)
        .filter(Objects::nonNull)
        .filter(kept -> kept.id().equals(id) && test.test(kept.request()))
        .sorted(Comparator.comparingLong((Dated kept) -> kept.request().number()).reversed())
        .limit(MAX_SHOWN)
        .toList();
  }

  /**
   * Returns the IDs that have had requests since the last call. If there were so many that some
   * were left out, there are at least {@link #MAX_CHANGED}.
   */
  public Set<UUID> takeChanged() {
    Set<UUID> taken = new HashSet<>();
    for (Iterator<UUID> ids = changed.iterator(); ids.hasNext(); ) {
      taken.add(ids.next());
      ids.remove(); // before the caller looks at it, so that no later change is lost
    }
    return taken;
  }

  /** Forgets the requests to all IDs but these. */
  public void retain(Set<UUID> ids) {
    for (int place = 0; place < MAX_REQUESTS; place++) {
      Dated kept = ring.get(place);
      if (kept != null && !ids.contains(kept.id())) {
        ring.compareAndSet(place, kept, null);
      }
    }
  }
}
