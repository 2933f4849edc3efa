package io.rendezvous.protocol.taas;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Source;
import io.rendezvous.protocol.Parking;
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
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ports that wait for a hidden server. Each waits for one connection of the server that asked
 * for it, and parks that connection. Any thread may call, except where a method excludes I/O
 * threads.
 */
final class PendingPorts {
  private static final Logger LOG = LoggerFactory.getLogger(PendingPorts.class);

  /** How long a port waits for its connection. */
  private static final long MAX_WAIT = Duration.ofSeconds(30).toNanos();

  private final PortLeases ports;
  private final Parking parking;
  private final LongSupplier ticker;
  private final int maxPerId;
  private final Map<UUID, Deque<Registration>> pending = new HashMap<>(); // guarded by itself

  /**
   * Creates an empty set.
   *
   * @param ticker tells nanoseconds, as {@link System#nanoTime} does
   * @param maxPerId the maximum of ports that wait for one ID; the oldest makes room
   */
  PendingPorts(PortLeases ports, Parking parking, LongSupplier ticker, int maxPerId) {
    this.ports = ports;
    this.parking = parking;
    this.ticker = ticker;
    this.maxPerId = maxPerId;
  }

  /** A port that waits for its connection. */
  private final class Registration implements PortLeases.Owner {
    private final Parking.Permit permit;
    private final String label;
    private final InetSocketAddress askedFrom;
    private final long openedAt = ticker.getAsLong();
    private PortLeases.@Nullable Lease lease; // guarded by pending

    Registration(Parking.Permit permit, String label, InetSocketAddress askedFrom) {
      this.permit = permit;
      this.label = label;
      this.askedFrom = askedFrom;
    }

    UUID id() {
      return permit.entry().id();
    }

    /** Accepts the first connection from the address that registered; closes every other. */
    @Override
    public void accepted(Conn conn, PortLeases.Lease from) {
      if (!conn.source().equals(Source.of(askedFrom.getAddress())) || !remove(this)) {
        LOG.debug("{} closed: it did not register port {}", conn, from.port());
        conn.close();
        return;
      }
      from.close();
      parking.park(permit, label, askedFrom, conn);
    }
  }

  /**
   * Opens a port that waits for a connection. Must not be called on an I/O thread.
   *
   * @param askedFrom the address from which the hidden server authenticated
   * @return the port; empty if none is left
   */
  OptionalInt open(Parking.Permit permit, String label, InetSocketAddress askedFrom) {
    Registration registration = new Registration(permit, label, askedFrom);
    UUID id = registration.id();
    PortLeases.Lease replaced = null;
    synchronized (pending) {
      Deque<Registration> ofId = pending.computeIfAbsent(id, i -> new ArrayDeque<>());
      ofId.addLast(registration);
      if (ofId.size() > maxPerId) {
        replaced = ofId.removeFirst().lease;
      }
    }
    if (replaced != null) {
      replaced.closeNow();
    }
    PortLeases.Lease lease = ports.lease(registration).orElse(null);
    if (lease == null) {
      remove(registration);
      return OptionalInt.empty();
    }
    boolean waits;
    synchronized (pending) {
      Deque<Registration> ofId = pending.get(id);
      waits = ofId != null && ofId.contains(registration);
      if (waits) {
        registration.lease = lease;
      }
    }
    if (!waits) { // its connection has come already, or its entry was deleted
      lease.close();
    }
    return OptionalInt.of(lease.port());
  }

  /** Ends the wait of a registration. Returns whether it was waiting. */
  private boolean remove(Registration registration) {
    synchronized (pending) {
      UUID id = registration.id();
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
   * Gives back the ports that have waited for too long. To be called periodically.
   *
   * @param now in nanoseconds
   */
  void sweep(long now) {
    List<PortLeases.Lease> late = new ArrayList<>();
    synchronized (pending) {
      for (Iterator<Deque<Registration>> all = pending.values().iterator(); all.hasNext(); ) {
        Deque<Registration> ofId = all.next();
        while (!ofId.isEmpty() && now - ofId.getFirst().openedAt >= MAX_WAIT) {
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
