/**
 * The latest requests that an agent has passed on to local HTTP servers, for its status page: what
 * is shown of them, and how one is sent again.
 */
@NullMarked
package io.rendezvous.agent.requests;

import org.jspecify.annotations.NullMarked;
