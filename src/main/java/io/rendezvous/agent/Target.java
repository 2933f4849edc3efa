package io.rendezvous.agent;

import io.rendezvous.net.Conn;
import io.rendezvous.net.ProxyHeader;
import java.nio.ByteBuffer;
import java.util.Optional;

/** What serves the tunnels that clients have taken. */
interface Target {
  /** Hears of one tunnel. */
  interface Listener {
    /** Something happened that people should know. Any thread may call. */
    void event(String what);

    /** The tunnel is over. Called once, on any thread. */
    void over();
  }

  /**
   * Takes a tunnel over, and closes it in the end. Called on its I/O thread.
   *
   * @param header what went before the client's octets, if the entry has it so
   * @param first the client's first octets
   */
  void serve(Conn tunnel, Optional<ProxyHeader> header, ByteBuffer first, Listener listener);

  /** Ends what stands idle between two requests, since the agent closes down. Any thread. */
  default void drain() {}
}
