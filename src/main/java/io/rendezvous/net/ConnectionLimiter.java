package io.rendezvous.net;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Limits the connections of one listener, or of several together. A connection is
 * <i>unidentified</i> until its owner calls {@link Conn#identified}. Where a limit is exceeded, the
 * oldest unidentified connection is closed for the new one:
 *
 * <ul>
 *   <li>that of the same source, if the source has more unidentified connections than it may have;
 *   <li>that of all sources, if four fifths of all places are taken. The last fifth is a reserve,
 *       which connections that never identify themselves cannot use up. Where identified ones take
 *       more than four fifths, a twentieth of all places is left to those that have yet to identify
 *       themselves, as long as any place is left.
 * </ul>
 *
 * <p>An identified connection is never closed here. If identified connections take all places, the
 * new connection is refused.
 *
 * <p>Any thread may call. Each call takes constant time. A connection is closed on its own I/O
 * thread, a moment after it was chosen, unless it has identified itself by then.
 */
public final class ConnectionLimiter {
  /**
   * Connections beyond the maximum that may be open while others, which make room for them, are
   * being closed.
   */
  static final int SLACK = 16;

  /** The limits by which connections are closed or refused. */
  public enum Limit {
    /** Connections in all. */
    CONNECTIONS,
    /** Unidentified connections of one source. */
    PER_SOURCE,
    /** Memory: see {@link HeapGuard}. */
    HEAP,
    /** What one connection may ask before it identifies itself. */
    CHALLENGES
  }

  private volatile Listener.Limits limits;
  private final LimitLog log = new LimitLog(System::nanoTime);

  // Guarded by this.
  private final Set<Place> unidentified = new LinkedHashSet<>(); // the oldest first
  private final Map<Source, Set<Place>> bySource = new HashMap<>(); // the unidentified ones
  private final Map<Limit, Long> met = new EnumMap<>(Limit.class);
  private int open;
  private int chosen; // of those that are open, to be closed
  private int ports;
  private int maxUnidentified = Integer.MAX_VALUE;
  private long accepted;
  private long refused;

  /** Creates a limiter without connections. */
  public ConnectionLimiter(Listener.Limits limits) {
    this.limits = limits;
  }

  /** Changes how many unidentified connections a source may have. Those that are open stay. */
  public synchronized void setPerSource(int perSource) {
    limits = new Listener.Limits(limits.connections(), perSource);
  }

  /** A connection's place among those that are limited together. */
  final class Place {
    private final Conn conn;
    private final Source source;
    private State state = State.UNIDENTIFIED; // guarded by the limiter

    private Place(Conn conn) {
      this.conn = conn;
      this.source = conn.source();
    }

    /** Records that the connection is identified. Called on its I/O thread. */
    void identified() {
      synchronized (ConnectionLimiter.this) {
        leave(State.IDENTIFIED);
      }
    }

    /** Records that the connection is closed. */
    void closed() {
      synchronized (ConnectionLimiter.this) {
        if (state != State.CLOSED) {
          leave(State.CLOSED);
          open--;
        }
      }
    }

    /** Counts and logs that the connection is closed by its owner because a limit is met. */
    void met(Limit limit) {
      ConnectionLimiter.this.met(limit, source);
    }

    private void leave(State next) {
      if (state == State.UNIDENTIFIED) {
        forget(this);
      } else if (state == State.CHOSEN) {
        chosen--;
      }
      state = next;
    }

    private void closeSoon() {
      conn.execute(
          () -> {
            if (isChosen()) {
              conn.close();
            }
          });
    }

    private boolean isChosen() {
      synchronized (ConnectionLimiter.this) {
        return state == State.CHOSEN;
      }
    }
  }

  private enum State {
    UNIDENTIFIED,
    /** It makes room for another, and is about to be closed. */
    CHOSEN,
    IDENTIFIED,
    CLOSED
  }

  /** A connection that makes room, and the limit that asks for it. */
  private record Chosen(Place place, Limit limit) {}

  /** Adds a connection. Returns its place, or null if there is none, so that it is refused. */
  @Nullable Place add(Conn conn) {
    Place place = new Place(conn);
    List<Chosen> all = new ArrayList<>(2);
    boolean isRefused;
    synchronized (this) {
      isRefused = isFull();
      if (isRefused) {
        refused++;
      } else {
        accepted++;
        open++;
        unidentified.add(place);
        bySource.computeIfAbsent(place.source, s -> new LinkedHashSet<>(2)).add(place);
        makeRoom(place.source, all);
      }
    }
    if (isRefused) {
      met(Limit.CONNECTIONS, place.source);
      return null;
    }
    all.forEach(this::close);
    return place;
  }

  private boolean isFull() {
    int max = limits.connections();
    return (taken() >= max && unidentified.isEmpty()) || open + ports >= max + SLACK;
  }

  private int taken() {
    return open - chosen + ports;
  }

  /** Chooses the connections that make room for the one that was just added. */
  private void makeRoom(Source source, List<Chosen> into) {
    Set<Place> ofSource = bySource.get(source);
    if (ofSource != null && ofSource.size() > limits.perSource()) {
      into.add(choose(ofSource.iterator().next(), Limit.PER_SOURCE));
    }
    boolean isCrowded = isCrowded();
    if (unidentified.size() > 1 && (isCrowded || unidentified.size() > maxUnidentified)) {
      Limit limit = isCrowded ? Limit.CONNECTIONS : Limit.HEAP;
      into.add(choose(unidentified.iterator().next(), limit));
    }
  }

  private boolean isCrowded() {
    int max = limits.connections();
    boolean isReserveUsed = taken() > (long) max * 4 / 5;
    return taken() > max || (isReserveUsed && unidentified.size() > max / 20);
  }

  private Chosen choose(Place place, Limit limit) {
    forget(place);
    place.state = State.CHOSEN;
    chosen++;
    return new Chosen(place, limit);
  }

  private void forget(Place place) {
    unidentified.remove(place);
    Set<Place> ofSource = bySource.get(place.source);
    if (ofSource != null && ofSource.remove(place) && ofSource.isEmpty()) {
      bySource.remove(place.source);
    }
  }

  private void close(Chosen each) {
    each.place().closeSoon();
    met(each.limit(), each.place().source);
  }

  private void met(Limit limit, Source source) {
    synchronized (this) {
      met.merge(limit, 1L, Long::sum);
    }
    log.met(limit, source);
  }

  // For the guard of the heap.

  /** Closes the oldest unidentified connections, because memory runs out. */
  void shed(int count) {
    List<Chosen> all = new ArrayList<>();
    synchronized (this) {
      while (all.size() < count && !unidentified.isEmpty()) {
        all.add(choose(unidentified.iterator().next(), Limit.HEAP));
      }
    }
    all.forEach(this::close);
  }

  /**
   * Sets how many unidentified connections there may be for now. Beyond that, each new connection
   * takes the place of the oldest one.
   */
  synchronized void setMaxUnidentified(int max) {
    maxUnidentified = max;
  }

  // Ports.

  /**
   * Takes a place for a socket that listens on a port of its own. Returns false if none is left.
   */
  public synchronized boolean takePort() {
    if (taken() >= limits.connections()) {
      return false;
    }
    ports++;
    return true;
  }

  /** Gives the place of a listening socket back. */
  public synchronized void givePort() {
    ports--;
  }

  // Figures.

  /** Returns the upper bounds. */
  public Listener.Limits limits() {
    return limits;
  }

  /** Returns how many connections are open. */
  public synchronized int open() {
    return open;
  }

  /** Returns how many of the open connections are unidentified, and stay open for now. */
  public synchronized int unidentified() {
    return unidentified.size();
  }

  /** Returns how many connections were accepted so far, those that were refused not included. */
  public synchronized long accepted() {
    return accepted;
  }

  /** Returns how many connections were refused so far, because there was no place for them. */
  public synchronized long refused() {
    return refused;
  }

  /** Returns how many connections were closed or refused so far because of a limit. */
  public synchronized long met(Limit limit) {
    return met.getOrDefault(limit, 0L);
  }
}
