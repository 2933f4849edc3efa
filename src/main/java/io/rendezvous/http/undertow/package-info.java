/**
 * Adapters between the project's connections and Undertow. Undertow serves the admin page and, in
 * the agent, requests that come through tunnels; it does so on connections that it has not opened.
 */
@NullMarked
package io.rendezvous.http.undertow;

import org.jspecify.annotations.NullMarked;
