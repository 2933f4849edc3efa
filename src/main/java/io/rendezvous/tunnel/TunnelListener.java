package io.rendezvous.tunnel;

import io.rendezvous.http.Identity;
import io.rendezvous.http.SeenRequest;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/**
 * Observes hidden servers and clients. Its methods are called on I/O threads, while no lock is
 * held, and must not block. Two events of one tunnel may arrive in the wrong order if they happen
 * on two threads.
 */
public interface TunnelListener {
  /** One side of a rendezvous. */
  enum Side {
    /** The side that parks tunnels. */
    HIDDEN_SERVER,
    /** The side that asks for them. */
    CLIENT
  }

  /** The outcome of a liveness probe. */
  enum ProbeOutcome {
    /** The hidden server answered. */
    ANSWERED,
    /** No answer came, so the tunnel was closed. */
    SILENT,
    /** The tunnel ended before an answer came. */
    ENDED,
    /** No answer came from a server that is known to be alive: its TLS delays answers. */
    DEFERRED
  }

  /**
   * A tunnel was parked, or went to a client that was waiting for it.
   *
   * @param from the address from which the hidden server authenticated
   */
  default void parked(UUID id, InetSocketAddress from) {}

  /** A parked tunnel ended before a client took it. */
  default void ended(UUID id, Tunnel.End why) {}

  /** A liveness probe of a parked tunnel came to its end. */
  default void probed(UUID id, ProbeOutcome outcome, Duration took) {}

  /** A client asked for an ID that is not connected. */
  default void absent(UUID id) {}

  /** A client has named a hidden server, in that part of its first request. */
  default void identified(Identity.Carrier carrier) {}

  /** A client was paired with a tunnel. It happens again if an earlier tunnel gave no answer. */
  default void paired(Rendezvous rendezvous) {}

  /** A client's first bytes were written to its tunnel. */
  default void reached(Rendezvous rendezvous) {}

  /** A client and its tunnel have ended. */
  default void over(Rendezvous rendezvous) {}

  /**
   * A request of a client was relayed: told once when its answer begins, unless it was over before,
   * and once when it is over. It is not told where the settings switch it off.
   */
  default void requested(UUID id, InetSocketAddress client, SeenRequest request) {}

  /** A request was refused. */
  default void refused(Refusal refusal) {}

  /**
   * Returns a listener that tells others, in their order. An exception that one of them throws is
   * logged and affects nothing else.
   */
  static TunnelListener all(List<TunnelListener> listeners) {
    return new CombinedListener(listeners);
  }
}
