/** Example programs that use the library. */
@NullMarked
package io.rendezvous.example;

import org.jspecify.annotations.NullMarked;
