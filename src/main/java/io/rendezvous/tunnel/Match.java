package io.rendezvous.tunnel;

/** The outcome of a client's request for a tunnel. */
public sealed interface Match {
  /** A tunnel was taken, and is the client's alone. */
  record Taken(Tunnel tunnel) implements Match {}

  /**
   * No parked tunnel is certain to be alive, but one may become available at any moment. The
   * client's {@link Waiter} is called then.
   *
   * @param soon whether a tunnel is parked and is being probed
   */
  record Waiting(boolean soon) implements Match {}

  /** No tunnel is available, and too many clients wait already. */
  record Crowded() implements Match {}

  /** The ID is not connected. */
  record Absent() implements Match {}

  /** The broker is shutting down. */
  record Draining() implements Match {}
}
