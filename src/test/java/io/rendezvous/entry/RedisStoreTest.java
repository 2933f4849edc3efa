package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.testing.Keys;
import io.rendezvous.testing.RedisServer;
import java.io.IOException;
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
    EntryStore opened = new RedisStore(location());
    awaitFound(opened); // the first call also connects, which takes a busy machine long
    return opened;
  }

  private static String location() {
    return "redis://:a%40b%3Ac%2Fd%20e%25+@127.0.0.1:" + redis.port() + "/" + database;
  }

  @Override
  void put(String key, String value) throws Exception {
    ask("SET", key, value);
  }

  private static String ask(String... command) throws Exception {
    return redis.ask(
        List.of("AUTH", PASSWORD), List.of("SELECT", Integer.toString(database)), List.of(command));
  }

  @Test
  void keyThatHoldsNoStringIsNoEntry() throws Exception {
    UUID id = UUID.randomUUID();
    ask("RPUSH", id.toString(), "x");
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
      store.onChange(deleted::add);
      Awaitility.await().pollDelay(Duration.ofMillis(500)).until(() -> true);
      ask("DEL", entry.id().toString());
      assertThat(store.find(entry.id())).isEmpty();
      Awaitility.await().pollDelay(Duration.ofMillis(2500)).until(() -> true);
      assertThat(deleted).isEmpty();
    }
  }

  private static Entry entry(String... labels) {
    return Entry.create(UUID.randomUUID(), List.of(labels), 8, Instant.now(), List.of());
  }

  /** Opens the store as a user who cannot publish, so that only the stream has what it revokes. */
  private static EntryStore openMute() throws Exception {
    ask("ACL", "SETUSER", "mute", "on", ">x", "~*", "+@all", "resetchannels");
    return new RedisStore("redis://mute:x@127.0.0.1:" + redis.port() + "/" + database);
  }

  private static void awaitTold(Queue<UUID> told, Entry entry) {
    Awaitility.await().untilAsserted(() -> assertThat(told).contains(entry.id()));
  }

  @Test
  void whatIsNotPublishedIsReadFromTheStream() throws Exception {
    Queue<UUID> told = new ConcurrentLinkedQueue<>();
    Entry deleted = entry();
    Entry revoked = entry();
    try (EntryStore store = open();
        EntryStore mute = openMute()) {
      store.onChange(told::add);
      mute.create(deleted);
      mute.delete(deleted.id());
      awaitTold(told, deleted);
      mute.create(revoked);
      mute.change(revoked.id(), old -> old.revoked(Instant.now()));
      awaitTold(told, revoked);
      assertThat(told).hasSize(2);
    }
  }

  @Test
  void whatIsDeletedWhileTheSubscriptionIsCutIsToldEachTime() throws Exception {
    Queue<UUID> told = new ConcurrentLinkedQueue<>();
    try (EntryStore store = open();
        EntryStore other = open()) {
      store.onChange(told::add);
      for (int i = 0; i < 5; i++) {
        Entry entry = entry();
        other.create(entry);
        ask("CLIENT", "KILL", "TYPE", "pubsub");
        other.delete(entry.id());
        awaitTold(told, entry);
      }
    }
  }

  @Test
  void whatWasRevokedLongBeforeTheStartIsNotTold() throws Exception {
    Queue<UUID> told = new ConcurrentLinkedQueue<>();
    UUID old = UUID.randomUUID();
    Entry entry = entry();
    ask("XADD", "rendezvous:revoked", "1700000000000-0", "uuid", old.toString());
    try (EntryStore store = open();
        EntryStore mute = openMute()) {
      store.onChange(told::add);
      mute.create(entry);
      mute.delete(entry.id());
      awaitTold(told, entry);
      assertThat(told).doesNotContain(old);
    }
  }

  /** As after a restart of a Redis that keeps nothing, on a machine whose clock was set back. */
  @Test
  void streamThatBeginsAnewIsReadFromItsBeginning() throws Exception {
    Queue<UUID> told = new ConcurrentLinkedQueue<>();
    Entry entry = entry();
    Entry last = entry();
    ask("XADD", "rendezvous:revoked", "9999999999999-0", "uuid", entry.id().toString());
    try (EntryStore store = open();
        EntryStore mute = openMute()) {
      store.onChange(told::add);
      awaitTold(told, entry); // so the position is far ahead
      ask("FLUSHDB");
      mute.create(last);
      mute.delete(last.id());
      awaitTold(told, last);
    }
  }

  @Test
  void redisThatComesBackEmptyTellsWhatIsDeletedFromThenOn() throws Exception {
    Queue<UUID> told = new ConcurrentLinkedQueue<>();
    Entry entry = entry();
    try (RedisServer server = new RedisServer("--appendonly", "no");
        EntryStore store = new RedisStore("redis://127.0.0.1:" + server.port())) {
      store.onChange(told::add);
      store.create(entry);
      server.kill();
      server.startAgain();
      awaitFound(store);
      assertThat(store.find(entry.id())).isEmpty();
      assertThat(told).isEmpty(); // it is merely missing
      store.create(entry);
      store.delete(entry.id());
      awaitTold(told, entry);
    }
  }

  @Test
  void brokersOfEarlierVersionsOnlyPublish() throws Exception {
    Queue<UUID> told = new ConcurrentLinkedQueue<>();
    Entry entry = entry();
    try (EntryStore store = open()) {
      store.onChange(told::add);
      Awaitility.await()
          .untilAsserted(
              () -> {
                ask("PUBLISH", "rendezvous:deleted", entry.id().toString());
                assertThat(told).contains(entry.id());
              });
    }
  }

  @Test
  void deletionSucceedsThoughTheStreamIsSomethingElse() throws Exception {
    Queue<UUID> told = new ConcurrentLinkedQueue<>();
    Entry entry = entry();
    ask("SET", "rendezvous:revoked", "of somebody else");
    try (EntryStore store = open()) {
      store.onChange(told::add);
      Awaitility.await()
          .untilAsserted(
              () -> {
                store.create(entry);
                assertThat(store.delete(entry.id())).isTrue();
                assertThat(told).contains(entry.id());
              });
    }
  }

  @Test
  void streamKeepsABoundedNumberOfRevocations() throws Exception {
    Entry entry = entry();
    try (EntryStore store = open()) {
      store.create(entry);
      store.delete(entry.id());
      ask(
          "EVAL",
          "for i = 1, 20000 do redis.call('XADD', 'rendezvous:revoked', '*', 'uuid', 'x') end",
          "0");
      store.create(entry);
      store.delete(entry.id());
    }
    String length = ask("XLEN", "rendezvous:revoked").substring(1); // after the colon of a number
    assertThat(Integer.parseInt(length)).isBetween(10_000, 10_200);
  }

  @Test
  void labelMayBeAnyWord() throws Exception {
    Entry first = entry("uuid", "revoked");
    try (EntryStore store = open()) {
      store.create(first);
      assertThatThrownBy(() -> store.create(entry("home", "uuid")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("the label uuid belongs to another entry");
      assertThat(store.change(first.id(), old -> old.with(List.of("uuid", "x"), 8, List.of())))
          .isPresent();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"uuid\":\"%s\",\"labels\":[null,1,{},[],true]}",
        "{\"uuid\":\"%s\",\"labels\":{\"a\":{}}}",
        "{\"uuid\":\"%s\",\"labels\":\"home\"}",
        "{\"uuid\":[],\"labels\":[\"home\"]}",
        "{\"uuid\":\"2f405b4c-9c5d-4f24-b4d7-0d2f1e1f0d4b\",\"labels\":[\"home\"]}",
        "[]",
        "7"
      })
  void whatOthersKeepUnderAUuidDoesNotStandInTheWay(String value) throws Exception {
    UUID id = UUID.randomUUID();
    put(id.toString(), value.formatted(id));
    try (EntryStore store = open()) {
      store.create(entry("home"));
      assertThat(store.list()).hasSize(1);
      assertThat(store.find(id)).isEmpty();
      assertThat(store.change(id, old -> old)).isEmpty();
      assertThatThrownBy(
              () -> store.create(Entry.create(id, List.of(), 8, Instant.now(), List.of())))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void valueThatIsTooLargeForAnEntryIsNone() throws Exception {
    Entry entry = entry();
    String json = entry.toJson();
    String large =
        json.substring(0, json.length() - 1) + ",\"note\":\"" + "x".repeat(70_000) + "\"}";
    put(entry.id().toString(), large);
    try (EntryStore store = open()) {
      assertThat(store.find(entry.id())).isEmpty();
      assertThat(store.list()).isEmpty();
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
        store.onChange(deleted::add);
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
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(20));
  }

  private static void awaitFound(EntryStore store) {
    Awaitility.await().ignoreExceptions().until(() -> store.find(UUID.randomUUID()).isEmpty());
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
