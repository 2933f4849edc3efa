/**
 * Metrics, the activity of each hidden server, the access log and webhooks. All of them watch the
 * broker as listeners, with and without the admin page. {@link io.rendezvous.telemetry.Telemetry}
 * holds them.
 */
@NullMarked
package io.rendezvous.telemetry;

import org.jspecify.annotations.NullMarked;
