package io.rendezvous.tunnel;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Is told what happens to hidden servers and clients. Its methods are called on I/O threads, while
 * no lock is held, and must not block.
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
    /** There was no answer, so the tunnel was closed. */
    SILENT,
    /** The tunnel ended in the meantime. */
    ENDED,
    /** There was no answer from a server that is known to be alive: its TLS delays answers. */
    DEFERRED
  }

  /** A tunnel was parked, or went to a client that was waiting for it. */
  default void parked(UUID id) {}

  /** A parked tunnel ended before a client had it. */
  default void ended(UUID id, Tunnel.End why) {}

  /** The hidden server of a parked tunnel was asked to prove that it is alive. */
  default void probed(UUID id, ProbeOutcome outcome, Duration took) {}

  /** A client asked for an ID that is not connected. */
  default void absent(UUID id) {}

  /** A client was paired with a tunnel; again, where an earlier tunnel gave no answer. */
  default void paired(Rendezvous rendezvous) {}

  /** A client's first bytes were written to its tunnel. */
  default void reached(Rendezvous rendezvous) {}

  /** A client and its tunnel have ended. */
  default void over(Rendezvous rendezvous) {}

  /**
   * A request was refused.
   *
   * @param status of the answer
   */
  default void refused(Side side, int status) {}

  /** Returns a listener that tells others, in their order. */
  static TunnelListener all(List<TunnelListener> listeners) {
    List<TunnelListener> each = List.copyOf(listeners);
    return new TunnelListener() {
      private void tell(Consumer<TunnelListener> what) {
        each.forEach(what);
      }

      @Override
      public void parked(UUID id) {
        tell(l -> l.parked(id));
      }

      @Override
      public void ended(UUID id, Tunnel.End why) {
        tell(l -> l.ended(id, why));
      }

      @Override
      public void probed(UUID id, ProbeOutcome outcome, Duration took) {
        tell(l -> l.probed(id, outcome, took));
      }

      @Override
      public void absent(UUID id) {
        tell(l -> l.absent(id));
      }

      @Override
      public void paired(Rendezvous rendezvous) {
        tell(l -> l.paired(rendezvous));
      }

      @Override
      public void reached(Rendezvous rendezvous) {
        tell(l -> l.reached(rendezvous));
      }

      @Override
      public void over(Rendezvous rendezvous) {
        tell(l -> l.over(rendezvous));
      }

      @Override
      public void refused(Side side, int status) {
        tell(l -> l.refused(side, status));
      }
    };
  }
}
