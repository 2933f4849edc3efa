package io.rendezvous.tunnel;

import static io.rendezvous.tunnel.TestRegistry.ASKED_FROM;
import static io.rendezvous.tunnel.TestRegistry.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.tunnel.FakeConnection.Fate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** A tunnel is parked, replaces another, or is announced. */
class ParkTest {
  private static final UUID OTHER_ID = new UUID(2, 2);

  private final TestRegistry test = new TestRegistry();
  private final TunnelRegistry registry = test.registry;

  private static TestRegistry withPerId(int perId) {
    return new TestRegistry(TestRegistry.limits(perId, 100, 4));
  }

  @Test
  void parkedTunnelIsCountedAndTold() {
    FakeConnection connection = test.park();
    test.assertCounts(1, 0, 0);
    assertThat(test.told()).containsExactly("parked");
    assertThat(registry.isConnected(ID)).isTrue();
    assertThat(connection.isOpen()).isTrue();
  }

  @Test
  void tunnelKnowsItsEntryAndItsOrigin() {
    Entry entry = Entry.create(ID, List.of(), 8, Instant.EPOCH, List.of("proxyProtocol"));
    registry.park(entry, "home", ASKED_FROM, test.connection(), test.now());
    Tunnel tunnel = test.taken();
    assertThat(tunnel.id()).isEqualTo(ID);
    assertThat(tunnel.label()).isEqualTo("home");
    assertThat(tunnel.askedFrom()).isEqualTo(ASKED_FROM);
    assertThat(tunnel.wantsProxyHeader()).isTrue();
    assertThat(tunnel).hasToString("tunnel c1");
    test.park();
    assertThat(test.taken().wantsProxyHeader()).isFalse();
  }

  @Test
  void tunnelsOfOneIdShareOneObjectForIt() {
    test.park(new UUID(1, 1), test.connection(), test.now());
    Tunnel first = test.taken();
    test.park(new UUID(1, 1), test.connection(), test.now());
    assertThat(test.taken().id()).isSameAs(first.id());
  }

  @Test
  void oldestOfTheSameSourceMakesRoom() {
    TestRegistry small = withPerId(2);
    FakeConnection elsewhere = small.parkFrom("198.51.100.7");
    FakeConnection old = small.park();
    small.told();
    FakeConnection newest = small.park();
    assertThat(old.fate()).isEqualTo(Fate.DISMISSED);
    assertThat(elsewhere.isOpen()).isTrue();
    assertThat(newest.isOpen()).isTrue();
    small.assertCounts(2, 0, 0);
    assertThat(small.told()).containsExactly("parked", "ended REPLACED");
  }

  @Test
  void newLimitsHoldForTheNextTunnel() {
    FakeConnection old = test.park();
    test.park();
    registry.setLimits(TestRegistry.limits(2, 3, 4));
    assertThat(old.isOpen()).isTrue();
    test.park();
    assertThat(old.fate()).isEqualTo(Fate.DISMISSED);
    assertThat(registry.isFull()).isFalse();
    registry.setLimits(TestRegistry.limits(2, 2, 4));
    assertThat(registry.isFull()).isTrue();
  }

  @Test
  void oldestOfAllMakesRoomForANewSource() {
    TestRegistry small = withPerId(2);
    FakeConnection oldest = small.park();
    FakeConnection other = small.park();
    FakeConnection newest = small.parkFrom("198.51.100.7");
    assertThat(oldest.fate()).isEqualTo(Fate.DISMISSED);
    assertThat(other.isOpen()).isTrue();
    assertThat(newest.isOpen()).isTrue();
  }

  @Test
  void nothingMakesRoomWhereThereIsSome() {
    TestRegistry small = withPerId(2);
    small.park();
    small.park();
    Tunnel taken = small.taken();
    small.park();
    small.assertCounts(2, 1, 0);
    small.registry.over(taken);
    assertThat(small.told()).containsOnly("parked");
  }

  @Test
  void registryIsFullAtItsLimit() {
    TestRegistry small = new TestRegistry(TestRegistry.limits(8, 2, 4));
    small.park();
    assertThat(small.registry.isFull()).isFalse();
    small.park(OTHER_ID, small.connection(), small.now());
    assertThat(small.registry.isFull()).isTrue();
    small.taken();
    assertThat(small.registry.isFull()).isFalse();
  }

  @Test
  void tunnelsOfTwoIdsAreApart() {
    test.park(OTHER_ID, test.connection(), test.now());
    assertThat(test.take()).isInstanceOf(Match.Absent.class);
    assertThat(registry.isConnected(ID)).isFalse();
    assertThat(registry.isConnected(OTHER_ID)).isTrue();
    assertThat(registry.counts()).containsOnlyKeys(OTHER_ID);
    assertThat(registry.counts(OTHER_ID).parked()).isEqualTo(1);
  }

  @Test
  void totalsAreThoseOfAllIds() {
    test.park();
    test.park(OTHER_ID, test.connection(), test.now());
    test.park(OTHER_ID, test.connection(), test.now());
    test.taken();
    assertThat(registry.totals()).isEqualTo(new Presence.Totals(2, 2, 1, 0));
  }

  @Test
  void parkedTunnelThatEndsIsGone() {
    FakeConnection connection = test.park();
    connection.end(Tunnel.End.RESET);
    test.assertCounts(0, 0, 0);
    assertThat(test.told()).containsExactly("parked", "ended RESET");
    connection.end(Tunnel.End.CLOSED); // once is enough
    assertThat(test.told()).isEmpty();
  }

  @Test
  void tunnelThatEndsAfterItWasTakenIsNotTold() {
    FakeConnection connection = test.park();
    Tunnel tunnel = test.taken();
    test.told();
    connection.end(Tunnel.End.CLOSED);
    assertThat(test.told()).isEmpty();
    test.assertCounts(0, 1, 0);
    registry.over(tunnel);
    test.assertCounts(0, 0, 0);
  }

  // Being connected.

  @Test
  void strangerIsAbsent() {
    assertThat(test.take()).isInstanceOf(Match.Absent.class);
    assertThat(registry.counts(ID)).isEqualTo(Presence.Counts.NONE);
    assertThat(registry.labels(ID)).isEmpty();
    assertThat(registry.takeParked(ID, test.loop)).isEmpty();
    assertThat(registry.stopWaiting(ID, test.client())).isFalse();
  }

  @Test
  void idIsConnectedForAWhileAfterItsLastTunnel() {
    test.park().end(Tunnel.End.CLOSED);
    test.pass(Duration.ofSeconds(5));
    assertThat(test.take()).isInstanceOf(Match.Waiting.class);
    test.pass(Duration.ofNanos(1));
    assertThat(registry.isConnected(ID)).isFalse();
    assertThat(test.take()).isInstanceOf(Match.Absent.class);
  }

  @Test
  void idIsConnectedWhileAClientHasATunnel() {
    test.park();
    Tunnel tunnel = test.taken();
    test.pass(Duration.ofHours(1));
    test.sweep();
    assertThat(registry.isConnected(ID)).isTrue();
    registry.over(tunnel);
    test.pass(Duration.ofSeconds(5));
    test.sweep();
    assertThat(registry.isConnected(ID)).isTrue();
    test.pass(Duration.ofNanos(1));
    assertThat(registry.isConnected(ID)).isFalse();
    test.sweep();
    assertThat(registry.counts()).isEmpty(); // it is forgotten
  }

  @Test
  void announcedTunnelIsWaitedFor() {
    registry.announce(ID);
    FakeClient client = test.client();
    assertThat(test.take(client)).isEqualTo(new Match.Waiting(false));
    test.assertCounts(0, 0, 1);
    FakeConnection connection = test.park();
    assertThat(client.offer().connection()).isSameAs(connection);
    test.assertCounts(0, 1, 0);
  }

  @Test
  void announcementHoldsForAsLongAsAClientWaits() {
    registry.announce(ID);
    test.pass(Duration.ofSeconds(5));
    assertThat(registry.isConnected(ID)).isTrue();
    test.pass(Duration.ofNanos(1));
    assertThat(registry.isConnected(ID)).isFalse();
    registry.announce(ID);
    assertThat(registry.isConnected(ID)).isTrue();
  }

  @Test
  void idThatSomebodyWaitsForIsNotForgotten() {
    registry.announce(ID);
    FakeClient client = test.waiting();
    test.pass(Duration.ofMinutes(1));
    test.sweep();
    assertThat(registry.stopWaiting(ID, client)).isTrue();
    test.sweep();
    assertThat(registry.counts()).isEmpty();
  }

  @Test
  void patienceAndTimeComeFromTheRegistry() {
    assertThat(registry.patience()).isEqualTo(Duration.ofSeconds(5));
    assertThat(registry.now()).isEqualTo(test.now());
  }
}
