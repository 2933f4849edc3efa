/**
 * TAAS (PROTOCOL 3): a hidden server asks for a port by HTTPS and parks a connection there; a
 * client is redirected to a port of its own, where its TLS goes through to the hidden server. Start
 * with {@link io.rendezvous.protocol.taas.Taas}.
 */
@NullMarked
package io.rendezvous.protocol.taas;

import org.jspecify.annotations.NullMarked;
