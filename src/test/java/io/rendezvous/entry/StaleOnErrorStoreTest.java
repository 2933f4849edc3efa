package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.testing.HookedStore;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Entries are served for a while when the store cannot be reached. */
class StaleOnErrorStoreTest {
  private static final Duration GRACE = Duration.ofMinutes(15);

  private final UUID id = UUID.randomUUID();
  private final Entry entry =
      Entry.create(id, List.of("home"), 8, Instant.parse("2026-01-31T12:00:00Z"), List.of("open"));
  private final HookedStore store = new HookedStore();
  private final TestBroker.SteppedClock clock = new TestBroker.SteppedClock();
  private final StaleOnErrorStore stale = new StaleOnErrorStore(store, clock, GRACE);

  @BeforeEach
  void fill() {
    stale.onChange(revoked -> {});
    store.create(entry);
  }

  private void cutOff() {
    store.hook(
        asked -> {
          throw new IOException("gone");
        });
  }

  @Test
  void entryThatWasSeenCountsForAWhile() throws Exception {
    stale.find(id);
    cutOff();
    assertThat(stale.find(id)).contains(entry);
    clock.step(GRACE.minusSeconds(1));
    assertThat(stale.find(id)).contains(entry);
    clock.step(Duration.ofSeconds(2));
    assertThatThrownBy(() -> stale.find(id)).isInstanceOf(IOException.class);
  }

  @Test
  void entryThatWasNeverSeenDoesNotCount() {
    cutOff();
    assertThatThrownBy(() -> stale.find(id)).hasMessage("gone");
    assertThatThrownBy(() -> stale.find(id))
        .hasMessage("the store could not be reached a moment ago");
  }

  @Test
  void deletedEntryDoesNotCount() throws Exception {
    stale.find(id);
    stale.delete(id);
    cutOff();
    assertThatThrownBy(() -> stale.find(id)).isInstanceOf(IOException.class);
  }

  @Test
  void entryThatIsRevokedWhileItIsReadDoesNotCount() throws Exception {
    store.hook(store::delete);
    stale.find(id);
    cutOff();
    assertThatThrownBy(() -> stale.find(id)).isInstanceOf(IOException.class);
  }

  @Test
  void entryThatIsDeletedWhileItIsChangedDoesNotCount() throws Exception {
    stale.find(id);
    store.hook(store::delete);
    stale.change(id, old -> old.with(List.of("house"), 8, List.of()));
    cutOff();
    assertThatThrownBy(() -> stale.find(id)).isInstanceOf(IOException.class);
  }

  /** Otherwise clients could do without the password while the store is away. */
  @Test
  void entryThatGetsAPasswordElsewhereDoesNotCount() throws Exception {
    stale.find(id);
    store.tellOfPassword(id);
    cutOff();
    assertThatThrownBy(() -> stale.find(id)).isInstanceOf(IOException.class);
  }

  @Test
  void changedEntryCounts() throws Exception {
    Entry changed = stale.change(id, old -> old.with(List.of("house"), 8, List.of())).orElseThrow();
    cutOff();
    assertThat(stale.find(id)).contains(changed);
  }
}
