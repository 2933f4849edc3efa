/**
 * What the protocols have in common: how a connection is matched with a protocol, how a token is
 * checked, how a client and a tunnel are paired, and how ports are leased.
 */
@NullMarked
package io.rendezvous.protocol;

import org.jspecify.annotations.NullMarked;
