package io.rendezvous.tunnel;

import java.time.Duration;

/**
 * Whether a hidden server answers when it is asked to prove that it lives, as far as is known. Its
 * TLS may put the answer off until its application next writes (RFC 8446, 4.6.3), as that of
 * OpenSSL and Rustls does; some do not bear the question. Such are not asked, or they would be
 * taken for dead. A test tells: a question to one that surely lives.
 *
 * <p>Guarded by the lock of {@link TunnelRegistry}.
 */
final class ProbeHistory {
  /** Tests in a row without an answer that are needed to be sure. */
  private static final int MOST_TESTS = 2;

  /** How long it counts that there is no answer; twice as long each time. */
  private static final long TRY_AGAIN = Duration.ofMinutes(10).toNanos();

  private static final int MOST_DOUBLINGS = 7; // about a day

  private boolean answers;
  private boolean doubted = true;
  private byte inVain; // tests in a row
  private byte refusals; // in a row
  private long refusedAt;

  /** Returns whether it has to be asked before a tunnel is handed out. */
  boolean isExpected() {
    return answers;
  }

  /** Returns whether a test is due. */
  boolean isDoubted() {
    return doubted;
  }

  /** It has answered. */
  void learn() {
    answers = true;
    doubted = false;
    inVain = 0;
    refusals = 0;
  }

  /**
   * It lived, and did not answer a test, or ended of it. If it has answered before, once is none.
   */
  void failed(long now) {
    inVain++;
    if (!answers || inVain >= MOST_TESTS) {
      refuse(now);
    }
  }

  /** A client was given the tunnel within a test, which so tells nothing. */
  void cutShort(long now) {
    if (++inVain >= MOST_TESTS) {
      refuse(now);
    }
  }

  private void refuse(long now) {
    answers = false;
    doubted = false;
    inVain = 0;
    refusals = (byte) Math.min(refusals + 1, MOST_DOUBLINGS + 1);
    refusedAt = now;
  }

  /** It did not answer when it mattered: it may have died, or be another by now. */
  void doubt() {
    doubted = true;
  }

  /** To be called from time to time: that there is no answer is not taken for granted for ever. */
  void sweep(long now) {
    if (!answers && !doubted && now - refusedAt >= TRY_AGAIN << (refusals - 1)) {
      doubted = true;
    }
  }
}
