package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The behaviour that all stores have in common. */
abstract class EntryStoreContract {
  /** As TAAS has written it. */
  private static final String OLD =
      """
      {"uuid":"%s","labels":["Door:2222"],"authParams":{"protocol":"totp","algorithm":"sha1",
       "length":20,"base32":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"},"qrcodeURL":"x"}
      """;

  private EntryStore store;

  /** Opens the store as another process would. */
  abstract EntryStore open() throws IOException;

  /** Writes into the store by other means than the store. */
  abstract void put(String key, String value) throws Exception;

  @BeforeEach
  void openOne() throws Exception {
    store = open();
  }

  @AfterEach
  void closeOne() {
    store.close();
  }

  private static Entry entry(String... labels) {
    return Entry.create(UUID.randomUUID(), List.of(labels), 8, Instant.now(), List.of());
  }

  @Test
  void createdEntryIsFoundByOtherProcesses() throws Exception {
    Entry entry = entry("home");
    store.create(entry);
    try (EntryStore other = open()) {
      assertThat(other.find(entry.id()).orElseThrow().toJson()).isEqualTo(entry.toJson());
      assertThat(other.list()).hasSize(1);
    }
  }

  @Test
  void missingEntryIsNotFound() throws Exception {
    assertThat(store.find(UUID.randomUUID())).isEmpty();
    assertThat(store.list()).isEmpty();
    assertThat(store.delete(UUID.randomUUID())).isFalse();
  }

  @Test
  void uuidIsCreatedOnce() throws Exception {
    Entry entry = entry();
    store.create(entry);
    Entry same = Entry.create(entry.id(), List.of(), 8, Instant.now(), List.of());
    assertThatThrownBy(() -> store.create(same)).isInstanceOf(IllegalArgumentException.class);
    assertThat(store.find(entry.id()).orElseThrow().toJson()).isEqualTo(entry.toJson());
  }

  @Test
  void labelBelongsToOneEntry() throws Exception {
    store.create(entry("home", "house"));
    assertThatThrownBy(() -> store.create(entry("garden", "HOUSE")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("house");
    store.create(entry("garden"));
    assertThat(store.list()).hasSize(2);
  }

  @Test
  void nameOfALabelWithAPortBelongsToOneEntry() throws Exception {
    store.create(entry("door:2222", "door:2223"));
    for (String label : List.of("door", "Door:2224", "door:2222")) {
      assertThatThrownBy(() -> store.create(entry(label)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("door");
    }
    store.create(entry("doors:2222"));
    assertThat(store.list()).hasSize(2);
  }

  @Test
  void entriesOfOlderServersAreUnderstood() throws Exception {
    UUID id = UUID.randomUUID();
    put(id.toString(), OLD.formatted(id));
    Entry entry = store.find(id).orElseThrow();
    assertThat(entry.labels()).containsExactly("door:2222");
    assertThat(entry.totp().token(1, 8)).isEqualTo("94287082");
    assertThatThrownBy(() -> store.create(entry("door:2222")))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void malformedEntriesAreIgnored() throws Exception {
    Entry entry = entry("home");
    store.create(entry);
    UUID broken = UUID.randomUUID();
    UUID another = UUID.randomUUID();
    put(broken.toString(), "{not json");
    put(another.toString(), OLD.formatted(UUID.randomUUID()));
    put("something", "else");
    put("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "else");
    assertThat(store.find(broken)).isEmpty();
    assertThat(store.find(another)).isEmpty();
    assertThat(store.list()).hasSize(1);
    store.create(entry("garden"));
    assertThat(store.list()).hasSize(2);
  }

  @Test
  void changeKeepsUnknownKeys() throws Exception {
    UUID id = UUID.randomUUID();
    put(id.toString(), OLD.formatted(id));
    Entry changed =
        store.change(id, old -> old.with(List.of("Home"), 8, List.of("open"))).orElseThrow();
    assertThat(store.find(id)).contains(changed);
    assertThat(changed.labels()).containsExactly("home");
    assertThat(changed.flags()).containsExactly("open");
    assertThat(changed.toJson()).contains("\"length\":20", "qrcodeURL");
    assertThat(store.change(UUID.randomUUID(), old -> old)).isEmpty();
  }

  @Test
  void changeTakesNoLabelOfAnother() throws Exception {
    Entry entry = entry("home");
    store.create(entry);
    store.create(entry("garden"));
    assertThatThrownBy(
            () -> store.change(entry.id(), e -> e.with(List.of("home", "garden"), 8, List.of())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("garden");
    assertThat(store.find(entry.id())).contains(entry);
    assertThat(store.change(entry.id(), e -> e.with(List.of("house", "home"), 6, List.of())))
        .isPresent();
  }

  @Test
  void simultaneousChangesAreAllMade() throws Exception {
    Entry entry = entry();
    store.create(entry);
    try (EntryStore other = open()) {
      CompletableFuture<Void> beside = CompletableFuture.runAsync(() -> addLabels(other, entry, 0));
      addLabels(store, entry, 10);
      beside.get(60, TimeUnit.SECONDS);
    }
    assertThat(store.find(entry.id()).orElseThrow().labels()).hasSize(20);
  }

  private static void addLabels(EntryStore to, Entry entry, int from) {
    for (int i = from; i < from + 10; i++) {
      String label = "label" + i;
      try {
        to.change(entry.id(), old -> old.with(and(old.labels(), label), 8, List.of()));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static List<String> and(List<String> labels, String label) {
    List<String> more = new ArrayList<>(labels);
    more.add(label);
    return more;
  }

  @Test
  void manyEntriesAreListed() throws Exception {
    for (int i = 0; i < 600; i++) {
      Entry entry = entry("label" + i);
      put(entry.id().toString(), entry.toJson());
    }
    assertThat(store.list()).hasSize(600);
  }

  @Test
  void revocationByAnotherProcessIsReported() throws Exception {
    Entry first = entry("home");
    Entry second = entry("garden");
    store.create(first);
    store.create(second);
    Queue<UUID> deleted = new ConcurrentLinkedQueue<>();
    store.onChange(deleted::add);
    Awaitility.await().pollDelay(Duration.ofMillis(1500)).until(() -> true); // it is listening
    try (EntryStore other = open()) {
      assertThat(other.delete(first.id())).isTrue();
    }
    Awaitility.await().untilAsserted(() -> assertThat(deleted).containsExactly(first.id()));
    assertThat(store.find(first.id())).isEmpty();
    store.create(entry("home"));
    try (EntryStore other = open()) {
      other.change(second.id(), e -> e.rotated(Instant.now(), Duration.ofHours(1)));
      other.change(second.id(), e -> e.revoked(Instant.now()));
    }
    Awaitility.await()
        .untilAsserted(() -> assertThat(deleted).containsExactly(first.id(), second.id()));
  }

  /** Tunnels may be parked whose entry had no password when it was looked up. */
  @Test
  void passwordSetByAnotherProcessIsReported() throws Exception {
    Entry entry = entry("home");
    store.create(entry);
    Queue<UUID> revoked = new ConcurrentLinkedQueue<>();
    Queue<UUID> protectedNow = new ConcurrentLinkedQueue<>();
    store.onChange(
        new EntryListener() {
          @Override
          public void revoked(UUID id) {
            revoked.add(id);
          }

          @Override
          public void passwordSet(UUID id) {
            protectedNow.add(id);
          }
        });
    Awaitility.await().pollDelay(Duration.ofMillis(1500)).until(() -> true); // it is listening
    try (EntryStore other = open()) {
      for (String text : List.of("open sesame", "open barley", "", "open barley")) {
        int sofar = protectedNow.size();
        other.change(entry.id(), e -> e.withPassword(password(entry, text)));
        if (!text.isEmpty()) {
          Awaitility.await()
              .untilAsserted(() -> assertThat(protectedNow).hasSizeGreaterThan(sofar));
        }
      }
    }
    assertThat(store.find(entry.id()).orElseThrow().password().orElseThrow().matches("open barley"))
        .isTrue();
    assertThat(protectedNow).containsOnly(entry.id());
    assertThat(revoked).isEmpty();
  }

  private static Optional<ClientPassword> password(Entry entry, String text) {
    return Optional.of(text)
        .filter(chosen -> !chosen.isEmpty())
        .map(chosen -> ClientPassword.of(entry.id(), "r", chosen));
  }
}
