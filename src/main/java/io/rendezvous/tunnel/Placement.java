package io.rendezvous.tunnel;

import org.jspecify.annotations.Nullable;

/** Where a tunnel went that was to be parked in a {@link TunnelPool}. */
sealed interface Placement {
  /** The tunnel is to be dismissed. */
  record Refused(Tunnel.End why) implements Placement {}

  /** The tunnel is to be given to a client that was waiting. */
  record Given(Waiter waiter) implements Placement {}

  /**
   * The tunnel is parked.
   *
   * @param replaced the tunnel that made room for it, to be dismissed
   * @param test a probe to be sent
   */
  record Parked(@Nullable Tunnel replaced, @Nullable LivenessProbe test) implements Placement {}

  /** The pool was closed, so the tunnel has to go to another. */
  record Closed() implements Placement {}
}
