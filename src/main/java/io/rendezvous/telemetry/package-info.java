/**
 * What watches the broker: metrics, the activity of each hidden server, the access log and
 * webhooks. {@link io.rendezvous.telemetry.Telemetry} holds all of them. They work with and without
 * the admin page.
 */
@NullMarked
package io.rendezvous.telemetry;

import org.jspecify.annotations.NullMarked;
