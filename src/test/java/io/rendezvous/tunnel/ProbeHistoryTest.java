package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A hidden server is tested again, or not, depending on what its tests told. */
class ProbeHistoryTest {
  private static final long MINUTE = Duration.ofMinutes(1).toNanos();

  private final ProbeHistory history = new ProbeHistory();

  private void assertIsTested(boolean tested) {
    assertThat(history.isTestDue()).isEqualTo(tested);
  }

  @Test
  void strangerIsTestedAndNotExpectedToAnswer() {
    assertThat(history.isExpectedToAnswer()).isFalse();
    assertIsTested(true);
  }

  @Test
  void serverThatHasAnsweredIsExpectedToAnswer() {
    history.answered();
    assertThat(history.isExpectedToAnswer()).isTrue();
    assertIsTested(false);
    history.sweep(1000 * MINUTE);
    assertIsTested(false);
  }

  @Test
  void strangerThatFailsIsTestedAgainEverMoreRarely() {
    long now = 0;
    for (int minutes : new int[] {10, 20, 40, 80, 160, 320, 640, 1280, 1280, 1280}) {
      history.testFailed(now);
      assertThat(history.isExpectedToAnswer()).isFalse();
      history.sweep(now + minutes * MINUTE - 1);
      assertIsTested(false);
      now += minutes * MINUTE;
      history.sweep(now);
      assertIsTested(true);
    }
    history.answered();
    history.testFailed(now);
    history.testFailed(now);
    history.sweep(now + 10 * MINUTE);
    assertIsTested(true);
  }

  @Test
  void serverThatHasAnsweredMayFailOnce() {
    history.answered();
    history.probeFailed();
    assertThat(history.isExpectedToAnswer()).isTrue();
    history.testFailed(0);
    assertThat(history.isExpectedToAnswer()).isTrue();
    assertIsTested(true);
    history.testFailed(0);
    assertThat(history.isExpectedToAnswer()).isFalse();
    assertIsTested(false);
  }

  @Test
  void testsThatAreCutShortAreNotRepeatedEndlessly() {
    history.testCutShort(0);
    assertIsTested(true);
    history.testCutShort(0);
    assertIsTested(false);
    assertThat(history.isExpectedToAnswer()).isFalse();
  }
}
