package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
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

  @Test
  void boundDoublesUpToHalfAMinuteAndBeginsAnew() {
    Backoff backoff = new Backoff(LONGEST);
    for (double seconds : new double[] {0.5, 1, 2, 4, 8, 16, 30, 30, 30}) {
      assertThat(backoff.next()).isEqualTo(Duration.ofMillis((long) (seconds * 1000)));
    }
    backoff.reset();
    assertThat(backoff.next()).isEqualTo(Duration.ofMillis(500));
  }
}
