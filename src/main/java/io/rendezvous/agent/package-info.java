/** The hidden server's side: keeps tunnels parked at a broker, and joins each to a local server. */
@NullMarked
package io.rendezvous.agent;

import org.jspecify.annotations.NullMarked;
