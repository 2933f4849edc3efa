/**
 * The admin listener: a page for people, a REST API for the page, the commands and other programs,
 * metrics for Prometheus, and health checks.
 *
 * <p>Requests are read on I/O threads and answered on worker threads, because most of them use the
 * store, which may block. A thread named {@code admin-tick} keeps the activity up to date, sends
 * events to open pages and saves the activity.
 */
@NullMarked
package io.rendezvous.admin;

import org.jspecify.annotations.NullMarked;
