/** The commands, one class each. What they print and how they end is part of the product. */
@NullMarked
package io.rendezvous.cli;

import org.jspecify.annotations.NullMarked;
