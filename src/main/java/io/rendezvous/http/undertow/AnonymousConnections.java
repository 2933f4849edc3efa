package io.rendezvous.http.undertow;

import io.rendezvous.net.Conn;
import java.net.InetSocketAddress;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The connections of one listener whose peers have not proved who they are. If there are too many,
 * the oldest one is closed for the new one. So connections that do nothing keep nobody out, however
 * many there are.
 *
 * <p>Any thread may call.
 */
public final class AnonymousConnections {
  private final int max;
  private final Map<InetSocketAddress, Conn> open = new LinkedHashMap<>(); // guarded by this

  /** Creates an empty set of connections with a maximum size. */
  public AnonymousConnections(int max) {
    this.max = max;
  }

  /** Adds a new connection. */
  public void add(Conn conn) {
    oldestBut(conn).ifPresent(oldest -> oldest.execute(oldest::abort));
  }

  /** Adds a connection, and removes the oldest one if there are too many. */
  private synchronized Optional<Conn> oldestBut(Conn conn) {
    open.put(conn.peer(), conn);
    if (open.size() <= max) {
      return Optional.empty();
    }
    Iterator<Conn> oldest = open.values().iterator();
    Conn removed = oldest.next();
    oldest.remove();
    return Optional.of(removed);
  }

  /** Removes a connection, because it was closed or its peer has proved who it is. */
  public synchronized void remove(InetSocketAddress peer) {
    open.remove(peer);
  }
}
