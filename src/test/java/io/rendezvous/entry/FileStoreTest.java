package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.testing.Octets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Entries in a directory. */
class FileStoreTest extends EntryStoreContract {
  @TempDir private Path parent;

  @Override
  EntryStore open() throws IOException {
    return new FileStore(directory());
  }

  private Path directory() {
    return parent.resolve("data/entries");
  }

  @Override
  void put(String key, String value) throws IOException {
    Files.writeString(directory().resolve(key + ".json"), value);
  }

  private static Entry entry(String... labels) {
    return Entry.create(UUID.randomUUID(), List.of(labels), 8, Instant.now(), List.of());
  }

  @Test
  void filesAreForTheirOwnerAloneAndNothingElseIsLeft() throws Exception {
    Entry entry = entry();
    try (EntryStore store = open()) {
      store.create(entry);
    }
    Path file = directory().resolve(entry.id() + ".json");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    try (Stream<Path> files = Files.list(directory())) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder(entry.id() + ".json", ".lock");
    }
  }

  @Test
  void changeByAnotherProcessCountsAtOnce() throws Exception {
    Entry entry = entry();
    try (EntryStore store = open()) {
      store.create(entry);
      store.find(entry.id());
      put(entry.id().toString(), entry.toJson().replace("\"digits\":8", "\"digits\":9"));
      assertThat(store.find(entry.id()).orElseThrow().totp().digits()).isEqualTo(9);
    }
  }

  @Test
  void changeByAnotherProcessIsListed() throws Exception {
    Entry entry = entry();
    Path file = directory().resolve(entry.id() + ".json");
    try (EntryStore store = open()) {
      store.create(entry);
      for (int digits = 6; digits <= 9; digits++) {
        put(entry.id().toString(), entry.toJson().replace("\"digits\":8", "\"digits\":" + digits));
        if (digits > 6) { // old enough for its time to tell
          Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(100L - digits)));
        }
        for (int i = 0; i < 2; i++) {
          assertThat(store.list()).extracting(e -> e.totp().digits()).containsExactly(digits);
        }
      }
      Files.delete(file);
      assertThat(store.list()).isEmpty();
    }
  }

  @Test
  void directoryThatIsGoneIsNoDeletion() throws Exception {
    Entry entry = entry();
    Queue<UUID> deleted = new ConcurrentLinkedQueue<>();
    try (EntryStore store = open()) {
      store.create(entry);
      store.onChange(deleted::add);
      Awaitility.await().pollDelay(Duration.ofMillis(1200)).until(() -> true);
      Path away = parent.resolve("away");
      Files.move(directory(), away);
      assertThatThrownBy(() -> store.find(entry.id())).isInstanceOf(IOException.class);
      Awaitility.await().pollDelay(Duration.ofMillis(2200)).until(() -> true);
      Files.move(away, directory());
      assertThat(store.find(entry.id())).isPresent();
      assertThat(deleted).isEmpty();
    }
  }

  @Test
  void labelIsGivenOnceHoweverManyAskAtOnce() throws Exception {
    try (EntryStore one = open();
        EntryStore two = open()) {
      List<CompletableFuture<Boolean>> all = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        EntryStore store = i % 2 == 0 ? one : two;
        all.add(Octets.beside(() -> creates(store, entry("home"))));
      }
      int created = 0;
      for (CompletableFuture<Boolean> each : all) {
        created += each.get() ? 1 : 0;
      }
      assertThat(created).isEqualTo(1);
    }
  }

  private static boolean creates(EntryStore store, Entry entry) throws IOException {
    try {
      store.create(entry);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  @Test
  void fileThatCannotBeReadHarmsNoOther() throws Exception {
    Entry good = entry();
    UUID latin = UUID.randomUUID();
    UUID large = UUID.randomUUID();
    UUID folder = UUID.randomUUID();
    try (EntryStore store = open()) {
      store.create(good);
      Files.write(directory().resolve(latin + ".json"), new byte[] {'{', (byte) 0xe9, '}'});
      put(large.toString(), " ".repeat(Entry.MAX_BYTES + 1));
      Files.createDirectory(directory().resolve(folder + ".json"));
      for (UUID bad : List.of(latin, large, folder)) {
        assertThat(store.find(bad)).isEmpty();
      }
      assertThat(store.list()).extracting(Entry::id).containsExactly(good.id());
      store.create(entry("home"));
    }
  }

  @Test
  void revocationsByTheStoreItselfAreReportedAtOnce() throws Exception {
    Entry entry = entry();
    Queue<UUID> told = new ConcurrentLinkedQueue<>();
    try (EntryStore store = open()) {
      store.create(entry);
      store.onChange(told::add);
      store.change(entry.id(), old -> old.rotated(Instant.now(), Duration.ZERO));
      assertThat(told).isEmpty();
      store.change(entry.id(), old -> old.revoked(Instant.now()));
      assertThat(told).containsExactly(entry.id());
      told.clear();
      store.delete(entry.id());
      assertThat(told).contains(entry.id()); // and perhaps again, by the watcher
    }
  }
}
