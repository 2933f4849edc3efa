package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class BackoffTest {
  /** Always chooses the longest. */
  private static final RandomGenerator LONGEST =
      new RandomGenerator() {
        @Override
        public long nextLong() {
          return 0;
        }

        @Override
        public long nextLong(long bound) {
          return bound - 1;
        }
      };

  private final AtomicLong timer = new AtomicLong();
  private final Backoff backoff = new Backoff(LONGEST, timer::get);

  private void assertNext(boolean refused, double seconds) {
    assertThat(backoff.next(refused)).isEqualTo(Duration.ofMillis((long) (seconds * 1000)));
  }

  @Test
  void boundDoublesUpToHalfAMinuteAndBeginsAnew() {
    for (double seconds : new double[] {0.5, 1, 2, 4, 8, 16, 30, 30, 30}) {
      assertNext(true, seconds);
    }
    backoff.reset();
    assertNext(true, 0.5);
  }

  @Test
  void brokerThatCannotBeReachedIsTriedOftenForAMinute() {
    for (double seconds : new double[] {0.5, 1, 2, 4, 4, 4, 4}) {
      assertNext(false, seconds);
    }
    timer.addAndGet(Duration.ofSeconds(61).toNanos());
    assertNext(false, 30);
    backoff.reset();
    assertNext(false, 0.5);
  }
}
