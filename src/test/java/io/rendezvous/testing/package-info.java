/** What the tests share: a broker, peers that behave and peers that do not. */
@NullMarked
package io.rendezvous.testing;

import org.jspecify.annotations.NullMarked;
