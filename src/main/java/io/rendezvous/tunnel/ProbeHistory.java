package io.rendezvous.tunnel;

import java.time.Duration;

/**
 * The record of how one hidden server answers liveness probes. Its TLS may delay the answer until
 * its application next writes (RFC 8446, 4.6.3), as OpenSSL and Rustls do, and some implementations
 * fail on a probe. A server of this kind is not probed, because it would be taken for dead. A test
 * tells: a probe of a server that is certainly alive.
 *
 * <p>Guarded by the lock of the server's {@link TunnelPool}.
 */
final class ProbeHistory {
  /** Failed tests in a row after which a server that has answered before is not probed. */
  private static final int MAX_FAILED_TESTS = 2;

  /** How long a server that did not answer is left alone. Each further time is twice as long. */
  private static final long RETRY_AFTER = Duration.ofMinutes(10).toNanos();

  private static final int MAX_DOUBLINGS = 7; // about a day

  private boolean answers;
  private boolean testDue = true;
  private byte failedTests; // in a row
  private byte refusals; // in a row
  private long refusedAt;

  /** Returns whether the server has to answer a probe before one of its tunnels is handed out. */
  boolean isExpectedToAnswer() {
    return answers;
  }

  /** Returns whether the server should be tested. */
  boolean isTestDue() {
    return testDue;
  }

  /** Records an answer. */
  void answered() {
    answers = true;
    testDue = false;
    failedTests = 0;
    refusals = 0;
  }

  /**
   * Records a failed test: the server was alive but did not answer, or its tunnel ended. One
   * failure is forgiven if it has ever answered.
   */
  void testFailed(long now) {
    failedTests++;
    if (!answers || failedTests >= MAX_FAILED_TESTS) {
      refuse(now);
    }
  }

  /** Records a test without a result, because a client took the tunnel meanwhile. */
  void testCutShort(long now) {
    if (++failedTests >= MAX_FAILED_TESTS) {
      refuse(now);
    }
  }

  private void refuse(long now) {
    answers = false;
    testDue = false;
    failedTests = 0;
    refusals = (byte) Math.min(refusals + 1, MAX_DOUBLINGS + 1);
    refusedAt = now;
  }

  /**
   * Records that a probe on behalf of a client failed. The server may have died, or may be another
   * program by now, so it is tested again.
   */
  void probeFailed() {
    testDue = true;
  }

  /**
   * Makes a server that did not answer eligible for a new test after a while: 10 minutes at first,
   * doubling to about a day. To be called periodically.
   */
  void sweep(long now) {
    if (!answers && !testDue && now - refusedAt >= RETRY_AFTER << (refusals - 1)) {
      testDue = true;
    }
  }
}
