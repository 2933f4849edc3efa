package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.testing.Keys;
import io.rendezvous.testing.RedisServer;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Entries in a Redis that these tests start. */
class RedisStoreTest extends EntryStoreContract {
  private static final String PASSWORD = "a@b:c/d e%+";
  private static RedisServer redis;
  private static int database;

  @BeforeAll
  static void start() throws Exception {
    redis = new RedisServer("--requirepass", PASSWORD, "--databases", "100");
  }

  @AfterAll
  static void stop() throws Exception {
    redis.close();
  }

  /** Each test has a database of its own. */
  @BeforeEach
  @Override
  void openOne() throws Exception {
    database++;
    super.openOne();
  }

  @Override
  EntryStore open() {
    return new RedisStore(location());
  }

  private static String location() {
    return "redis://:a%40b%3Ac%2Fd%20e%25+@127.0.0.1:" + redis.port() + "/" + database;
  }

  @Override
  void put(String key, String value) throws Exception {
    cli("SET", key, value);
  }

  private static void cli(String... command) throws Exception {
    Process cli =
        new ProcessBuilder(
                "redis-cli", "-p", Integer.toString(redis.port()), "-n", Integer.toString(database))
            .redirectErrorStream(true)
            .redirectInput(ProcessBuilder.Redirect.PIPE)
            .start();
    try (Writer in = cli.outputWriter()) {
      in.write("AUTH \"" + PASSWORD + "\"\n");
      for (String word : command) {
        String escaped = word.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
        in.write("\"" + escaped + "\" ");
      }
      in.write("\n");
    }
    assertThat(cli.waitFor()).isZero();
    assertThat(new String(cli.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .doesNotContain("ERR");
  }

  @Test
  void keyThatHoldsNoStringIsNoEntry() throws Exception {
    UUID id = UUID.randomUUID();
    cli("RPUSH", id.toString(), "x");
    try (EntryStore store = open()) {
      assertThat(store.find(id)).isEmpty();
      assertThat(store.list()).isEmpty();
      store.create(Entry.create(UUID.randomUUID(), List.of("x"), 8, Instant.now(), List.of()));
    }
  }

  @Test
  void keyThatIsMerelyMissingWasNotDeleted() throws Exception {
    Entry entry = Entry.create(UUID.randomUUID(), List.of(), 8, Instant.now(), List.of());
    Queue<UUID> deleted = new ConcurrentLinkedQueue<>();
    try (EntryStore store = open()) {
      store.create(entry);
      store.onRevoked(deleted::add);
      Awaitility.await().pollDelay(Duration.ofMillis(500)).until(() -> true);
      cli("DEL", entry.id().toString());
      assertThat(store.find(entry.id())).isEmpty();
      Awaitility.await().pollDelay(Duration.ofMillis(2500)).until(() -> true);
      assertThat(deleted).isEmpty();
    }
  }

  @Test
  void tlsIsSpokenWhereTheLocationSaysSo() throws Exception {
    String keys = Keys.directory().toString();
    System.setProperty("javax.net.ssl.trustStore", Keys.trustStore("changeit").toString());
    System.setProperty("javax.net.ssl.trustStorePassword", "changeit");
    try (RedisServer server =
            new RedisServer(
                "--tls-cert-file", keys + "/registrar.crt",
                "--tls-key-file", keys + "/registrar.key");
        EntryStore store = new RedisStore("rediss://localhost:" + server.port())) {
      Entry entry = Entry.create(UUID.randomUUID(), List.of(), 8, Instant.now(), List.of());
      store.create(entry);
      assertThat(store.find(entry.id())).isPresent();
    } finally {
      System.clearProperty("javax.net.ssl.trustStore");
      System.clearProperty("javax.net.ssl.trustStorePassword");
    }
  }

  @Test
  void redisThatIsAwayOrHangsIsGivenUpWithinTwoSecondsAndFoundAgain() throws Exception {
    Queue<UUID> deleted = new ConcurrentLinkedQueue<>();
    Entry entry = Entry.create(UUID.randomUUID(), List.of(), 8, Instant.now(), List.of());
    try (RedisServer server = new RedisServer()) {
      server.kill();
      try (EntryStore store = new RedisStore("redis://127.0.0.1:" + server.port())) {
        store.onRevoked(deleted::add);
        assertGivenUp(store); // away at the start
        server.startAgain();
        awaitFound(store);
        store.create(entry);
        server.signal("STOP");
        assertGivenUp(store); // it hangs
        server.signal("CONT");
        awaitFound(store);
        server.kill();
        assertGivenUp(store); // it crashed
        server.startAgain();
        awaitFound(store);
        assertThat(store.find(entry.id())).isPresent();
        Awaitility.await()
            .atMost(Duration.ofSeconds(20))
            .until(
                () -> {
                  store.delete(entry.id());
                  boolean heard = deleted.contains(entry.id());
                  if (!heard) {
                    store.create(entry);
                  }
                  return heard;
                });
      }
    }
  }

  private static void assertGivenUp(EntryStore store) {
    long began = System.nanoTime();
    assertThatThrownBy(() -> store.find(UUID.randomUUID()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("Redis at 127.0.0.1:");
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(4));
  }

  private static void awaitFound(EntryStore store) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .ignoreExceptions()
        .until(() -> store.find(UUID.randomUUID()).isEmpty());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"redis://:se cret@h", "redis://:secret@", "redis://:secret@h/x", "redis:secret"})
  void malformedLocationIsRefusedWithoutShowingIt(String location) {
    assertThatThrownBy(() -> new RedisStore(location).close())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("secret")
        .hasMessageNotContaining("se cret");
  }
}
