/**
 * Links and cookies that lead a browser to a hidden server (protocol.md, 1.6): what they contain,
 * and the key that seals them.
 */
@NullMarked
package io.rendezvous.link;

import org.jspecify.annotations.NullMarked;
