package io.rendezvous.protocol;

import io.rendezvous.config.PortRange;
import io.rendezvous.net.Conn;
import io.rendezvous.net.ConnectionGroup;
import io.rendezvous.net.ConnectionLimiter;
import io.rendezvous.net.FailureText;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ports of a range. Each is leased to one owner at a time, who listens there until the lease is
 * closed. Ports outside the range can be leased by their number.
 *
 * <p>Any thread may call, except where a method excludes I/O threads: to open or close a listener
 * waits for all I/O threads.
 */
public final class PortLeases {
  private static final Logger LOG = LoggerFactory.getLogger(PortLeases.class);

  /** The owner of a lease, who takes over the connections to its port. */
  public interface Owner {
    /**
     * Takes a connection over. Called on its I/O thread, possibly before {@code lease} has
     * returned.
     */
    void accepted(Conn conn, Lease lease);
  }

  private final Network network;
  private final String host;
  private final int first;
  private final int last;
  private final int maxPorts;
  private final ConnectionGroup connections;

  // Guarded by this.
  private final Map<Integer, Lease> leased = new HashMap<>();
  private int next;
  private boolean closed;

  /**
   * Creates the ports, none of them leased.
   *
   * @param host the address to listen on
   * @param limiter limits the connections to the ports; each port takes a place too, and the ports
   *     at most half of all places
   */
  public PortLeases(Network network, String host, PortRange range, ConnectionLimiter limiter) {
    this.network = network;
    this.host = host;
    this.first = range.first();
    this.last = range.last();
    this.next = first;
    this.maxPorts = Math.max(1, limiter.limits().connections() / 2);
    this.connections = new ConnectionGroup(limiter);
  }

  /** One leased port. */
  public final class Lease {
    private final int port;
    private @Nullable Listener listener; // guarded by this
    private boolean closed; // guarded by this

    private Lease(int port) {
      this.port = port;
    }

    public int port() {
      return port;
    }

    private boolean listen(Owner owner) {
      boolean listens = false;
      try {
        InetSocketAddress address = new InetSocketAddress(host, port);
        Listener listening =
            network.listen(address, null, connections, conn -> owner.accepted(conn, this));
        synchronized (this) {
          if (!closed) {
            listener = listening;
            listens = true;
          }
        }
        if (!listens) {
          listening.close();
        }
      } catch (IOException e) {
        LOG.debug("Port {} is not available: {}", port, FailureText.of(e));
      } finally {
        if (!listens) {
          free(this);
        }
      }
      return listens;
    }

    /** Gives the port back, soon. Connections that came through it stay open. */
    public void close() {
      try {
        network.worker().execute(this::closeNow);
      } catch (RejectedExecutionException e) {
        // The process ends, and the port with it.
      }
    }

    /** Gives the port back. Must not be called on an I/O thread. */
    public void closeNow() {
      Listener listening;
      synchronized (this) {
        if (closed) {
          return;
        }
        closed = true;
        listening = listener;
      }
      if (listening != null) { // otherwise, the thread that is opening it gives it back
        listening.close();
        free(this);
      }
    }
  }

  /**
   * Leases any port of the range. Must not be called on an I/O thread.
   *
   * @return empty if none is left
   */
  public Optional<Lease> lease(Owner owner) {
    for (int tries = first; tries <= last; tries++) {
      Lease lease = reserve();
      if (lease == null) {
        return Optional.empty();
      }
      if (lease.listen(owner)) {
        return Optional.of(lease);
      }
    }
    return Optional.empty();
  }

  /**
   * Leases a certain port. Must not be called on an I/O thread.
   *
   * @return empty if it is not available
   */
  public Optional<Lease> lease(int port, Owner owner) {
    Lease lease = new Lease(port);
    synchronized (this) {
      if (closed || leased.containsKey(port) || !takePlace()) {
        return Optional.empty();
      }
      leased.put(port, lease);
    }
    return lease.listen(owner) ? Optional.of(lease) : Optional.empty();
  }

  private synchronized @Nullable Lease reserve() {
    for (int tries = first; tries <= last && !closed; tries++) {
      int port = next;
      next = port == last ? first : port + 1;
      if (!leased.containsKey(port)) {
        if (!takePlace()) {
          return null;
        }
        Lease lease = new Lease(port);
        leased.put(port, lease);
        return lease;
      }
    }
    return null;
  }

  private synchronized void free(Lease lease) {
    if (leased.remove(lease.port, lease)) {
      connections.limiter().givePort();
    }
  }

  private synchronized boolean takePlace() {
    return leased.size() < maxPorts && connections.limiter().takePort();
  }

  /** Returns how many ports are leased. */
  public synchronized int leased() {
    return leased.size();
  }

  /** Returns how many ports can be leased at most. */
  public int size() {
    return Math.min(last - first + 1, maxPorts);
  }

  /** Returns the open connections that came through the ports. */
  public Set<Conn> open() {
    return connections.open();
  }

  /** Gives all ports back, and leases none from then on. Must not be called on an I/O thread. */
  public void close() {
    List<Lease> all;
    synchronized (this) {
      closed = true;
      all = new ArrayList<>(leased.values());
    }
    all.forEach(Lease::closeNow);
  }
}
