/** The bench: what the broker costs, beside nginx, in one run. Start it with scripts/bench. */
@NullMarked
package io.rendezvous.bench;

import org.jspecify.annotations.NullMarked;
