package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** A key that fails too often is blocked, for longer each time. */
class FailureLimiterTest {
  private static final Duration WINDOW = Duration.ofSeconds(60);
  private static final Duration MIN_BLOCK = Duration.ofSeconds(10);
  private static final Duration MAX_BLOCK = Duration.ofSeconds(35);

  private final FailureLimiter<String> limiter =
      new FailureLimiter<>(3, WINDOW, MIN_BLOCK, MAX_BLOCK);
  private Instant now = Instant.parse("2026-01-31T12:00:00Z");

  private void pass(Duration time) {
    now = now.plus(time);
  }

  private void fail(int times) {
    for (int i = 0; i < times; i++) {
      limiter.failed("a", now);
    }
  }

  private void assertDelay(Duration delay) {
    assertThat(limiter.delay("a", now)).isEqualTo(delay);
  }

  /** Fails until there is a block, and waits for its end. */
  private void assertNextBlock(Duration block) {
    fail(3);
    assertDelay(block);
    pass(block);
    assertDelay(Duration.ZERO);
  }

  @Test
  void keyThatNeverFailedIsNotBlocked() {
    assertDelay(Duration.ZERO);
  }

  @Test
  void maximumOfFailuresBlocksAndOneLessDoesNot() {
    fail(2);
    assertDelay(Duration.ZERO);
    fail(1);
    assertDelay(MIN_BLOCK);
    assertThat(limiter.delay("b", now)).isZero();
  }

  @Test
  void newMaximumCountsEarlierFailures() {
    fail(2);
    limiter.setMaxFailures(5);
    fail(2);
    assertDelay(Duration.ZERO);
    fail(1);
    assertDelay(MIN_BLOCK);
  }

  @Test
  void blockEndsWhenItsTimeIsOver() {
    fail(3);
    pass(MIN_BLOCK.minusNanos(1));
    assertDelay(Duration.ofNanos(1));
    pass(Duration.ofNanos(1));
    assertDelay(Duration.ZERO);
  }

  @Test
  void eachBlockIsTwiceAsLongUpToTheMaximum() {
    for (int seconds : new int[] {10, 20, 35, 35}) {
      assertNextBlock(Duration.ofSeconds(seconds));
    }
  }

  @Test
  void failuresOfAnEarlierWindowDoNotCount() {
    fail(2);
    pass(WINDOW);
    fail(2);
    assertDelay(Duration.ZERO);
    fail(1);
    assertDelay(MIN_BLOCK);
  }

  @Test
  void windowBeginsWithTheFirstFailure() {
    fail(1);
    pass(WINDOW.minusNanos(1));
    fail(1);
    assertDelay(Duration.ZERO);
    fail(1);
    assertDelay(MIN_BLOCK);
  }

  @Test
  void failuresDuringABlockCountTowardsNoOther() {
    fail(3);
    fail(2);
    assertDelay(MIN_BLOCK);
    pass(MIN_BLOCK);
    fail(2);
    assertDelay(Duration.ZERO);
    fail(1);
    assertDelay(MIN_BLOCK.multipliedBy(2));
  }

  @Test
  void keyThatWasQuietForLongIsBlockedBrieflyAgain() {
    assertNextBlock(MIN_BLOCK);
    assertNextBlock(MIN_BLOCK.multipliedBy(2));
    pass(MAX_BLOCK);
    fail(3);
    assertDelay(MAX_BLOCK); // quiet, but not for longer than that
    pass(MAX_BLOCK);
    pass(MAX_BLOCK.plusNanos(1));
    assertNextBlock(MIN_BLOCK);
  }

  @Test
  void quietIsCountedFromTheEndOfTheWindow() {
    assertNextBlock(MIN_BLOCK);
    fail(1); // begins a window
    pass(WINDOW);
    pass(MAX_BLOCK);
    fail(3);
    assertDelay(MIN_BLOCK.multipliedBy(2));
  }

  @Test
  void leastRecentlyUsedKeysAreForgotten() {
    fail(3);
    for (int i = 0; i < 99_999; i++) {
      limiter.failed("other" + i, now);
    }
    assertDelay(MIN_BLOCK); // which is a use
    for (int i = 0; i < 99_999; i++) {
      limiter.failed("another" + i, now);
    }
    assertDelay(MIN_BLOCK);
    for (int i = 0; i < 100_000; i++) {
      limiter.failed("third" + i, now);
    }
    assertDelay(Duration.ZERO);
  }
}
