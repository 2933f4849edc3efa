/**
 * Adapters between our connections and Undertow, which serves the admin page, the registrar and
 * in-process handlers.
 */
@NullMarked
package io.rendezvous.http.undertow;

import org.jspecify.annotations.NullMarked;
