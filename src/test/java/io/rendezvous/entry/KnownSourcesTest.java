package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.Source;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The file of known sources: what survives, and how long it gets. */
class KnownSourcesTest {
  private static final UUID ID = UUID.fromString("2f402f80-da50-11e1-9b23-0123456789ab");

  @TempDir private Path directory;
  private Path file;
  private long now;

  @BeforeEach
  void name() {
    file = directory.resolve("data/known.sources");
  }

  private static Source source(int number) {
    return new Source("192.0.2." + number);
  }

  @Test
  void whatWasAddedIsReadAgain() throws Exception {
    KnownSources first = KnownSources.in(file, Runnable::run);
    first.add(ID, source(1));
    first.add(ID, source(2));
    first.add(ID, new Source("2001:db8:0:0:0:0:0:0/64"));
    KnownSources second = KnownSources.in(file, Runnable::run);
    assertThat(second.contains(ID, source(1))).isTrue();
    assertThat(second.contains(ID, source(2))).isTrue();
    assertThat(second.contains(ID, new Source("2001:db8:0:0:0:0:0:0/64"))).isTrue();
    assertThat(second.contains(ID, source(3))).isFalse();
    assertThat(second.contains(UUID.randomUUID(), source(1))).isFalse();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @Test
  void lineThatWasCutOffIsIgnored() throws Exception {
    KnownSources.in(file, Runnable::run).add(ID, source(1));
    Files.writeString(file, ID + " 192.0.2.1", StandardOpenOption.APPEND);
    Files.writeString(file, "2 .\nnonsense\n", StandardOpenOption.APPEND);
    Files.writeString(file, ID + " 192.0.2", StandardOpenOption.APPEND);
    KnownSources read = KnownSources.in(file, Runnable::run);
    read.add(ID, source(7));
    KnownSources again = KnownSources.in(file, Runnable::run);
    assertThat(again.contains(ID, source(1))).isTrue();
    assertThat(again.contains(ID, source(7))).isTrue();
    assertThat(again.contains(ID, new Source("192.0.2"))).isFalse();
    assertThat(Files.readString(file)).doesNotContain("nonsense");
  }

  @Test
  void fileStaysBounded() throws Exception {
    KnownSources sources = KnownSources.in(file, Runnable::run, 3, () -> now);
    for (int i = 0; i < 100; i++) {
      sources.add(ID, source(i));
      assertThat(Files.readAllLines(file)).hasSizeLessThanOrEqualTo(6);
    }
    KnownSources read = KnownSources.in(file, Runnable::run, 3, () -> now);
    assertThat(read.contains(ID, source(99))).isTrue();
    assertThat(read.contains(ID, source(97))).isTrue();
    assertThat(read.contains(ID, source(90))).isFalse();
  }

  @Test
  void sourceThatIsKnownIsNotWrittenAgain() throws Exception {
    KnownSources sources = KnownSources.in(file, Runnable::run);
    for (int i = 0; i < 10; i++) {
      sources.add(ID, source(1));
    }
    assertThat(Files.readAllLines(file)).hasSize(1);
  }

  @Test
  void fileThatIsNoTextIsReplaced() throws Exception {
    Files.createDirectories(directory.resolve("data"));
    Files.write(file, new byte[] {(byte) 0xff, (byte) 0xfe, 0});
    KnownSources.in(file, Runnable::run).add(ID, source(1));
    assertThat(Files.readString(file, StandardCharsets.UTF_8)).contains("192.0.2.1");
  }

  @Test
  void lineWithoutItsEndIsNotContinued() throws Exception {
    KnownSources.in(file, Runnable::run).add(ID, source(1));
    Files.writeString(file, Files.readString(file).stripTrailing());
    KnownSources.in(file, Runnable::run).add(ID, source(2));
    KnownSources read = KnownSources.in(file, Runnable::run);
    assertThat(read.contains(ID, source(1))).isTrue();
    assertThat(read.contains(ID, source(2))).isTrue();
  }

  @Test
  void diskThatHangsHoldsUpOneTaskAndNobodyElse() throws Exception {
    List<Runnable> tasks = new ArrayList<>();
    KnownSources sources = KnownSources.in(file, tasks::add);
    for (int i = 0; i < 10; i++) {
      sources.add(ID, source(i));
    }
    assertThat(file).doesNotExist();
    assertThat(tasks).hasSize(1);
    tasks.remove(0).run();
    assertThat(Files.readAllLines(file)).hasSize(10);
    sources.add(ID, source(10));
    assertThat(tasks).hasSize(1);
  }

  @Test
  void fileThatCannotBeWrittenIsTriedOnceAMinute() throws Exception {
    Files.writeString(directory.resolve("data"), "a file in the way");
    AtomicInteger tasks = new AtomicInteger();
    Executor writer =
        task -> {
          tasks.incrementAndGet();
          task.run();
        };
    KnownSources sources = KnownSources.in(file, writer, 1000, () -> now);
    for (int i = 0; i < 200; i++) {
      sources.add(ID, source(i));
    }
    assertThat(tasks).hasValue(1);
    Files.delete(directory.resolve("data"));
    now += TimeUnit.MINUTES.toNanos(1);
    sources.add(ID, source(200));
    assertThat(Files.readAllLines(file)).hasSize(201);
    sources.add(ID, source(201));
    assertThat(Files.readAllLines(file)).hasSize(202);
  }
}
