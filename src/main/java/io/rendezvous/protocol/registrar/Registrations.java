package io.rendezvous.protocol.registrar;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.LruMap;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.TunnelRegistry;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The hidden servers that have registered, and the cookies of each: one for itself, one for its
 * clients. Neither says anything about the other.
 *
 * <p>To register again is to begin anew: the old cookies are void, and connections that are parked
 * by then are closed, since a hidden server that registers again has most likely lost them, and
 * clients had better not be joined to what nobody looks after. Rendezvous that are going on go on.
 *
 * <p>A registration ends when its entry is deleted or revoked, or after a day without use. It is in
 * use when its cookies are asked for or shown, and while connections of its ID are parked or
 * paired.
 *
 * <p>Any thread may call; nothing here blocks.
 */
final class Registrations implements Presence {
  private static final Duration MAX_UNUSED = Duration.ofDays(1);
  private static final int MAX_ENDED = 20_000;

  /** Longer than it takes to register with a token that was good a moment ago. */
  private static final long REVOKED_FOR = Duration.ofMinutes(1).toNanos();

  /**
   * What a registration is known by: 122 random bits each.
   *
   * @param hiddenServer begins with R
   * @param client begins with I
   */
  record Cookies(String hiddenServer, String client) {
    static Cookies fresh() {
      return new Cookies("R" + UUID.randomUUID(), "I" + UUID.randomUUID());
    }
  }

  /** Whose cookie it is. */
  sealed interface Holder {
    /** A hidden server's. */
    record HiddenServer(Entry entry) implements Holder {}

    /** A client's of this hidden server. */
    record Client(UUID id) implements Holder {}

    /** It was good once, but its ID is not registered any more. */
    record Former() implements Holder {}

    /** Nobody's. */
    record Nobody() implements Holder {}
  }

  private static final class Registration {
    final Entry entry;
    final Cookies cookies;
    Instant used;

    Registration(Entry entry, Cookies cookies, Instant used) {
      this.entry = entry;
      this.cookies = cookies;
      this.used = used;
    }
  }

  private final TunnelRegistry tunnels;
  private final int most;
  private final InstantSource clock;

  // Guarded by this.
  private final Map<UUID, Registration> byId = new HashMap<>();
  private final Map<String, Registration> byCookie = new HashMap<>();
  private final Map<String, UUID> ended = LruMap.byUse(MAX_ENDED); // cookies
  private final Map<UUID, Long> revoked = new HashMap<>(); // when

  /**
   * Creates an empty table.
   *
   * @param tunnels those that are parked with these cookies
   * @param most how many may be registered
   */
  Registrations(TunnelRegistry tunnels, int most, InstantSource clock) {
    this.tunnels = tunnels;
    this.most = most;
    this.clock = clock;
  }

  /**
   * Registers a hidden server, in place of an earlier registration.
   *
   * @param knownAt when its entry was looked up, or before, by {@link System#nanoTime}
   * @return nothing where there is no place, or its entry was deleted since
   */
  Optional<Cookies> register(Entry entry, long knownAt) {
    UUID id = entry.id();
    Cookies cookies = Cookies.fresh();
    synchronized (this) {
      Long revokedAt = revoked.get(id);
      if (revokedAt != null && revokedAt - knownAt > 0 || !byId.containsKey(id) && isFull()) {
        return Optional.empty();
      }
      remove(id);
      Registration registration = new Registration(entry, cookies, clock.instant());
      byId.put(id, registration);
      byCookie.put(cookies.hiddenServer(), registration);
      byCookie.put(cookies.client(), registration);
    }
    tunnels.replace(id);
    return Optional.of(cookies);
  }

  private boolean isFull() {
    if (byId.size() >= most) {
      endUnused();
    }
    return byId.size() >= most;
  }

  /** Returns the cookie for clients of a hidden server, if that is registered. */
  synchronized Optional<String> clientCookie(UUID id) {
    return Optional.ofNullable(used(byId.get(id))).map(one -> one.cookies.client());
  }

  /** Returns whose cookie that is. */
  synchronized Holder holder(String cookie) {
    Registration known = byCookie.get(cookie);
    Registration registration = used(known);
    if (registration == null) {
      UUID former = ended.get(cookie);
      boolean isFormer = former != null && !byId.containsKey(former);
      return isFormer ? new Holder.Former() : new Holder.Nobody();
    }
    return cookie.equals(registration.cookies.hiddenServer())
        ? new Holder.HiddenServer(registration.entry)
        : new Holder.Client(registration.entry.id());
  }

  /** Returns the same registration, used now; nothing if it was unused for too long. */
  private @Nullable Registration used(@Nullable Registration registration) {
    Instant now = clock.instant();
    if (registration != null && isUnused(registration, now)) {
      end(registration.entry.id());
      return null;
    }
    if (registration != null) {
      registration.used = now;
    }
    return registration;
  }

  private boolean isUnused(Registration registration, Instant now) {
    return !registration.used.plus(MAX_UNUSED).isAfter(now)
        && !tunnels.counts(registration.entry.id()).isOnline();
  }

  /** Ends what has been unused for too long. To be called from time to time. */
  synchronized void sweep(long now) {
    revoked.values().removeIf(at -> now - at > REVOKED_FOR);
    endUnused();
  }

  private void endUnused() {
    Instant now = clock.instant();
    List<UUID> unused = new ArrayList<>();
    byId.forEach(
        (id, registration) -> {
          if (isUnused(registration, now)) {
            unused.add(id);
          } else if (!registration.used.plus(MAX_UNUSED).isAfter(now)) {
            registration.used = now; // its connections use it
          }
        });
    unused.forEach(this::end);
  }

  /** Ends a registration that no other replaces, so that its cookies are told why. */
  private void end(UUID id) {
    Registration registration = remove(id);
    if (registration != null) {
      ended.put(registration.cookies.hiddenServer(), id);
      ended.put(registration.cookies.client(), id);
    }
  }

  private @Nullable Registration remove(UUID id) {
    Registration registration = byId.remove(id);
    if (registration != null) {
      byCookie.remove(registration.cookies.hiddenServer());
      byCookie.remove(registration.cookies.client());
    }
    return registration;
  }

  @Override
  public synchronized Counts counts(UUID id) {
    return byId.containsKey(id) ? new Counts(0, 0, 0, true) : Counts.NONE;
  }

  @Override
  public synchronized Map<UUID, Counts> counts() {
    Map<UUID, Counts> all = new HashMap<>();
    byId.keySet().forEach(id -> all.put(id, new Counts(0, 0, 0, true)));
    return all;
  }

  @Override
  public synchronized Totals totals() {
    return new Totals(byId.size(), 0, 0, 0);
  }

  @Override
  public synchronized void revoke(UUID id) {
    revoked.put(id, tunnels.now());
    end(id);
  }
}
