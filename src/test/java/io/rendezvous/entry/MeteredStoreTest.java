package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.testing.Directories;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calls to a store are measured. */
class MeteredStoreTest {
  @TempDir private Path directory;

  @Test
  void everyCallIsReportedWhenItIsOver() throws Exception {
    Path entries = directory.resolve("entries");
    List<String> told = new ArrayList<>();
    Entry entry = Entry.create(UUID.randomUUID(), List.of(), 8, Instant.now(), List.of());
    try (EntryStore store =
        new MeteredStore(
            new FileStore(entries),
            (operation, took, failed) -> {
              assertThat(took).isPositive();
              told.add(operation + (failed ? " failed" : ""));
            })) {
      store.create(entry);
      assertThat(store.find(entry.id())).isPresent();
      assertThat(store.change(entry.id(), e -> e)).isPresent();
      assertThat(store.list()).hasSize(1);
      assertThatThrownBy(() -> store.create(entry)).isInstanceOf(IllegalArgumentException.class);
      assertThat(store.delete(entry.id())).isTrue();
      assertThat(told).containsExactly("CREATE", "FIND", "CHANGE", "LIST", "CREATE", "DELETE");
      told.clear();
      Directories.delete(entries);
      assertThatThrownBy(() -> store.find(entry.id())).isInstanceOf(IOException.class);
      assertThat(told).containsExactly("FIND failed");
    }
  }
}
