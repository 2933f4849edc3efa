/**
 * The product's protocol (PROTOCOL 1): a hidden server parks tunnels with CONNECT, a client is
 * challenged, names the hidden server and is relayed to it. Start with {@link
 * io.rendezvous.connect.ConnectProtocol}.
 */
@NullMarked
package io.rendezvous.connect;

import org.jspecify.annotations.NullMarked;
