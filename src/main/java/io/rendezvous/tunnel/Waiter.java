package io.rendezvous.tunnel;

/**
 * A client that waits for a tunnel. Its wait ends in one of three ways: it is offered a tunnel, it
 * is dismissed, or it stops waiting itself.
 */
public interface Waiter {
  /**
   * Accepts a tunnel that was taken for this client, which no longer waits. Called at most once, on
   * any thread. A client that can no longer use the tunnel gives it back with {@link
   * TunnelRegistry#putBack}.
   */
  void offered(Tunnel tunnel);

  /**
   * Ends the wait because there will be no tunnel: the entry was deleted, or the broker is shutting
   * down. Called at most once, on any thread, and never after {@link #offered}.
   */
  void dismissed(Tunnel.End why);
}
