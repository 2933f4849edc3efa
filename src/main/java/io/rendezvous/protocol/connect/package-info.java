/**
 * The product's protocol (PROTOCOL 1): a hidden server parks tunnels with CONNECT, a client is
 * challenged, names the hidden server and is relayed to it. Start with {@link
 * io.rendezvous.protocol.connect.ConnectProtocol}.
 */
@NullMarked
package io.rendezvous.protocol.connect;

import org.jspecify.annotations.NullMarked;
