/** Parked tunnels by ID, the clients that wait for one, and how the two find each other. */
@NullMarked
package io.rendezvous.tunnel;

import org.jspecify.annotations.NullMarked;
