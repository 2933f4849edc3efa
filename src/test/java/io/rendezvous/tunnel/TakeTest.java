package io.rendezvous.tunnel;

import static io.rendezvous.tunnel.TestRegistry.ID;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A client takes the right tunnel, and nobody else does. */
class TakeTest {
  private final TestRegistry test = new TestRegistry();
  private final TunnelRegistry registry = test.registry;

  @Test
  void parkedTunnelIsTakenOnce() {
    FakeConnection connection = test.park();
    assertThat(test.taken().connection()).isSameAs(connection);
    test.assertCounts(0, 1, 0);
    assertThat(test.take()).isEqualTo(new Match.Waiting(false));
    test.assertCounts(0, 1, 1);
  }

  @Test
  void freshestIsTakenFirst() {
    FakeConnection old = test.park();
    test.pass(Duration.ofSeconds(6));
    FakeConnection fresh = test.park();
    assertThat(test.taken().connection()).isSameAs(fresh);
    assertThat(test.taken().connection()).isSameAs(old);
  }

  @Test
  void oneOnTheClientsThreadIsPreferredIfItIsFiveSecondsOlder() {
    FakeConnection near = test.park();
    test.pass(Duration.ofSeconds(5));
    FakeConnection fresher = test.parkOn(test.otherLoop);
    assertThat(test.taken().connection()).isSameAs(near);
    assertThat(test.taken().connection()).isSameAs(fresher);
  }

  @Test
  void oneOnTheClientsThreadIsNotPreferredIfItIsMoreThanFiveSecondsOlder() {
    test.park();
    test.pass(Duration.ofSeconds(5).plusNanos(1));
    FakeConnection fresher = test.parkOn(test.otherLoop);
    assertThat(test.taken().connection()).isSameAs(fresher);
  }

  @Test
  void freshestOfTheClientsThreadIsPreferred() {
    test.park();
    test.pass(Duration.ofSeconds(1));
    FakeConnection near = test.park();
    test.pass(Duration.ofSeconds(1));
    test.parkOn(test.otherLoop);
    assertThat(test.taken().connection()).isSameAs(near);
  }

  @Test
  void freshestIsTakenWhereNoneIsOnTheClientsThread() {
    test.parkOn(test.otherLoop);
    test.pass(Duration.ofSeconds(1));
    FakeConnection fresher = test.parkOn(test.otherLoop);
    assertThat(test.taken().connection()).isSameAs(fresher);
  }

  @Test
  void tunnelsOfTwoLabelsAreApart() {
    FakeConnection home = test.parkFor("home");
    FakeConnection cellar = test.parkFor("cellar");
    assertThat(registry.labels(ID)).containsExactlyInAnyOrder("home", "cellar");
    assertThat(registry.takeParked(ID, "attic", test.loop)).isEmpty();
    assertThat(registry.takeParked(ID, "home", test.loop))
        .map(Tunnel::connection)
        .containsSame(home);
    assertThat(registry.takeParked(ID, "home", test.loop)).isEmpty();
    assertThat(registry.takeParked(ID, test.loop)).map(Tunnel::connection).containsSame(cellar);
    assertThat(registry.labels(ID)).isEmpty();
    test.assertCounts(0, 2, 0);
  }

  @Test
  void tunnelThatIsPutBackIsParkedIfNobodyWaits() {
    FakeConnection connection = test.park();
    test.putBack(test.taken());
    test.assertCounts(1, 0, 0);
    assertThat(test.taken().connection()).isSameAs(connection);
  }

  @Test
  void tunnelIsPutBackOnItsOwnThread() {
    test.park();
    registry.putBack(test.taken());
    test.assertCounts(0, 1, 0); // until the thread runs
    test.run();
    test.assertCounts(1, 0, 0);
  }

  @Test
  void tunnelThatEndedBeforeItIsPutBackIsGone() {
    FakeConnection connection = test.park();
    Tunnel tunnel = test.taken();
    connection.end(Tunnel.End.CLOSED);
    test.putBack(tunnel);
    test.assertCounts(0, 0, 0);
  }

  @Test
  void tunnelThatIsPutBackIsWatchedOn() {
    FakeConnection connection = test.park();
    test.putBack(test.taken());
    connection.end(Tunnel.End.CLOSED);
    test.assertCounts(0, 0, 0);
    assertThat(test.told()).containsExactly("parked", "parked", "ended CLOSED");
  }

  @Test
  void tunnelThatIsPutBackIsNoFresherThanBefore() {
    FakeConnection old = test.park();
    Tunnel tunnel = test.taken();
    test.pass(Duration.ofSeconds(6));
    FakeConnection fresh = test.parkOn(test.otherLoop);
    test.putBack(tunnel);
    assertThat(test.taken().connection()).isSameAs(fresh);
    assertThat(test.taken().connection()).isSameAs(old);
  }

  @Test
  void tunnelThatIsPutBackIsTheOldestAndMakesRoomFirst() {
    TestRegistry small = new TestRegistry(TestRegistry.limits(2, 100, 4));
    FakeConnection old = small.park();
    Tunnel tunnel = small.taken();
    small.pass(Duration.ofSeconds(1));
    FakeConnection fresh = small.park();
    small.putBack(tunnel);
    small.park();
    assertThat(old.isOpen()).isFalse();
    assertThat(fresh.isOpen()).isTrue();
  }

  @Test
  void tunnelsThatArePutBackAreInOrderWhicheverComesFirst() {
    FakeConnection[] connections = new FakeConnection[4];
    Tunnel[] tunnels = new Tunnel[4];
    for (int i = 0; i < 4; i++) {
      connections[i] = test.parkOn(test.otherLoop);
      tunnels[i] = test.taken();
      test.pass(Duration.ofSeconds(6));
    }
    for (int i : new int[] {2, 0, 3, 1}) {
      test.putBack(tunnels[i]);
    }
    for (int i = 3; i >= 0; i--) {
      assertThat(test.taken().connection()).isSameAs(connections[i]);
    }
  }

  @Test
  void endOfAnUnknownTunnelChangesNothing() {
    test.park();
    Tunnel tunnel = test.taken();
    registry.over(tunnel);
    registry.over(tunnel);
    test.assertCounts(0, 0, 0);
    test.pass(Duration.ofMinutes(1));
    test.sweep();
    registry.over(tunnel);
    assertThat(registry.isConnected(ID)).isFalse();
    assertThat(registry.counts()).isEmpty();
  }
}
