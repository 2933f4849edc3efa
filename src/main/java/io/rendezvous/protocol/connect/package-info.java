/**
 * The main protocol (protocol.md, 1). A hidden server parks tunnels with CONNECT. A client is
 * challenged, names the hidden server, and is relayed to it. Start with {@link
 * io.rendezvous.protocol.connect.ConnectProtocol}.
 */
@NullMarked
package io.rendezvous.protocol.connect;

import org.jspecify.annotations.NullMarked;
