package io.rendezvous.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.NothingUncaught;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Tasks that recur go on after a failure, until they are closed. */
class RecurringTest {
  private static final Duration FIRST = Duration.ofSeconds(1);
  private static final Duration INTERVAL = Duration.ofSeconds(3);

  private final List<Duration> delays = new ArrayList<>();
  private final Queue<Runnable> scheduled = new ArrayDeque<>();
  private final AtomicInteger runs = new AtomicInteger();

  private Recurring start(Runnable task) {
    return new Recurring(
        (delay, run) -> {
          delays.add(delay);
          scheduled.add(run);
        },
        FIRST,
        INTERVAL,
        "a test",
        () -> {
          runs.incrementAndGet();
          task.run();
        });
  }

  private void pass() {
    scheduled.remove().run();
  }

  @Test
  void runsAgainAnIntervalAfterEachRun() {
    start(() -> {});
    assertThat(runs).hasValue(0);
    pass();
    pass();
    assertThat(runs).hasValue(2);
    assertThat(delays).containsExactly(FIRST, INTERVAL, INTERVAL);
  }

  @Test
  void runsAgainAfterAnException() {
    start(
        () -> {
          throw new IllegalStateException(NothingUncaught.EXPECTED);
        });
    pass();
    pass();
    assertThat(runs).hasValue(2);
    assertThat(scheduled).hasSize(1);
  }

  @Test
  void runsAgainAfterAnError() {
    start(
        () -> {
          throw new AssertionError(NothingUncaught.EXPECTED);
        });
    pass();
    pass();
    assertThat(runs).hasValue(2);
  }

  @Test
  void runsNoMoreOnceItIsClosed() {
    start(() -> {}).close();
    pass();
    assertThat(runs).hasValue(0);
    assertThat(scheduled).isEmpty();
  }

  @Test
  void runsNoMoreIfItClosesItself() {
    CompletableFuture<Recurring> self = new CompletableFuture<>();
    self.complete(start(() -> self.join().close()));
    pass();
    assertThat(runs).hasValue(1);
    assertThat(scheduled).isEmpty();
  }

  @Test
  void tasksOfAThreadGoOnAfterAFailureOfOne() throws Exception {
    CountDownLatch others = new CountDownLatch(3);
    CountDownLatch failures = new CountDownLatch(3);
    try (DutyThread thread = new DutyThread("test-duties")) {
      thread.every(
          Duration.ofMillis(1),
          "failing",
          () -> {
            failures.countDown();
            throw new IllegalStateException(NothingUncaught.EXPECTED);
          });
      thread.every(Duration.ofMillis(1), "going on", others::countDown);
      assertThat(failures.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(others.await(60, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void networkRunsTasksOnItsThreads() throws Exception {
    CountDownLatch onIo = new CountDownLatch(2);
    CountDownLatch onWorkers = new CountDownLatch(2);
    try (Network network = new Network("test-recurring", 1)) {
      network.every(Duration.ofMillis(1), "counting", onIo::countDown);
      network.everyOnWorker(Duration.ofMillis(1), "counting", onWorkers::countDown);
      assertThat(onIo.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(onWorkers.await(60, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void threadEndsWithTheRunThatIsUnderWay() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch mayEnd = new CountDownLatch(1);
    AtomicBoolean running = new AtomicBoolean();
    DutyThread thread = new DutyThread("test-duties");
    thread.nowAndEvery(
        Duration.ofMillis(1),
        "waiting",
        () -> {
          running.set(true);
          begun.countDown();
          try {
            mayEnd.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e); // a failure of the test
          }
          running.set(false);
        });
    begun.await();
    CompletableFuture<Boolean> ended = CompletableFuture.supplyAsync(thread::end);
    mayEnd.countDown();
    assertThat(ended.get(60, TimeUnit.SECONDS)).isTrue();
    assertThat(running).isFalse();
  }
}
