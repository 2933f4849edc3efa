/**
 * What is read and said in HTTP: heads, identities, challenges, problems; and the way of a
 * connection into Undertow and out of it again.
 */
@NullMarked
package io.rendezvous.http;

import org.jspecify.annotations.NullMarked;
