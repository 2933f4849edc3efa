package io.rendezvous.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class EventLoopLagTest {
  @Test
  void threadThatHangsIsOverdueAndThenWasLate() throws Exception {
    CountDownLatch hang = new CountDownLatch(1);
    Set<Integer> measured = ConcurrentHashMap.newKeySet();
    Queue<Duration> delayed = new ConcurrentLinkedQueue<>();
    try (Network network = new Network("test-delays", 2)) {
      EventLoopLag delays =
          network.watchDelays(
              Duration.ofMillis(10),
              (thread, late) -> {
                measured.add(thread);
                delayed.add(late);
              });
      assertThat(delays.threads()).isEqualTo(2);
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
      Awaitility.await().until(() -> overdue(delays, 0, much) || overdue(delays, 1, much));
      hang.countDown();
      Awaitility.await().until(() -> delayed.stream().anyMatch(late -> late.compareTo(much) > 0));
    }
  }

  private static boolean overdue(EventLoopLag delays, int thread, Duration by) {
    return delays.overdue(thread).compareTo(by) > 0;
  }
}
