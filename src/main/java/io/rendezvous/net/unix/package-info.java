/** Connections over Unix-domain sockets, which XNIO does not offer. */
@NullMarked
package io.rendezvous.net.unix;

import org.jspecify.annotations.NullMarked;
