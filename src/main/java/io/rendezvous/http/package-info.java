/**
 * HTTP/1.1 on the wire: parsers of heads and bodies, the identity that a request names, challenges,
 * error responses, and the connection of a client until a relay takes it over.
 */
@NullMarked
package io.rendezvous.http;

import org.jspecify.annotations.NullMarked;
