package io.rendezvous.protocol.registrar;

import io.rendezvous.entry.Entry;
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
 * The hidden servers that have registered, and two cookies for each: one for the server and one for
 * its clients. Neither reveals the other.
 *
 * <p>A hidden server that registers again starts anew. Its old cookies become void, and its parked
 * connections are closed, because it has most likely lost them and no longer serves them. Relays go
 * on.
 *
 * <p>A registration ends when its entry is deleted or revoked, or after a day without use. It is
 * used when somebody asks for its cookies or shows one, and while connections of its ID are parked
 * or paired.
 *
 * <p>If the entry has a password for clients, there is no cookie for them: this protocol has no
 * place for the password.
 *
 * <p>Any thread may call. Nothing here blocks.
 */
final class Registrations implements Presence {
  private static final Duration MAX_UNUSED = Duration.ofDays(1);

  /** Longer than it takes to register with a token that was accepted a moment ago. */
  private static final long REMEMBER_CHANGES = Duration.ofMinutes(1).toNanos();

  /**
   * The cookies of one registration, with 122 random bits each.
   *
   * @param hiddenServer begins with R
   * @param client begins with I
   */
  record Cookies(String hiddenServer, String client) {
    static Cookies fresh() {
      return new Cookies("R" + UUID.randomUUID(), "I" + UUID.randomUUID());
    }
  }

  /** The holder of a cookie. */
  sealed interface Holder {
    /** The hidden server of this entry. */
    record HiddenServer(Entry entry) implements Holder {}

    /** A client of this hidden server. */
    record Client(UUID id) implements Holder {}

    /** No holder: the cookie is not valid, or no longer. */
    record None() implements Holder {}
  }

  private static final class Registration {
    final Entry entry;
    final Cookies cookies;
    boolean open; // to clients
    Instant used;

    Registration(Entry entry, Cookies cookies, Instant used) {
      this.entry = entry;
      this.cookies = cookies;
      this.used = used;
    }
  }

  private final TunnelRegistry tunnels;
  private final int maxRegistered;
  private final InstantSource clock;

  // Guarded by this.
  private final Map<UUID, Registration> byId = new HashMap<>();
  private final Map<String, Registration> byCookie = new HashMap<>();
  private final Map<UUID, Long> revokedAt = new HashMap<>();
  private final Map<UUID, Long> passwordSetAt = new HashMap<>();

  /**
   * Creates an empty table.
   *
   * @param tunnels the tunnels that are parked with these cookies
   * @param maxRegistered the maximum of registrations
   */
  Registrations(TunnelRegistry tunnels, int maxRegistered, InstantSource clock) {
    this.tunnels = tunnels;
    this.maxRegistered = maxRegistered;
    this.clock = clock;
  }

  /**
   * Registers a hidden server, in place of an earlier registration.
   *
   * @param knownAt when its entry was looked up, or before, in nanoseconds
   * @return the new cookies; empty if there is no room, or if the entry was deleted since
   */
  Optional<Cookies> register(Entry entry, long knownAt) {
    UUID id = entry.id();
    Cookies cookies = Cookies.fresh();
    synchronized (this) {
      if (isSince(knownAt, revokedAt.get(id)) || !byId.containsKey(id) && isFull()) {
        return Optional.empty();
      }
      remove(id);
      Registration registration = new Registration(entry, cookies, clock.instant());
      registration.open = !entry.hasPassword() && !isSince(knownAt, passwordSetAt.get(id));
      byId.put(id, registration);
      byCookie.put(cookies.hiddenServer(), registration);
      byCookie.put(cookies.client(), registration);
    }
    tunnels.replace(id);
    return Optional.of(cookies);
  }

  private static boolean isSince(long knownAt, @Nullable Long changedAt) {
    return changedAt != null && changedAt - knownAt > 0;
  }

  private boolean isFull() {
    if (byId.size() >= maxRegistered) {
      endUnused();
    }
    return byId.size() >= maxRegistered;
  }

  /**
   * Returns the cookie for clients of a hidden server, if the server is registered and needs no
   * password.
   */
  synchronized Optional<String> clientCookie(UUID id) {
    return Optional.ofNullable(used(byId.get(id)))
        .filter(one -> one.open)
        .map(one -> one.cookies.client());
  }

  /**
   * Handles that clients of a hidden server need a password. Their cookie is void until the hidden
   * server registers again, when the entry has none any more.
   */
  synchronized void passwordSet(UUID id) {
    passwordSetAt.put(id, tunnels.now());
    Registration registration = byId.get(id);
    if (registration != null) {
      registration.open = false;
    }
  }

  /** Returns the holder of a cookie. */
  synchronized Holder holder(String cookie) {
    Registration registration = used(byCookie.get(cookie));
    if (registration == null) {
      return new Holder.None();
    }
    if (cookie.equals(registration.cookies.hiddenServer())) {
      return new Holder.HiddenServer(registration.entry);
    }
    return registration.open ? new Holder.Client(registration.entry.id()) : new Holder.None();
  }

  /** Returns the same registration, marked as used, or null if it was unused for too long. */
  private @Nullable Registration used(@Nullable Registration registration) {
    Instant now = clock.instant();
    if (registration != null && isUnused(registration, now)) {
      remove(registration.entry.id());
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

  /**
   * Ends the registrations that have been unused for too long. To be called periodically.
   *
   * @param now in nanoseconds
   */
  synchronized void sweep(long now) {
    revokedAt.values().removeIf(at -> now - at > REMEMBER_CHANGES);
    passwordSetAt.values().removeIf(at -> now - at > REMEMBER_CHANGES);
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
            registration.used = now; // by its connections
          }
        });
    unused.forEach(this::remove);
  }

  private void remove(UUID id) {
    Registration registration = byId.remove(id);
    if (registration != null) {
      byCookie.remove(registration.cookies.hiddenServer());
      byCookie.remove(registration.cookies.client());
    }
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
    revokedAt.put(id, tunnels.now());
    remove(id);
  }
}
