/** What the broker knows of hidden servers, where it keeps it, and who may park a tunnel. */
@NullMarked
package io.rendezvous.entry;

import org.jspecify.annotations.NullMarked;
