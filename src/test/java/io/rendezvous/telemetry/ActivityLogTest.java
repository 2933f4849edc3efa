package io.rendezvous.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.FileStore;
import io.rendezvous.testing.AdminClient;
import io.rendezvous.testing.HookedStore;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tunnel.Refusal;
import io.rendezvous.tunnel.Tunnel;
import io.rendezvous.tunnel.TunnelListener;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ActivityLogTest {
  private static final UUID ID = UUID.randomUUID();
  private static final InetSocketAddress FROM = new InetSocketAddress("203.0.113.7", 4711);

  private final TestBroker.SteppedClock clock = new TestBroker.SteppedClock();
  private final ActivityLog activity = new ActivityLog(clock, ID::equals);

  @Test
  void lastEndIsSaidInWords() {
    activity.parked(ID, FROM);
    assertThat(activity.lastEnd(ID)).isEmpty();
    for (Tunnel.End why : Tunnel.End.values()) {
      activity.ended(ID, why);
      assertThat(activity.lastEnd(ID).orElseThrow().why()).isNotEmpty();
    }
  }

  @Test
  void lastRefusalIsKeptForABoundedNumberOfUuids() {
    for (int i = 0; i <= LastRefusals.MAX_UUIDS; i++) {
      refuse(new UUID(0, i), "reason " + i);
    }
    assertThat(activity.lastRefusal(new UUID(0, 0))).isEmpty();
    assertThat(activity.lastRefusal(new UUID(0, 1)).orElseThrow().refusal().reason())
        .isEqualTo("reason 1");
    assertThat(activity.takeChanged()).hasSize(LastRefusals.MAX_UUIDS);
    assertThat(activity.ids()).isEmpty();
  }

  @Test
  void floodOfUuidsWithoutAnEntryDisplacesNoRefusalOfAnEntry() {
    refuse(ID, "wrong token");
    activity.takeChanged();
    for (int i = 0; i <= LastRefusals.MAX_UUIDS; i++) {
      refuse(new UUID(0, i), "flood");
    }
    assertThat(activity.lastRefusal(ID).orElseThrow().refusal().reason()).isEqualTo("wrong token");
    refuse(ID, "again");
    assertThat(activity.takeChanged()).contains(ID);
    assertThat(activity.lastRefusal(ID).orElseThrow().refusal().reason()).isEqualTo("again");
  }

  private void refuse(UUID id, String reason) {
    activity.refused(
        new Refusal(TunnelListener.Side.HIDDEN_SERVER, 401, reason, FROM, Optional.of(id)));
  }

  @Test
  void activityOfDeletedEntriesIsForgotten() {
    activity.parked(ID, FROM);
    activity.retain(Set.of());
    assertThat(activity.ids()).isEmpty();
    assertThat(activity.lastSeen(ID)).isEmpty();
  }

  @Test
  void logIsBoundedThoughNobodyReadsIt() throws Exception {
    HookedStore store = new HookedStore();
    EntryIndex index = new EntryIndex(store);
    Entry entry = Entry.create(ID, List.of(), 8, clock.instant(), List.of());
    store.create(entry);
    activity.parked(ID, FROM);
    activity.parked(UUID.randomUUID(), FROM);
    activity.forgetDeleted(index);
    assertThat(activity.ids()).hasSize(2); // too few to list the store for
    for (int i = 0; i < 2 * ActivityLog.MAX_CHANGED; i++) {
      activity.parked(UUID.randomUUID(), FROM);
    }
    activity.forgetDeleted(index);
    assertThat(activity.ids()).containsExactly(ID);
    assertThat(activity.takeChanged()).hasSize(ActivityLog.MAX_CHANGED);
    assertThat(activity.takeEnded()).isEmpty();
  }

  @Test
  void nothingIsForgottenWhileTheStoreIsAway(@TempDir Path directory) throws Exception {
    Path entries = directory.resolve("entries");
    EntryIndex index = new EntryIndex(new FileStore(entries));
    Files.delete(entries);
    for (int i = 0; i < ActivityLog.MIN_FORGET; i++) {
      activity.parked(UUID.randomUUID(), FROM);
    }
    activity.forgetDeleted(index);
    assertThat(activity.ids()).hasSize(ActivityLog.MIN_FORGET);
  }

  @Test
  void activityOutlivesTheProcess(@TempDir Path directory) {
    Path file = directory.resolve("data").resolve("ledger.json");
    UUID online = UUID.randomUUID();
    activity.parked(online, FROM);
    activity.parked(ID, FROM);
    activity.ended(ID, Tunnel.End.RESET);
    new ActivityFile(file, activity).save(Set.of(online));
    assertThat(file).isRegularFile();
    Instant seen = activity.lastSeen(ID).orElseThrow();
    clock.step(Duration.ofDays(3));

    ActivityLog next = new ActivityLog(clock, ID::equals);
    new ActivityFile(file, next).load();
    assertThat(next.lastSeen(ID)).contains(seen);
    assertThat(next.lastEnd(ID)).contains(new ActivityLog.End("reset", seen));
    assertThat(next.lastEnd(online).map(ActivityLog.End::why)).contains("broker restart");
  }

  @Test
  void brokenFileIsIgnored(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("ledger.json");
    for (String text : new String[] {"", "{", "[]", "{\"" + ID + "\":{\"seen\":\"x\"}}"}) {
      Files.writeString(file, text);
      new ActivityFile(file, activity).load();
      assertThat(activity.ids()).isEmpty();
    }
    new ActivityFile(file, activity).save(Set.of());
  }

  @Test
  void activityIsSavedWhenTheBrokerEnds(@TempDir Path directory) throws Exception {
    String file = directory.resolve("ledger.json").toString();
    UUID id;
    try (TestBroker broker = start(file);
        Peer tunnel = broker.park()) {
      id = broker.id();
      broker.broker().drain(Duration.ZERO);
      assertThat(tunnel.readAll()).isEmpty();
    }
    ActivityLog next = new ActivityLog(clock, ID::equals);
    new ActivityFile(Path.of(file), next).load();
    assertThat(next.lastEnd(id).map(ActivityLog.End::why)).isEqualTo(Optional.of("broker restart"));
  }

  @Test
  void secondBrokerOfADirectoryDoesNotWriteTheFile(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("ledger.json");
    try (TestBroker first = start(file.toString())) {
      try (TestBroker second = start(file.toString());
          Peer tunnel = second.park()) {
        second.awaitParked(1);
        assertThat(tunnel.hearsNothing()).isTrue();
      }
      assertThat(file).doesNotExist();
      try (Peer tunnel = first.park()) {
        first.awaitParked(1);
        assertThat(tunnel.hearsNothing()).isTrue();
      }
    }
    assertThat(Files.readString(file)).contains("seen");
  }

  private static TestBroker start(String file) throws Exception {
    return TestBroker.start(
        "admin.enabled", "true", "admin.token", AdminClient.TOKEN, "admin.ledger", file);
  }
}
