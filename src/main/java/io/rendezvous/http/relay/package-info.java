/**
 * A relay that follows HTTP/1.1 head by head (RFC 9112). It lets its owner edit each head, and
 * moves bodies by their framing, with the same pumps as the relay of bytes.
 */
@NullMarked
package io.rendezvous.http.relay;

import org.jspecify.annotations.NullMarked;
