package io.rendezvous.tunnel;

/**
 * A client that waits for a tunnel. Each wait ends in exactly one of three ways: the client is
 * offered a tunnel, is dismissed, or stops waiting by {@link TunnelRegistry#stopWaiting}.
 */
public interface Waiter {
  /**
   * Accepts a tunnel that was taken for this client, which no longer waits. Called on any thread. A
   * client that can no longer use the tunnel gives it back with {@link TunnelRegistry#putBack}.
   */
  void offered(Tunnel tunnel);

  /**
   * Ends the wait because there will be no tunnel: the entry was deleted, or the broker is shutting
   * down. Called on any thread.
   */
  void dismissed(Tunnel.End why);
}
