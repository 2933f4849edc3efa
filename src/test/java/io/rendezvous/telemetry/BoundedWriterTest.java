package io.rendezvous.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class BoundedWriterTest {
  private final List<String> read = new CopyOnWriteArrayList<>();

  @Test
  void elementsAreReadInOrderBeforeItCloses() {
    BoundedWriter<String> writer = new BoundedWriter<>("test-writer", 3, read::add);
    assertThat(writer.offer("a")).isTrue();
    writer.start();
    assertThat(writer.offer("b")).isTrue();
    assertThat(writer.offer("c")).isTrue();
    writer.close();
    assertThat(read).containsExactly("a", "b", "c");
    assertThat(writer.dropped()).isZero();
  }

  @Test
  void elementsThatFindItFullAreDroppedAndCounted() throws Exception {
    CountDownLatch reading = new CountDownLatch(1);
    CountDownLatch resume = new CountDownLatch(1);
    BoundedWriter<String> writer =
        new BoundedWriter<>(
            "test-writer",
            1,
            text -> {
              reading.countDown();
              try {
                resume.await();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              read.add(text);
            });
    writer.start();
    writer.offer("read");
    reading.await();
    assertThat(writer.offer("waits")).isTrue();
    assertThat(writer.offer("dropped")).isFalse();
    assertThat(writer.dropped()).isEqualTo(1);
    resume.countDown();
    writer.close();
    assertThat(read).containsExactly("read", "waits");
  }
}
