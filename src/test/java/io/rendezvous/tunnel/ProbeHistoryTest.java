package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What is learnt from tests of whether a hidden server answers. */
class ProbeHistoryTest {
  private static final long MINUTE = Duration.ofMinutes(1).toNanos();

  private final ProbeHistory answering = new ProbeHistory();

  private void assertIsTested(boolean tested) {
    assertThat(answering.isDoubted()).isEqualTo(tested);
  }

  @Test
  void nothingIsExpectedOfAStrangerAndItIsTested() {
    assertThat(answering.isExpected()).isFalse();
    assertIsTested(true);
  }

  @Test
  void whoHasAnsweredIsExpectedTo() {
    answering.learn();
    assertThat(answering.isExpected()).isTrue();
    assertIsTested(false);
    answering.sweep(1000 * MINUTE);
    assertIsTested(false);
  }

  @Test
  void strangerThatFailsIsTestedAgainEverMoreSeldom() {
    long now = 0;
    for (int minutes : new int[] {10, 20, 40, 80, 160, 320, 640, 1280, 1280, 1280}) {
      answering.failed(now);
      assertThat(answering.isExpected()).isFalse();
      answering.sweep(now + minutes * MINUTE - 1);
      assertIsTested(false);
      now += minutes * MINUTE;
      answering.sweep(now);
      assertIsTested(true);
    }
    answering.learn();
    answering.failed(now);
    answering.failed(now);
    answering.sweep(now + 10 * MINUTE);
    assertIsTested(true);
  }

  @Test
  void whoHasAnsweredMayFailOnce() {
    answering.learn();
    answering.doubt();
    assertThat(answering.isExpected()).isTrue();
    answering.failed(0);
    assertThat(answering.isExpected()).isTrue();
    assertIsTested(true);
    answering.failed(0);
    assertThat(answering.isExpected()).isFalse();
    assertIsTested(false);
  }

  @Test
  void testsThatAreCutShortAreNotRepeatedForEver() {
    answering.cutShort(0);
    assertIsTested(true);
    answering.cutShort(0);
    assertIsTested(false);
    assertThat(answering.isExpected()).isFalse();
  }
}
