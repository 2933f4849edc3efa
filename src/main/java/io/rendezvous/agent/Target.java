package io.rendezvous.agent;

import io.rendezvous.net.Conn;
import io.rendezvous.net.ProxyHeader;
import java.nio.ByteBuffer;
import java.util.Optional;

/** What serves the tunnels that clients have taken. */
interface Target {
  /** Hears of one tunnel. */
  interface Listener {
    /** The local server cannot be reached, or broke. Any thread may call. */
    void failed(String why);

    /**
     * The tunnel is over. Called once, on any thread.
     *
     * @param how what is known of its end
     */
    void over(String how);
  }

  /**
   * Takes a tunnel over, and closes it in the end. Called on its I/O thread.
   *
   * @param header what went before the client's octets, if the entry has it so
   * @param first the client's first octets
   */
  void serve(Conn tunnel, Optional<ProxyHeader> header, ByteBuffer first, Listener listener);

  /** Returns what was served since the start. Any thread may call. */
  Status.Traffic traffic();

  /** Ends what stands idle between two requests, since the agent closes down. Any thread. */
  default void drain() {}

  /** Ends what is left, and from now on what else begins. Any thread. */
  void end();
}
