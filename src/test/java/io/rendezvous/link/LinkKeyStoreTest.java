package io.rendezvous.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.entry.RedisStore;
import io.rendezvous.link.LinkKey.Purpose;
import io.rendezvous.testing.HookedStore;
import io.rendezvous.testing.RedisServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The key is created once, by whoever needs it first. */
class LinkKeyStoreTest {
  private static final Link LINK = new Link(UUID.randomUUID(), 0, 1, "/");

  @TempDir private Path directory;

  private LinkKeyStore inFile() {
    return new LinkKeyStore(new HookedStore(), directory.resolve("data/link.key"));
  }

  private static void assertSame(LinkKey one, LinkKey other) {
    assertThat(other.open(Purpose.LINK, one.seal(Purpose.LINK, LINK))).contains(LINK);
  }

  @Test
  void keyIsKeptInAFileOfItsOwner() throws Exception {
    LinkKeyStore keys = inFile();
    assertThat(keys.known()).isEmpty();
    LinkKey key = keys.get();
    assertThat(keys.known()).contains(key);
    Path file = directory.resolve("data/link.key");
    assertThat(file).hasSize(32);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertSame(key, inFile().get());
  }

  @Test
  void keyThatTwoCreateAtOnceIsTheSame() throws Exception {
    for (int round = 0; round < 20; round++) {
      Path file = directory.resolve(round + "/link.key");
      List<LinkKey> keys = together(() -> new LinkKeyStore(new HookedStore(), file).get());
      keys.forEach(key -> assertSame(keys.get(0), key));
      try (var files = Files.list(file.getParent())) {
        assertThat(files).containsExactly(file);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 31, 33})
  void damagedFileIsNotReplaced(int size) throws Exception {
    Path file = directory.resolve("link.key");
    Files.write(file, new byte[size]);
    assertThatThrownBy(() -> new LinkKeyStore(new HookedStore(), file).get())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("damaged");
    assertThat(file).hasSize(size);
  }

  @Test
  void brokersOfOneRedisHaveOneKey() throws Exception {
    Path none = directory.resolve("none/link.key");
    try (RedisServer redis = new RedisServer();
        RedisStore one = new RedisStore("redis://127.0.0.1:" + redis.port());
        RedisStore other = new RedisStore("redis://127.0.0.1:" + redis.port())) {
      for (RedisStore store : List.of(one, other)) { // the first command connects, in two seconds
        Awaitility.await().ignoreExceptions().until(() -> store.list().isEmpty());
      }
      List<LinkKey> keys = together(() -> new LinkKeyStore(one, none).get());
      keys.forEach(key -> assertSame(keys.get(0), key));
      assertSame(keys.get(0), new LinkKeyStore(other, none).get());
      assertThat(one.list()).isEmpty();
    }
    assertThat(none.getParent()).doesNotExist();
  }

  private static List<LinkKey> together(Callable<LinkKey> task) throws Exception {
    int threads = 4;
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    CyclicBarrier start = new CyclicBarrier(threads);
    List<Future<LinkKey>> results = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      results.add(
          executor.submit(
              () -> {
                start.await();
                return task.call();
              }));
    }
    executor.shutdown();
    List<LinkKey> keys = new ArrayList<>();
    for (Future<LinkKey> result : results) {
      keys.add(result.get());
    }
    return keys;
  }
}
