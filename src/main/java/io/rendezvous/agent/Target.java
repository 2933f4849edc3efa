package io.rendezvous.agent;

import io.rendezvous.net.Conn;
import io.rendezvous.net.ProxyHeader;
import java.nio.ByteBuffer;
import java.util.Optional;

/** What serves the tunnels that clients have taken. */
interface Target {
  /** Is told what happens to one tunnel. Any thread may call. */
  interface Listener {
    /** The local server cannot be reached, or broke off. */
    void failed(String why);

    /**
     * The tunnel has ended. Called exactly once.
     *
     * @param how a few words about its end, for people
     */
    void ended(String how);
  }

  /**
   * Serves a tunnel. The target owns it from now on and closes it in the end. Called on the
   * tunnel's I/O thread.
   *
   * @param header the PROXY header that came before the client's bytes, if the entry asks for it
   * @param first the client's first bytes
   */
  void serve(Conn tunnel, Optional<ProxyHeader> header, ByteBuffer first, Listener listener);

  /** Returns what was served since the start. Any thread may call. */
  Status.Traffic traffic();

  /** Ends connections that are idle between two requests. Any thread may call. */
  default void drain() {}

  /** Ends all connections, and from now on each new one. Any thread may call. */
  void end();
}
