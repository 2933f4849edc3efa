package io.rendezvous.net;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The open connections of one listener, or of several that belong together, with the limiter that
 * they share with other groups. Any thread may call.
 */
public final class ConnectionGroup {
  private final ConnectionLimiter limiter;
  private final Set<Conn> open = ConcurrentHashMap.newKeySet();

  /** Creates a group without connections. */
  public ConnectionGroup(ConnectionLimiter limiter) {
    this.limiter = limiter;
  }

  /** Returns the open connections, whoever owns them: a view that changes with them. */
  public Set<Conn> open() {
    return open;
  }

  /** Returns the limiter of the connections. */
  public ConnectionLimiter limiter() {
    return limiter;
  }

  /** Adds a connection. Returns its place, or null if there is none, so that it is refused. */
  ConnectionLimiter.@Nullable Place add(Conn conn) {
    ConnectionLimiter.Place place = limiter.add(conn);
    if (place != null) {
      open.add(conn);
    }
    return place;
  }

  /** Removes a connection that is closed. */
  void remove(Conn conn, ConnectionLimiter.Place place) {
    open.remove(conn);
    place.closed();
  }
}
