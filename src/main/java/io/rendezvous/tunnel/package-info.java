/**
 * The heart of the broker: which tunnels are parked, which clients wait, and which of them get each
 * other. It knows no sockets and no clock of its own, so that every step can be tested by itself.
 *
 * <p>{@link io.rendezvous.tunnel.TunnelRegistry} is the way in. It keeps one {@link
 * io.rendezvous.tunnel.TunnelPool} for each hidden server.
 */
@NullMarked
package io.rendezvous.tunnel;

import org.jspecify.annotations.NullMarked;
