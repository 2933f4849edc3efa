/**
 * Connections, TLS and the relay. XNIO is known here, and in {@code http} where Undertow hands a
 * connection over; nowhere else.
 *
 * <p>The rule of every class here: a connection is read, written, suspended, resumed and closed on
 * its own I/O thread and on no other. Touching it from a second thread corrupts its stream.
 */
@NullMarked
package io.rendezvous.net;

import org.jspecify.annotations.NullMarked;
