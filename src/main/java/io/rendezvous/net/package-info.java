/**
 * Connections, what listens for them and dials them, and the relay between two. It is built on XNIO
 * and on nothing else of this program; {@link io.rendezvous.net.Conn} is the class to read first.
 *
 * <p>One rule holds for all of it: a connection is read, written, suspended, resumed and closed on
 * its own I/O thread. Using it from a second thread corrupts its stream.
 */
@NullMarked
package io.rendezvous.net;

import org.jspecify.annotations.NullMarked;
