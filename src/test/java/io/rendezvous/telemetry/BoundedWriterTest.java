package io.rendezvous.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class BoundedWriterTest {
  private final List<String> read = new CopyOnWriteArrayList<>();

  @Test
  void whatWasTakenIsReadInOrderBeforeItEnds() {
    BoundedWriter<String> outbox = new BoundedWriter<>("test-outbox", 3, read::add);
    assertThat(outbox.offer("a")).isTrue();
    outbox.start();
    assertThat(outbox.offer("b")).isTrue();
    assertThat(outbox.offer("c")).isTrue();
    outbox.close();
    assertThat(read).containsExactly("a", "b", "c");
    assertThat(outbox.dropped()).isZero();
  }

  @Test
  void whatFindsNoPlaceIsDroppedAndCounted() throws Exception {
    CountDownLatch reading = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    BoundedWriter<String> outbox =
        new BoundedWriter<>(
            "test-outbox",
            1,
            text -> {
              reading.countDown();
              try {
                goOn.await();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              read.add(text);
            });
    outbox.start();
    outbox.offer("read");
    reading.await();
    assertThat(outbox.offer("waits")).isTrue();
    assertThat(outbox.offer("dropped")).isFalse();
    assertThat(outbox.dropped()).isEqualTo(1);
    goOn.countDown();
    outbox.close();
    assertThat(read).containsExactly("read", "waits");
  }
}
