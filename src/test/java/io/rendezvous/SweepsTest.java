package io.rendezvous;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.NothingUncaught;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The sweeps of a broker do not hold up each other. */
class SweepsTest {
  @Test
  void sweepThatFailsHoldsUpNeitherTheOthersNorItsNextRun() throws Exception {
    CountDownLatch failures = new CountDownLatch(2);
    CountDownLatch others = new CountDownLatch(2);
    List<Sweeps.Sweep> all =
        List.of(
            new Sweeps.Sweep(
                "failing",
                now -> {
                  failures.countDown();
                  throw new IllegalStateException(NothingUncaught.EXPECTED);
                }),
            new Sweeps.Sweep("going on", now -> others.countDown()));
    try (Sweeps sweeps = new Sweeps(all, System::nanoTime)) {
      sweeps.start(Duration.ofHours(1), Duration.ofMillis(1));
      assertThat(failures.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(others.await(60, TimeUnit.SECONDS)).isTrue();
    }
  }
}
