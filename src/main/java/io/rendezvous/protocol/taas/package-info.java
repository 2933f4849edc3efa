/**
 * TAAS (protocol.md, 3). A hidden server asks for a port over HTTPS and parks a connection there. A
 * client is redirected to a port of its own, from where its TLS goes through to the hidden server.
 * Start with {@link io.rendezvous.protocol.taas.Taas}.
 */
@NullMarked
package io.rendezvous.protocol.taas;

import org.jspecify.annotations.NullMarked;
