package io.rendezvous.protocol;

import io.rendezvous.net.Conn;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * One way to use a listener. Each new connection is offered to the protocols of its listener in
 * order, three times at most: with its first octets before TLS, with its first octets behind TLS,
 * and with each request head that is read from it. The first protocol that claims it has it.
 *
 * <p>All methods are called on the connection's I/O thread. A protocol overrides what it needs.
 */
public interface Protocol {
  /** Whether a connection is a protocol's own. */
  enum Claim {
    /** It is. */
    YES,
    /** It is not, whatever follows. */
    NO,
    /** More octets are needed to tell. */
    NOT_YET
  }

  /**
   * Returns whether a connection is this protocol's, by its first octets before TLS. A connection
   * that nobody claims is given the broker's own TLS.
   *
   * @param first is not changed
   */
  default Claim claimsBeforeTls(ByteBuffer first) {
    return Claim.NO;
  }

  /** Takes over a connection that was claimed before TLS; its first octets are early octets. */
  default void acceptBeforeTls(Conn conn) {
    throw new IllegalStateException("claims no connection before TLS");
  }

  /**
   * Returns whether a connection is this protocol's, by the first octets of its plaintext.
   *
   * @param first is not changed
   */
  default Claim claims(ByteBuffer first) {
    return Claim.NO;
  }

  /**
   * Takes over a connection that was claimed by its plaintext; its first octets are early octets.
   *
   * @param left how much time is left for a first request head
   */
  default void accept(Conn conn, Duration left) {
    throw new IllegalStateException("claims no connection by its first octets");
  }

  /** Returns whether a request is this protocol's. */
  default boolean claims(ClientRequest request) {
    return false;
  }

  /** Takes over a request that was claimed. */
  default void accept(ClientRequest request) {
    throw new IllegalStateException("claims no request");
  }
}
