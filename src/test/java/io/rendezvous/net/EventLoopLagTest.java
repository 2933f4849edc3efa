package io.rendezvous.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.NothingUncaught;
import java.time.Duration;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** The lag of I/O threads, while they are blocked and afterwards. */
class EventLoopLagTest {
  @Test
  void blockedThreadIsOverdueAndLateAfterwards() throws Exception {
    CountDownLatch hang = new CountDownLatch(1);
    Set<Integer> measured = ConcurrentHashMap.newKeySet();
    Queue<Duration> delays = new ConcurrentLinkedQueue<>();
    try (Network network = new Network("test-lag", 2)) {
      EventLoopLag lag =
          network.measureLag(
              Duration.ofMillis(10),
              (thread, late) -> {
                measured.add(thread);
                delays.add(late);
              });
      assertThat(lag.threads()).isEqualTo(2);
      Awaitility.await().until(() -> measured.size() == 2);
      network.after(
          Duration.ZERO,
          () -> {
            try {
              hang.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          });
      Duration much = Duration.ofMillis(300);
      Awaitility.await().until(() -> overdue(lag, 0, much) || overdue(lag, 1, much));
      hang.countDown();
      Awaitility.await().until(() -> delays.stream().anyMatch(late -> late.compareTo(much) > 0));
    }
  }

  @Test
  void listenerThatFailsEndsNoMeasurement() throws Exception {
    CountDownLatch measured = new CountDownLatch(3);
    try (Network network = new Network("test-lag", 1)) {
      network.measureLag(
          Duration.ofMillis(1),
          (thread, late) -> {
            measured.countDown();
            throw new IllegalStateException(NothingUncaught.EXPECTED);
          });
      assertThat(measured.await(60, TimeUnit.SECONDS)).isTrue();
    }
  }

  private static boolean overdue(EventLoopLag lag, int thread, Duration by) {
    return lag.overdue(thread).compareTo(by) > 0;
  }
}
