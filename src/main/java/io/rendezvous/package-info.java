/**
 * Rendezvous: a broker through which clients reach hidden servers behind a NAT.
 *
 * <p>Newcomers read in this order:
 *
 * <ol>
 *   <li>{@link io.rendezvous.Main} and {@link io.rendezvous.Broker}, whose list of protocols is the
 *       table of contents;
 *   <li>{@link io.rendezvous.protocol.Protocol} and {@link
 *       io.rendezvous.protocol.ProtocolDetector}: how a new connection finds its protocol;
 *   <li>{@link io.rendezvous.protocol.connect.ConnectProtocol}: the main protocol, for hidden
 *       servers and for clients;
 *   <li>{@link io.rendezvous.entry.Totp} and {@link io.rendezvous.protocol.Parking}: how a hidden
 *       server proves who it is, and parks a tunnel;
 *   <li>{@link io.rendezvous.tunnel.TunnelRegistry} and {@link io.rendezvous.protocol.Matchmaker}:
 *       how a client gets a tunnel;
 *   <li>{@link io.rendezvous.net.Relay}: how the bytes flow from then on.
 * </ol>
 */
@NullMarked
package io.rendezvous;

import org.jspecify.annotations.NullMarked;
