package io.rendezvous.tunnel;

import java.time.Duration;

/**
 * A question to the hidden server of a parked tunnel: is it still alive? It is asked by a KeyUpdate
 * of TLS 1.3 (RFC 8446, 4.6.3), which its application does not see. The tunnel stays parked in the
 * meantime. {@link TunnelRegistry} is told the outcome.
 *
 * <p>Lives on the tunnel's I/O thread.
 */
final class LivenessProbe {
  /** Most probes in a tunnel's life. Peers bound how many they accept in a row: Go accepts 16. */
  static final int MAX_PER_TUNNEL = 8;

  /** The longest that an answer is awaited. */
  static final Duration MAX_TIME = Duration.ofSeconds(2);

  private final Tunnel tunnel;
  private final TunnelRegistry registry;
  private final boolean isTest;
  private final long askedAt;

  /**
   * Creates a probe that is not sent yet.
   *
   * @param isTest whether the hidden server is known to be alive, and the probe is to tell whether
   *     it answers probes at all
   * @param now in nanoseconds
   */
  LivenessProbe(Tunnel tunnel, TunnelRegistry registry, boolean isTest, long now) {
    this.tunnel = tunnel;
    this.registry = registry;
    this.isTest = isTest;
    this.askedAt = now;
  }

  /** Returns the tunnel that is asked. Any thread may call. */
  Tunnel tunnel() {
    return tunnel;
  }

  /** Returns whether the hidden server is known to be alive. Any thread may call. */
  boolean isTest() {
    return isTest;
  }

  /** Returns how long ago the probe was made. Any thread may call. */
  Duration age(long now) {
    return Duration.ofNanos(now - askedAt);
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

  /** Handles a record from the peer. It may be a close_notify, so that is looked for first. */
  private void onHeard() {
    if (registry.isOpen(this)) {
      tunnel.connection().look();
      registry.answered(this);
    }
  }

  /** Handles the end of the time. An answer may have arrived while this thread was late itself. */
  private void onLate() {
    if (registry.isOpen(this)) {
      tunnel.connection().look();
      tunnel.connection().execute(() -> registry.unanswered(this)); // after an answer, if any
    }
  }
}
