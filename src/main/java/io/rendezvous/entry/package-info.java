/**
 * The entries of hidden servers: their stores, their tokens, the authentication of hidden servers,
 * and the provisioning files that they are given.
 */
@NullMarked
package io.rendezvous.entry;

import org.jspecify.annotations.NullMarked;
