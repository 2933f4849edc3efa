package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Deletions and revocations are noticed from one look to the next, whoever makes them. */
class EntryFileWatcherTest {
  private static final Instant NOON = Instant.parse("2026-01-31T12:00:00Z");

  @TempDir private Path parent;

  private final UUID id = UUID.randomUUID();
  private final List<UUID> told = new ArrayList<>();
  private FileStore store; // another process, as far as the watcher can tell
  private EntryFileWatcher watcher;

  @BeforeEach
  void open() throws Exception {
    store = new FileStore(entries());
    watcher = new EntryFileWatcher(new EntryDirectory(entries()), told::add);
  }

  private Path entries() {
    return parent.resolve("entries");
  }

  private Entry entry(Instant created) {
    return Entry.create(id, List.of(), 8, created, List.of());
  }

  private void assertTold(UUID... ids) {
    watcher.look();
    assertThat(told).containsExactly(ids);
    told.clear();
  }

  @Test
  void deletionIsToldOnce() throws Exception {
    store.create(entry(NOON));
    assertTold();
    store.delete(id);
    assertTold(id);
    assertTold();
  }

  @Test
  void entryThatCameAndWentBetweenTwoLooksHidesNoLaterDeletion() throws Exception {
    assertTold();
    store.create(entry(NOON));
    store.delete(id);
    assertTold();
    store.create(entry(NOON));
    assertTold();
    Files.delete(entries().resolve(id + ".json"));
    assertTold(id);
  }

  @Test
  void entryThatWasFoundIsToldThoughItCameAndWentBetweenTwoLooks() throws Exception {
    assertTold();
    store.create(entry(NOON));
    watcher.onFound(store.find(id).orElseThrow());
    store.delete(id);
    assertTold(id);
    assertTold();
  }

  @Test
  void entryThatWasFoundIsToldThoughItWasRevokedBeforeTheFirstLook() throws Exception {
    assertTold();
    store.create(entry(NOON));
    watcher.onFound(store.find(id).orElseThrow());
    store.change(id, old -> old.revoked(NOON));
    assertTold(id);
    watcher.onFound(store.find(id).orElseThrow());
    assertTold();
  }

  @Test
  void entryThatWasFoundIsToldWhenTheDirectoryIsBackWithoutIt() throws Exception {
    store.create(entry(NOON));
    watcher.onFound(store.find(id).orElseThrow());
    Path away = parent.resolve("away");
    Files.move(entries(), away);
    assertTold();
    Files.delete(away.resolve(id + ".json"));
    Files.move(away, entries());
    assertTold(id);
  }

  @Test
  void entryThatIsCreatedAgainBetweenTwoLooksWasDeleted() throws Exception {
    store.create(entry(NOON));
    assertTold();
    store.delete(id);
    store.create(entry(NOON.plusSeconds(1)));
    assertTold(id);
    assertTold();
  }

  @Test
  void revocationIsToldEachTimeAndOtherChangesAreNot() throws Exception {
    store.create(entry(NOON));
    assertTold();
    store.change(id, old -> old.with(List.of("home"), 9, List.of("open")));
    assertTold();
    store.change(id, old -> old.rotated(NOON, Duration.ofHours(1)));
    assertTold();
    for (int i = 1; i <= 2; i++) {
      Instant when = NOON.plusSeconds(i);
      store.change(id, old -> old.revoked(when));
      assertTold(id);
    }
    assertTold();
  }

  @Test
  void everyDeletionIsToldThoughTheListenerFails() throws Exception {
    List<UUID> all = new ArrayList<>();
    EntryFileWatcher failing =
        new EntryFileWatcher(
            new EntryDirectory(entries()),
            deleted -> {
              all.add(deleted);
              throw new IllegalStateException("of the test");
            });
    List<UUID> ids = List.of(UUID.randomUUID(), UUID.randomUUID(), UUID.randomUUID());
    for (UUID each : ids) {
      store.create(Entry.create(each, List.of(), 8, NOON, List.of()));
    }
    failing.look();
    for (UUID each : ids) {
      store.delete(each);
    }
    PrintStream log = System.err;
    System.setErr(new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8));
    try {
      failing.look(); // logs an error each time
    } finally {
      System.setErr(log);
    }
    assertThat(all).containsExactlyInAnyOrderElementsOf(ids);
  }

  @Test
  void directoryThatIsAwayIsNoDeletion() throws Exception {
    store.create(entry(NOON));
    assertTold();
    Path away = parent.resolve("away");
    Files.move(entries(), away);
    assertTold();
    Files.move(away, entries());
    assertTold();
    store.delete(id);
    assertTold(id);
  }

  @Test
  void fileThatIsBrokenIsNoDeletionUntilItIsGone() throws Exception {
    store.create(entry(NOON));
    assertTold();
    write("{not json");
    assertTold();
    Files.delete(entries().resolve(id + ".json"));
    assertTold(id);
  }

  private void write(String text) throws IOException {
    Files.writeString(entries().resolve(id + ".json"), text);
    touchDirectory();
  }

  private void touchDirectory() throws IOException {
    Files.setLastModifiedTime(entries(), FileTime.from(Instant.now()));
  }

  @Test
  void entryWithoutATimeOfCreationIsComparedByItsRevocation() throws Exception {
    String old =
        """
        {"uuid":"%s","authParams":{"protocol":"totp","base32":"GEZDGNBV"}%s}
        """;
    store.create(entry(NOON));
    assertTold();
    write(old.formatted(id, ""));
    assertTold();
    write(old.formatted(id, ",\"created\":\"2026-01-31T12:00:01Z\""));
    assertTold();
    write(old.formatted(id, ",\"revoked\":\"2026-01-31T12:00:02Z\""));
    assertTold(id);
  }
}
