package io.rendezvous.protocol;

import io.rendezvous.net.Conn;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * One way to use a listener. A new connection is offered to the protocols of its listener in their
 * order: first by its bytes before TLS, then by its first bytes of plaintext, and then by each
 * request head that it sends. The first protocol that claims it owns it.
 *
 * <p>All methods are called on the connection's I/O thread. By default a protocol claims nothing;
 * it overrides the pairs of methods that it needs.
 */
public interface Protocol {
  /** Says whether a protocol claims a connection. */
  enum Claim {
    /** The connection belongs to this protocol. */
    YES,
    /** The connection does not belong to this protocol, whatever follows. */
    NO,
    /** More bytes are needed to decide. */
    NOT_YET
  }

  /**
   * Decides by the first bytes before TLS. If no protocol claims a connection here, the broker
   * starts its own TLS on it.
   *
   * @param first must not be changed
   */
  default Claim claimsBeforeTls(ByteBuffer first) {
    return Claim.NO;
  }

  /** Takes over a connection that was claimed before TLS. Its first bytes are read again. */
  default void acceptBeforeTls(Conn conn) {
    throw new IllegalStateException("claims no connection before TLS");
  }

  /**
   * Decides by the first bytes of plaintext.
   *
   * @param first must not be changed
   */
  default Claim claims(ByteBuffer first) {
    return Claim.NO;
  }

  /**
   * Takes over a connection that was claimed by its plaintext. Its first bytes are read again.
   *
   * @param left how much time is left for the first request head
   */
  default void accept(Conn conn, Duration left) {
    throw new IllegalStateException("claims no connection by its plaintext");
  }

  /** Returns whether this protocol claims a request. */
  default boolean claims(ClientRequest request) {
    return false;
  }

  /** Takes over a request that was claimed. */
  default void accept(ClientRequest request) {
    throw new IllegalStateException("claims no request");
  }
}
