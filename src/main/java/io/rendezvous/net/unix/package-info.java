/**
 * Connections over Unix-domain sockets, which XNIO does not offer: {@link
 * io.rendezvous.net.unix.UnixDialer} opens them, and they are used like any other {@link
 * io.rendezvous.net.Conn}.
 */
@NullMarked
package io.rendezvous.net.unix;

import org.jspecify.annotations.NullMarked;
