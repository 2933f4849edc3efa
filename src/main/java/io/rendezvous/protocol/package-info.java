/**
 * Everything that the protocols share. {@link io.rendezvous.protocol.ProtocolDetector} finds the
 * {@link io.rendezvous.protocol.Protocol} of a new connection. {@link
 * io.rendezvous.protocol.Parking} parks the connections of hidden servers, {@link
 * io.rendezvous.protocol.Matchmaker} relays clients to them, and {@link
 * io.rendezvous.protocol.Refusals} refuses either. {@link io.rendezvous.protocol.PortLeases} is for
 * protocols with ports of their own.
 */
@NullMarked
package io.rendezvous.protocol;

import org.jspecify.annotations.NullMarked;
