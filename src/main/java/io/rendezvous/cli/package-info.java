/**
 * The command line: one class for each command. What a command prints, and its exit code (0 done, 1
 * failed, 2 wrong usage), is part of the product.
 */
@NullMarked
package io.rendezvous.cli;

import org.jspecify.annotations.NullMarked;
