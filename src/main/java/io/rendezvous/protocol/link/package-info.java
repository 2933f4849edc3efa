/**
 * The broker's own pages under {@code /.well-known/rendezvous/}: links that lead a browser to a
 * hidden server, and the page that shows which one is chosen (protocol.md, 1.6).
 */
@NullMarked
package io.rendezvous.protocol.link;

import org.jspecify.annotations.NullMarked;
