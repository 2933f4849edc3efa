/**
 * The conformance checks behind {@code agent check}: what a broker has to do for a hidden server,
 * and what a hidden server has to do for clients.
 */
@NullMarked
package io.rendezvous.agent.check;

import org.jspecify.annotations.NullMarked;
