package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BackoffTest {
  /** Always returns the largest value. */
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

  /** Returns how many milliseconds after the return of its broker an agent tries again. */
  private static long arrival(RandomGenerator random, long away) {
    AtomicLong now = new AtomicLong();
    Backoff herds = new Backoff(random, () -> now.get() * 1_000_000);
    while (now.get() < away) {
      now.addAndGet(herds.next(false).toMillis());
    }
    return now.get() - away;
  }

  @ParameterizedTest
  @CsvSource({"1000, 4", "2000, 4", "5000, 4", "30000, 4", "120000, 30"})
  void thousandAgentsDoNotReturnInOneBurst(long away, int within) {
    RandomGenerator random = new Random(1);
    int[] perTenth = new int[within * 10 + 1];
    for (int agent = 0; agent < 1000; agent++) {
      perTenth[(int) (arrival(random, away) / 100)]++;
    }
    assertThat(Arrays.stream(perTenth).max().orElseThrow()).isLessThan(150);
  }
}
