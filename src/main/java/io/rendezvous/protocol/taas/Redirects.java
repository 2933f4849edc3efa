package io.rendezvous.protocol.taas;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Source;
import io.rendezvous.protocol.PortLeases;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ports that clients are redirected to. Each leads clients of one source to one label, until no
 * client has come for a while. A source that is redirected again is sent to the same port.
 *
 * <p>Any thread may call, except where a method excludes I/O threads.
 */
final class Redirects {
  private static final Logger LOG = LoggerFactory.getLogger(Redirects.class);

  /** One ID may have one part in so many of the ports, or its clients could take them all. */
  private static final int SHARES = 8;

  /** The minimum of ports that one ID may have. */
  private static final int MIN_PER_ID = 4;

  /** How long a port is kept without a connection. */
  private static final long MAX_IDLE = Duration.ofSeconds(60).toNanos();

  private final PortLeases ports;
  private final PortClients clients;
  private final LongSupplier ticker;
  private final int maxPerId;
  private final Map<UUID, Map<Key, Redirect>> open = new HashMap<>(); // guarded by itself

  /**
   * The clients that share a port.
   *
   * @param host the host name that they ask for
   */
  record Key(UUID id, String label, String host, Source source) {}

  /**
   * Creates an empty set.
   *
   * @param ticker tells nanoseconds, as {@link System#nanoTime} does
   */
  Redirects(PortLeases ports, PortClients clients, LongSupplier ticker) {
    this.ports = ports;
    this.clients = clients;
    this.ticker = ticker;
    this.maxPerId = Math.max(MIN_PER_ID, ports.size() / SHARES);
  }

  /** A port that clients are redirected to. */
  private final class Redirect implements PortLeases.Owner {
    private final Key key;
    private volatile PairingLog.Initiator latest;

    // Guarded by open.
    private PortLeases.@Nullable Lease lease; // set once the port is open
    private int connections;
    private long usedAt = ticker.getAsLong();

    Redirect(Key key, PairingLog.Initiator initiator) {
      this.key = key;
      this.latest = initiator;
    }

    /** Closes connections of sources that were not redirected here. */
    @Override
    public void accepted(Conn conn, PortLeases.Lease lease) {
      if (!conn.source().equals(key.source())) {
        LOG.debug("{} closed: it was not redirected to port {}", conn, lease.port());
        conn.close();
        return;
      }
      synchronized (open) {
        connections++;
      }
      clients.onRedirected(conn, key, latest, this::onClosed);
    }

    private void onClosed() {
      synchronized (open) {
        connections--;
        usedAt = ticker.getAsLong();
      }
    }
  }

  /** Returns the port that these clients were redirected to before, and keeps it open. */
  OptionalInt again(Key key, PairingLog.Initiator initiator) {
    synchronized (open) {
      Redirect redirect = open.getOrDefault(key.id(), Map.of()).get(key);
      if (redirect == null || redirect.lease == null) {
        return OptionalInt.empty();
      }
      redirect.latest = initiator;
      redirect.usedAt = ticker.getAsLong();
      return OptionalInt.of(redirect.lease.port());
    }
  }

  /**
   * Returns a port for these clients. Must not be called on an I/O thread.
   *
   * @return empty if none is left
   */
  OptionalInt open(Key key, PairingLog.Initiator initiator) {
    OptionalInt known = again(key, initiator);
    if (known.isPresent() || !makeRoom(key.id())) {
      return known;
    }
    Redirect redirect = new Redirect(key, initiator);
    PortLeases.Lease lease = ports.lease(redirect).orElse(null);
    if (lease == null) {
      return OptionalInt.empty();
    }
    Redirect other;
    synchronized (open) {
      redirect.lease = lease;
      other = open.computeIfAbsent(key.id(), id -> new HashMap<>()).putIfAbsent(key, redirect);
    }
    if (other != null) { // another request was faster
      lease.closeNow();
      return again(key, initiator);
    }
    return OptionalInt.of(lease.port());
  }

  /**
   * Makes room for one more port of an ID. If the ID has its maximum, the port that has been unused
   * for longest is given back.
   *
   * @return false if all its ports are in use
   */
  private boolean makeRoom(UUID id) {
    PortLeases.Lease lease = null;
    synchronized (open) {
      Map<Key, Redirect> ofId = open.getOrDefault(id, Map.of());
      if (ofId.size() < maxPerId) {
        return true;
      }
      Redirect oldest = null;
      for (Redirect redirect : ofId.values()) {
        if (redirect.connections == 0 && (oldest == null || redirect.usedAt - oldest.usedAt < 0)) {
          oldest = redirect;
        }
      }
      if (oldest != null) {
        ofId.remove(oldest.key);
        lease = oldest.lease;
      }
    }
    if (lease == null) {
      return false;
    }
    lease.closeNow();
    return true;
  }

  /** Gives back the ports of an ID. */
  void revoke(UUID id) {
    List<PortLeases.Lease> revoked = new ArrayList<>();
    synchronized (open) {
      Map<Key, Redirect> ofId = open.remove(id);
      if (ofId != null) {
        ofId.values().forEach(redirect -> addLease(redirect, revoked));
      }
    }
    revoked.forEach(PortLeases.Lease::close);
  }

  /**
   * Gives back the ports that no client has used for long enough. To be called periodically.
   *
   * @param now in nanoseconds
   */
  void sweep(long now) {
    List<PortLeases.Lease> unused = new ArrayList<>();
    synchronized (open) {
      for (Iterator<Map<Key, Redirect>> all = open.values().iterator(); all.hasNext(); ) {
        Map<Key, Redirect> ofId = all.next();
        for (Iterator<Redirect> each = ofId.values().iterator(); each.hasNext(); ) {
          Redirect redirect = each.next();
          if (redirect.connections == 0 && now - redirect.usedAt >= MAX_IDLE) {
            each.remove();
            addLease(redirect, unused);
          }
        }
        if (ofId.isEmpty()) {
          all.remove();
        }
      }
    }
    unused.forEach(PortLeases.Lease::close);
  }

  private static void addLease(Redirect redirect, List<PortLeases.Lease> into) {
    PortLeases.Lease lease = redirect.lease;
    if (lease != null) {
      into.add(lease);
    }
  }
}
