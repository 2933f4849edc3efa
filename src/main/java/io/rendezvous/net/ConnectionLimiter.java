package io.rendezvous.net;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The open connections of one listener, or of several that share their limits, counted by source.
 * It admits no connection from a source that already has its maximum. The total is bounded by the
 * listeners, which stop accepting. Any thread may call.
 */
public final class ConnectionLimiter {
  private final Listener.Limits limits;
  private final Set<Conn> open = ConcurrentHashMap.newKeySet();
  private final ConcurrentHashMap<Source, Integer> perSource = new ConcurrentHashMap<>();

  /** Creates a limiter without connections. */
  public ConnectionLimiter(Listener.Limits limits) {
    this.limits = limits;
  }

  /** Returns the open connections, whoever owns them: a view that changes with them. */
  public Set<Conn> open() {
    return open;
  }

  Listener.Limits limits() {
    return limits;
  }

  /** Adds a connection, unless its source has its maximum. Returns whether it was added. */
  boolean add(Conn conn) {
    Source source = conn.source();
    if (perSource.merge(source, 1, Integer::sum) > limits.perSource()) {
      release(source);
      return false;
    }
    open.add(conn);
    return true;
  }

  /** Removes a connection that was added. */
  void remove(Conn conn) {
    open.remove(conn);
    release(conn.source());
  }

  private void release(Source source) {
    perSource.computeIfPresent(source, (s, n) -> n == 1 ? null : n - 1);
  }
}
