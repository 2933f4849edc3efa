/**
 * Certificates and private keys: the broker's own pair and certificate authority, PEM files, and
 * the certificates that a client trusts.
 */
@NullMarked
package io.rendezvous.tls.keys;

import org.jspecify.annotations.NullMarked;
