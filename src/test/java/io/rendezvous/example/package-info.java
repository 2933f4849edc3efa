/** Programs to begin with. */
@NullMarked
package io.rendezvous.example;

import org.jspecify.annotations.NullMarked;
