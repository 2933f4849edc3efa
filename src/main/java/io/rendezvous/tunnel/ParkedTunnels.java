package io.rendezvous.tunnel;

import io.rendezvous.net.Source;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The parked tunnels of one hidden server, in the order in which they were first parked.
 *
 * <p>Guarded by the lock of the server's {@link TunnelPool}. Every {@code now} is in nanoseconds.
 */
final class ParkedTunnels {
  /** Among tunnels this close to the freshest, one on the client's own I/O thread is preferred. */
  private static final long ABOUT_AS_FRESH = Duration.ofSeconds(5).toNanos();

  /** How long the last tunnel of an ID is kept beyond its maximum age if no other comes. */
  private static final long LAST_ONE_GRACE = Duration.ofMinutes(1).toNanos();

  private final Deque<Tunnel> tunnels = new ArrayDeque<>(1); // the oldest first

  int size() {
    return tunnels.size();
  }

  boolean isEmpty() {
    return tunnels.isEmpty();
  }

  boolean contains(Tunnel tunnel) {
    return tunnels.contains(tunnel);
  }

  /** Returns a copy, the oldest first. */
  List<Tunnel> list() {
    return List.copyOf(tunnels);
  }

  /** Returns a copy, the freshest first. */
  List<Tunnel> freshestFirst() {
    List<Tunnel> all = new ArrayList<>(tunnels.size());
    tunnels.descendingIterator().forEachRemaining(all::add);
    return all;
  }

  /** Adds a tunnel. One that is put back goes before those that were parked after it. */
  void add(Tunnel tunnel) {
    Deque<Tunnel> fresher = new ArrayDeque<>(0);
    while (!tunnels.isEmpty() && tunnels.getLast().parkedAt() - tunnel.parkedAt() > 0) {
      fresher.addFirst(tunnels.removeLast());
    }
    tunnels.addLast(tunnel);
    tunnels.addAll(fresher);
  }

  /** Removes a tunnel. Returns whether it was there. */
  boolean remove(Tunnel tunnel) {
    return tunnels.remove(tunnel);
  }

  /** Removes the oldest tunnel from a source, else the oldest, and returns it. */
  Tunnel removeOldest(Source source) {
    Tunnel oldest =
        tunnels.stream()
            .filter(tunnel -> tunnel.connection().source().equals(source))
            .findFirst()
            .orElseGet(tunnels::getFirst);
    tunnels.remove(oldest);
    return oldest;
  }

  /** Removes all tunnels and returns them. */
  List<Tunnel> removeAll() {
    List<Tunnel> all = list();
    tunnels.clear();
    return all;
  }

  /**
   * Returns the freshest tunnel that fits, if there is one. Among those that are about as fresh,
   * one of the given event loop is preferred.
   */
  @Nullable Tunnel freshest(Predicate<Tunnel> fits, @Nullable Object eventLoop) {
    Tunnel freshest = null;
    for (Iterator<Tunnel> each = tunnels.descendingIterator(); each.hasNext(); ) {
      Tunnel tunnel = each.next();
      if (freshest != null && freshest.parkedAt() - tunnel.parkedAt() > ABOUT_AS_FRESH) {
        break;
      }
      if (fits.test(tunnel)) {
        if (tunnel.connection().eventLoop() == eventLoop) {
          return tunnel;
        }
        freshest = freshest == null ? tunnel : freshest;
      }
    }
    return freshest;
  }

  /** Returns how many tunnels have a probe to answer. */
  int probed() {
    return (int) tunnels.stream().filter(tunnel -> tunnel.probe() != null).count();
  }

  /** Returns whether a tunnel is being tested. */
  boolean hasTested() {
    return tunnels.stream().anyMatch(Tunnel::isTested);
  }

  /**
   * Removes the tunnels that have reached their maximum age and returns them. A tunnel that is
   * being probed stays, and so does the last one that can be relied on, for a while.
   */
  List<Tunnel> retire(long now) {
    List<Tunnel> retired = new ArrayList<>(0);
    for (Iterator<Tunnel> each = tunnels.iterator(); each.hasNext(); ) {
      Tunnel tunnel = each.next();
      long overdue = now - tunnel.retireAt();
      if (overdue < 0) {
        break; // those that follow are fresher, and may wait for this one
      }
      boolean dispensable = overdue >= LAST_ONE_GRACE || hasReliableOther(tunnel);
      if (dispensable && tunnel.probe() == null) {
        each.remove();
        retired.add(tunnel);
      }
    }
    return retired;
  }

  /** Returns whether there is another that can be relied on: one being probed may be dead. */
  private boolean hasReliableOther(Tunnel tunnel) {
    return tunnels.stream().anyMatch(other -> other != tunnel && other.probe() == null);
  }
}
