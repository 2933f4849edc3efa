/**
 * Everything that watches the broker: metrics, the activity of each hidden server, the access log
 * and webhooks. It works with and without the admin page.
 */
@NullMarked
package io.rendezvous.telemetry;

import org.jspecify.annotations.NullMarked;
