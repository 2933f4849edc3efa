package io.rendezvous.entry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** The index lists the store when it is asked, but not each time. */
class EntryIndexTest {
  private static final Instant NOON = Instant.parse("2026-01-31T12:00:00Z");
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final AtomicLong time = new AtomicLong(Long.MAX_VALUE - SECOND.toNanos()); // it may wrap
  private final CountedStore store = new CountedStore();
  private final EntryIndex index = new EntryIndex(store, time::get);

  private static Entry entry(Instant created, String... labels) {
    return Entry.create(UUID.randomUUID(), List.of(labels), 8, created, List.of());
  }

  private void pass(Duration some) {
    time.addAndGet(some.toNanos());
  }

  @Test
  void storeIsListedOnceASecondHoweverOftenItIsAsked() throws Exception {
    Entry early = store.add(entry(NOON, "home"));
    assertThat(index.all()).isEqualTo(Map.of(early.id(), early));
    Entry late = store.add(entry(NOON, "garden"));
    for (int i = 0; i < 3; i++) {
      assertThat(index.all()).containsOnlyKeys(early.id());
      assertThat(index.labelled("garden")).isEmpty();
    }
    pass(SECOND.minusNanos(1));
    assertThat(index.all()).hasSize(1);
    assertThat(store.listings).isEqualTo(1);

    pass(Duration.ofNanos(1));
    assertThat(index.labelled("garden")).contains(late);
    assertThat(index.all()).hasSize(2);
    assertThat(store.listings).isEqualTo(2);
  }

  @Test
  void slowListingIsGoodForTenTimesAsLong() throws Exception {
    store.takes = SECOND.multipliedBy(3);
    index.all();
    pass(SECOND.multipliedBy(30).minusNanos(1));
    index.all();
    assertThat(store.listings).isEqualTo(1);
    pass(Duration.ofNanos(1));
    index.all();
    assertThat(store.listings).isEqualTo(2);
  }

  @Test
  void failedFirstListingIsRememberedForASecond() throws Exception {
    store.away = true;
    assertThatThrownBy(index::all).isInstanceOf(IOException.class).hasMessage("away");
    store.away = false;
    Entry entry = store.add(entry(NOON, "home"));
    pass(SECOND.minusNanos(1));
    assertThatThrownBy(index::all).isInstanceOf(IOException.class).hasMessage("away");
    assertThatThrownBy(() -> index.labelled("home")).hasMessage("away");
    assertThat(index.trouble()).contains("away");
    assertThat(store.listings).isEqualTo(1);

    pass(Duration.ofNanos(1));
    assertThat(index.all()).containsOnlyKeys(entry.id());
    assertThat(index.trouble()).isEmpty();
    assertThat(store.listings).isEqualTo(2);
  }

  @Test
  void entriesStayAsTheyWereWhileTheStoreIsAway() throws Exception {
    Entry entry = store.add(entry(NOON, "home"));
    index.all();
    store.away = true;
    pass(SECOND);
    assertThat(index.labelled("home")).contains(entry);
    assertThat(index.trouble()).contains("away");

    store.away = false;
    pass(SECOND.minusNanos(1));
    assertThat(index.all()).containsOnlyKeys(entry.id());
    assertThat(store.listings).isEqualTo(2);
    pass(Duration.ofNanos(1));
    index.all();
    assertThat(index.trouble()).isEmpty();
    assertThat(store.listings).isEqualTo(3);
  }

  @Test
  void onlyTheFirstListingIsWaitedFor() throws Exception {
    Entry entry = store.add(entry(NOON));
    index.all();
    pass(SECOND);
    store.held = new CountDownLatch(1);
    CompletableFuture<Void> other =
        CompletableFuture.runAsync(
            () -> {
              try {
                index.all();
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    assertThat(store.begun.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(index.all()).containsOnlyKeys(entry.id());
    assertThat(other).isNotDone();
    store.held.countDown();
    other.get(60, TimeUnit.SECONDS);
    assertThat(store.listings).isEqualTo(2);
  }

  @Test
  void labelBelongsToTheEntryThatWasCreatedFirst() throws Exception {
    Entry second = store.add(entry(NOON.plusSeconds(1), "home", "second"));
    Entry first = store.add(entry(NOON, "home"));
    store.add(entry(NOON.plusSeconds(2), "home"));
    assertThat(index.labelled("home")).contains(first);
    assertThat(index.labelled("second")).contains(second);
    assertThat(index.all()).hasSize(3);
  }

  @Test
  void labelWithAPortIsFoundByItsName() throws Exception {
    Entry late = store.add(entry(NOON.plusSeconds(1), "door:2", "gate"));
    Entry early = store.add(entry(NOON, "door:1", "gate:1"));
    assertThat(index.labelled("door:1")).contains(early);
    assertThat(index.labelled("door:2")).contains(late);
    assertThat(index.labelled("door")).contains(early);
    assertThat(index.labelled("gate")).contains(late);
    assertThat(index.labelled("door:3")).isEmpty();
  }

  @Test
  void labelBelongsToTheEntryThatDoesNotSayWhenItWasCreated() throws Exception {
    store.add(entry(Instant.EPOCH, "home"));
    Entry old =
        store.add(
            Entry.parse(
                """
                {"uuid":"2f402f80-da50-11e1-9b23-0123456789ab","labels":["home"],"authParams":
                 {"protocol":"totp","base32":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}}
                """));
    assertThat(index.labelled("home")).contains(old);
  }

  @Test
  void changesTakeEffectAtOnce() throws Exception {
    Entry first = store.add(entry(NOON, "home"));
    index.all();
    Entry second = entry(NOON.plusSeconds(1), "home", "garden");
    index.put(second);
    assertThat(index.known(second.id())).contains(second);
    assertThat(index.all()).containsOnlyKeys(first.id(), second.id());
    assertThat(index.labelled("garden")).contains(second);
    assertThat(index.labelled("home")).contains(first);

    Entry changed = second.with(List.of("home", "orchard"), 8, List.of());
    index.put(changed);
    assertThat(index.labelled("garden")).isEmpty();
    assertThat(index.labelled("orchard")).contains(changed);

    index.remove(first.id());
    assertThat(index.known(first.id())).isEmpty();
    assertThat(index.all()).containsOnlyKeys(second.id());
    assertThat(index.labelled("home")).contains(changed);
    assertThat(store.listings).isEqualTo(1);
  }

  @Test
  void entryThatIsPutBeforeTheFirstListingIsNotTheWholeIndex() throws Exception {
    Entry there = store.add(entry(NOON));
    Entry put = store.add(entry(NOON));
    index.put(put);
    assertThat(index.known(put.id())).isEmpty();
    assertThat(index.all()).containsOnlyKeys(there.id(), put.id());
  }

  /** Counts its listings, which take time, fail or wait as a test wants it. */
  private final class CountedStore implements EntryStore {
    private final List<Entry> entries = new ArrayList<>();
    private final CountDownLatch begun = new CountDownLatch(2);
    private CountDownLatch held = new CountDownLatch(0);
    private Duration takes = Duration.ZERO;
    private boolean away;
    private int listings;

    Entry add(Entry entry) {
      entries.add(entry);
      return entry;
    }

    @Override
    public List<Entry> list() throws IOException {
      listings++;
      begun.countDown();
      pass(takes);
      try {
        held.await();
      } catch (InterruptedException e) {
        throw new IOException("interrupted", e);
      }
      if (away) {
        throw new IOException("away");
      }
      return List.copyOf(entries);
    }

    @Override
    public Optional<Entry> find(UUID id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void create(Entry entry) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Optional<Entry> change(UUID id, UnaryOperator<Entry> how) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean delete(UUID id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void onChange(EntryListener listener) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Optional<String> sharedSecret(String name, String candidate) {
      return Optional.empty();
    }

    @Override
    public String where() {
      return "memory";
    }

    @Override
    public void close() {}
  }
}
