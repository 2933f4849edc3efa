package io.rendezvous.tunnel;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Hears what becomes of hidden servers and clients. It is called on I/O threads, under no lock, and
 * must not block.
 */
public interface TunnelListener {
  /** Which side of a rendezvous. */
  enum Side {
    /** Those who park tunnels. */
    HIDDEN_SERVER,
    /** Those who come for them. */
    CLIENT
  }

  /** What came of asking a hidden server to prove that it lives. */
  enum Proof {
    /** It did. */
    ANSWERED,
    /** There was no answer, and so its tunnel was closed. */
    SILENT,
    /** Its tunnel ended meanwhile. */
    ENDED,
    /** There was no answer, though it was known to live: its TLS gives none for now. */
    DEFERRED
  }

  /** A tunnel was parked, or went to a client that waited for it. */
  default void parked(UUID id) {}

  /** A parked tunnel is over, and no client has had it. */
  default void ended(UUID id, Tunnel.End why) {}

  /** The hidden server of a parked tunnel was asked to prove that it lives. */
  default void asked(UUID id, Proof proof, Duration took) {}

  /** A client came for an ID that is not connected. */
  default void absent(UUID id) {}

  /** A client was paired with a tunnel; again, where an earlier tunnel gave no answer. */
  default void paired(Rendezvous rendezvous) {}

  /** A client's first octets went down its tunnel. */
  default void reached(Rendezvous rendezvous) {}

  /** A client and its tunnel are over. */
  default void over(Rendezvous rendezvous) {}

  /**
   * Somebody was refused.
   *
   * @param status of the answer
   */
  default void refused(Side side, int status) {}

  /** Returns an observer that tells others, in their order. */
  static TunnelListener all(List<TunnelListener> observers) {
    List<TunnelListener> each = List.copyOf(observers);
    return new TunnelListener() {
      private void tell(Consumer<TunnelListener> what) {
        each.forEach(what);
      }

      @Override
      public void parked(UUID id) {
        tell(o -> o.parked(id));
      }

      @Override
      public void ended(UUID id, Tunnel.End why) {
        tell(o -> o.ended(id, why));
      }

      @Override
      public void asked(UUID id, Proof proof, Duration took) {
        tell(o -> o.asked(id, proof, took));
      }

      @Override
      public void absent(UUID id) {
        tell(o -> o.absent(id));
      }

      @Override
      public void paired(Rendezvous rendezvous) {
        tell(o -> o.paired(rendezvous));
      }

      @Override
      public void reached(Rendezvous rendezvous) {
        tell(o -> o.reached(rendezvous));
      }

      @Override
      public void over(Rendezvous rendezvous) {
        tell(o -> o.over(rendezvous));
      }

      @Override
      public void refused(Side side, int status) {
        tell(o -> o.refused(side, status));
      }
    };
  }
}
