/**
 * The reverse proxy of the agent's HTTP mode: what it changes in the heads of requests and answers,
 * and what it answers itself.
 */
@NullMarked
package io.rendezvous.http.proxy;

import org.jspecify.annotations.NullMarked;
