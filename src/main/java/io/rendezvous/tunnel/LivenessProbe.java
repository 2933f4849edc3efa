package io.rendezvous.tunnel;

import java.io.IOException;
import java.time.Duration;

/**
 * Whether the hidden server at the other end of a parked tunnel lives (PROTOCOL 1.3). It is asked
 * by a KeyUpdate of TLS 1.3, of which its application notices nothing. The tunnel stays parked
 * meanwhile; {@link TunnelRegistry} hears the answer, or that there is none.
 *
 * <p>Lives on the tunnel's I/O thread.
 */
final class LivenessProbe {
  /** Most in a tunnel's life, since peers bound how many they take in a row: Go takes 16. */
  static final int MOST = 8;

  /** How long an answer is awaited, at most. */
  static final Duration TIME = Duration.ofSeconds(2);

  private final Tunnel tunnel;
  private final TunnelRegistry tunnels;
  private final boolean isTest;
  private final long askedAt = System.nanoTime();

  /**
   * Creates one that is not put yet.
   *
   * @param isTest whether it is known that the hidden server lives, but not that it answers
   */
  LivenessProbe(Tunnel tunnel, TunnelRegistry tunnels, boolean isTest) {
    this.tunnel = tunnel;
    this.tunnels = tunnels;
    this.isTest = isTest;
  }

  /** Returns whom it is put to. Any thread may ask. */
  Tunnel tunnel() {
    return tunnel;
  }

  /** Returns whether it is known that the hidden server lives. Any thread may ask. */
  boolean isTest() {
    return isTest;
  }

  /** Returns how long ago it was put. Any thread may ask. */
  Duration age() {
    return Duration.ofNanos(System.nanoTime() - askedAt);
  }

  /** Asks. Any thread may call. */
  void put() {
    tunnel.conn().execute(this::begin);
  }

  private void begin() {
    if (!tunnels.isOpen(this)) {
      return; // the tunnel ended before its turn came
    }
    tunnel.conn().after(tunnels.questionTime(), this::onLate);
    try {
      tunnel.conn().probe(this::onHeard);
    } catch (IOException e) {
      tunnel.onFailure(e);
    }
  }

  /** What was heard may have been the beginning of the end. */
  private void onHeard() {
    if (tunnels.isOpen(this)) {
      tunnel.onSign();
      tunnels.answered(this);
    }
  }

  /** If this thread is late itself, the answer may be there. */
  private void onLate() {
    if (tunnels.isOpen(this)) {
      tunnel.onSign();
      tunnel.conn().execute(() -> tunnels.unanswered(this)); // after the answer, if there is one
    }
  }
}
