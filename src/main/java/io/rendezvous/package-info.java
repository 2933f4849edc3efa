/**
 * Rendezvous: clients reach hidden servers, which sit behind a NAT, through a broker.
 *
 * <p>To read it: {@link io.rendezvous.Main}, {@link io.rendezvous.Broker}, {@link
 * io.rendezvous.connect.ConnectProtocol} and its two sides, {@link io.rendezvous.entry.Totp},
 * {@link io.rendezvous.tunnel.Tunnels}, {@link io.rendezvous.net.Relay}.
 */
@NullMarked
package io.rendezvous;

import org.jspecify.annotations.NullMarked;
