package io.rendezvous.net;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The connections that are open now, and how many of them each source has, for one listener or for
 * several that share the limits. Any thread may call.
 */
public final class ConnectionLimiter {
  private final Listener.Limits limits;
  private final Set<Conn> open = ConcurrentHashMap.newKeySet();
  private final ConcurrentHashMap<Source, Integer> perSource = new ConcurrentHashMap<>();

  /** Creates an empty set. */
  public ConnectionLimiter(Listener.Limits limits) {
    this.limits = limits;
  }

  /** Returns those that are open, whoever owns them. */
  public Set<Conn> open() {
    return open;
  }

  Listener.Limits limits() {
    return limits;
  }

  /** Adds a connection, unless its source has enough. */
  boolean add(Conn conn) {
    Source source = conn.source();
    if (perSource.merge(source, 1, Integer::sum) > limits.perSource()) {
      forget(source);
      return false;
    }
    open.add(conn);
    return true;
  }

  /** Removes a connection that was added. */
  void remove(Conn conn) {
    open.remove(conn);
    forget(conn.source());
  }

  private void forget(Source source) {
    perSource.computeIfPresent(source, (s, n) -> n == 1 ? null : n - 1);
  }
}
