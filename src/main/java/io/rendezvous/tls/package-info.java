/**
 * TLS on a connection: the conduit over a JSSE engine, and the ClientHello that is read before it.
 */
@NullMarked
package io.rendezvous.tls;

import org.jspecify.annotations.NullMarked;
