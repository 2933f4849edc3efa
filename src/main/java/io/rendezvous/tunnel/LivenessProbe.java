package io.rendezvous.tunnel;

import java.time.Duration;

/**
 * A check of whether the hidden server of a parked tunnel is still alive. It is a KeyUpdate of TLS
 * 1.3 that requests an update (RFC 8446, 4.6.3), which the server's application does not see. The
 * tunnel stays parked meanwhile. The outcome goes to the {@link TunnelRegistry}.
 *
 * <p>Lives on the tunnel's I/O thread.
 */
final class LivenessProbe {
  /**
   * Maximum probes in a tunnel's life. Peers bound how many they accept in a row: Go accepts 16.
   */
  static final int MAX_PER_TUNNEL = 8;

  /** Maximum time in which an answer is awaited. */
  static final Duration MAX_TIME = Duration.ofSeconds(2);

  private final Tunnel tunnel;
  private final TunnelRegistry registry;
  private final boolean isTest;
  private final long createdAt;

  /**
   * Creates a probe that is not sent yet.
   *
   * @param isTest whether the hidden server is known to be alive, so that the probe tells whether
   *     it answers probes at all
   * @param now in nanoseconds
   */
  LivenessProbe(Tunnel tunnel, TunnelRegistry registry, boolean isTest, long now) {
    this.tunnel = tunnel;
    this.registry = registry;
    this.isTest = isTest;
    this.createdAt = now;
  }

  /** Returns the tunnel that is probed. Any thread may call. */
  Tunnel tunnel() {
    return tunnel;
  }

  /** Returns whether the hidden server is known to be alive. Any thread may call. */
  boolean isTest() {
    return isTest;
  }

  /** Returns how long ago the probe was created. Any thread may call. */
  Duration age(long now) {
    return Duration.ofNanos(now - createdAt);
  }

  /** Sends the probe. Any thread may call. */
  void send() {
    tunnel.connection().execute(this::begin);
  }

  private void begin() {
    if (registry.isOpen(this)) { // else the tunnel ended or was taken before this ran
      tunnel.connection().after(registry.probeTime(), this::onLate);
      tunnel.connection().probe(this::onHeard);
    }
  }

  /** Handles a record from the peer. It may be a close_notify, so the end is looked for first. */
  private void onHeard() {
    if (registry.isOpen(this)) {
      tunnel.connection().look();
      registry.answered(this);
    }
  }

  /** Handles that time is up. An answer may wait in the socket if this thread is late itself. */
  private void onLate() {
    if (registry.isOpen(this)) {
      tunnel.connection().look();
      tunnel.connection().execute(() -> registry.unanswered(this)); // after an answer, if any
    }
  }
}
