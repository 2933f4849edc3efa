package io.rendezvous.protocol.taas;

import io.rendezvous.entry.Entry;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Source;
import io.rendezvous.protocol.PortLeases;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ports p: each waits for one connection of the hidden server that asked for it, and parks it.
 * Any thread may call, but no I/O thread where it says so.
 */
final class PendingPorts {
  private static final Logger LOG = LoggerFactory.getLogger(PendingPorts.class);

  /** How long a port waits for its connection. */
  private static final long TO_CONNECT = Duration.ofSeconds(30).toNanos();

  private final Taas taas;
  private final int perId;
  private final Map<UUID, Deque<Registration>> pending = new HashMap<>(); // guarded by itself

  /**
   * Creates an empty set.
   *
   * @param perId how many ports of an ID wait at once; the oldest makes room
   */
  PendingPorts(Taas taas, int perId) {
    this.taas = taas;
    this.perId = perId;
  }

  /** A port that waits for its connection. */
  private final class Registration implements PortLeases.Owner {
    private final Entry entry;
    private final String label;
    private final InetSocketAddress askedFrom;
    private final long knownAt;
    private final long opened = System.nanoTime();
    private PortLeases.@Nullable Lease lease; // guarded by pending

    Registration(Entry entry, String label, InetSocketAddress askedFrom, long knownAt) {
      this.entry = entry;
      this.label = label;
      this.askedFrom = askedFrom;
      this.knownAt = knownAt;
    }

    /** Who comes from elsewhere, or second, is none of the hidden server's. */
    @Override
    public void accepted(Conn conn, PortLeases.Lease lease) {
      if (!conn.source().equals(Source.of(askedFrom.getAddress())) || !remove(this)) {
        LOG.debug("{} closed: it is not who port {} is for", conn, lease.port());
        conn.close();
        return;
      }
      lease.close();
      LOG.debug("{} parked", conn);
      taas.tunnels().park(entry, label, askedFrom, conn, knownAt);
    }
  }

  /**
   * Begins to wait for a connection. On no I/O thread.
   *
   * @param askedFrom where the hidden server is
   * @param knownAt when its entry was looked up, or before, by {@link System#nanoTime}
   * @return the port; empty if none is left
   */
  OptionalInt open(Entry entry, String label, InetSocketAddress askedFrom, long knownAt) {
    Registration registration = new Registration(entry, label, askedFrom, knownAt);
    PortLeases.Lease replaced = null;
    synchronized (pending) {
      Deque<Registration> ofId = pending.computeIfAbsent(entry.id(), id -> new ArrayDeque<>());
      ofId.addLast(registration);
      if (ofId.size() > perId) {
        replaced = ofId.removeFirst().lease;
      }
    }
    if (replaced != null) {
      replaced.closeNow();
    }
    PortLeases.Lease lease = taas.ports().lease(registration).orElse(null);
    if (lease == null) {
      remove(registration);
      return OptionalInt.empty();
    }
    boolean waits;
    synchronized (pending) {
      Deque<Registration> ofId = pending.get(entry.id());
      waits = ofId != null && ofId.contains(registration);
      if (waits) {
        registration.lease = lease;
      }
    }
    if (!waits) { // its connection is there already, or its entry was deleted
      lease.close();
    }
    return OptionalInt.of(lease.port());
  }

  /** Returns whether it did wait, and now does no more. */
  private boolean remove(Registration registration) {
    synchronized (pending) {
      UUID id = registration.entry.id();
      Deque<Registration> ofId = pending.get(id);
      if (ofId == null || !ofId.remove(registration)) {
        return false;
      }
      if (ofId.isEmpty()) {
        pending.remove(id);
      }
      return true;
    }
  }

  /** Gives back the ports of an ID. */
  void revoke(UUID id) {
    List<PortLeases.Lease> revoked = new ArrayList<>();
    synchronized (pending) {
      Deque<Registration> ofId = pending.remove(id);
      if (ofId != null) {
        ofId.forEach(registration -> addLease(registration, revoked));
      }
    }
    revoked.forEach(PortLeases.Lease::close);
  }

  /**
   * Gives back the ports that have waited for too long.
   *
   * @param now {@link System#nanoTime}
   */
  void sweep(long now) {
    List<PortLeases.Lease> late = new ArrayList<>();
    synchronized (pending) {
      for (Iterator<Deque<Registration>> all = pending.values().iterator(); all.hasNext(); ) {
        Deque<Registration> ofId = all.next();
        while (!ofId.isEmpty() && now - ofId.getFirst().opened >= TO_CONNECT) {
          addLease(ofId.removeFirst(), late);
        }
        if (ofId.isEmpty()) {
          all.remove();
        }
      }
    }
    late.forEach(PortLeases.Lease::close);
  }

  private static void addLease(Registration registration, List<PortLeases.Lease> into) {
    PortLeases.Lease lease = registration.lease; // without one, whoever opens it gives it back
    if (lease != null) {
      into.add(lease);
    }
  }
}
