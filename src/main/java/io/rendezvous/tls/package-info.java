/**
 * TLS on a connection: {@link io.rendezvous.tls.Tls} makes the layers that listeners and dialers
 * use, {@link io.rendezvous.tls.TlsConduit} carries the bytes by an engine of JSSE, and {@link
 * io.rendezvous.tls.ClientHello} is read before TLS starts.
 */
@NullMarked
package io.rendezvous.tls;

import org.jspecify.annotations.NullMarked;
