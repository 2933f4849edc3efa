package io.rendezvous.tunnel;

import static io.rendezvous.tunnel.Heart.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.tunnel.TunnelRegistry.Match;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Parking, taking, waiting and ending, step by step. */
class TunnelRegistryTest {
  private final Heart heart = new Heart();
  private final TunnelRegistry registry = heart.registry;

  private static Heart heart(int perId, int parked, int waitingPerId) {
    TunnelRegistry.Limits limits = Heart.LIMITS;
    return new Heart(
        new TunnelRegistry.Limits(
            perId, parked, waitingPerId, limits.patience(), limits.maxAge(), limits.probe()));
  }

  // Parking and taking.

  @Test
  void parkedTunnelIsTakenOnce() {
    FakeConnection connection = heart.park();
    heart.assertCounts(1, 0, 0);
    assertThat(heart.taken().connection()).isSameAs(connection);
    heart.assertCounts(0, 1, 0);
    assertThat(heart.take()).isInstanceOf(Match.Waiting.class);
    heart.assertCounts(0, 1, 1);
  }

  @Test
  void freshestIsTakenFirst() {
    heart.park();
    heart.passUnnoticed(Duration.ofSeconds(6));
    FakeConnection fresh = heart.park();
    assertThat(heart.taken().connection()).isSameAs(fresh);
  }

  @Test
  void oneOnTheClientsThreadIsPreferredIfAboutAsFresh() {
    FakeConnection near = heart.park();
    heart.passUnnoticed(Duration.ofSeconds(5));
    FakeConnection fresher = heart.connection(heart.otherLoop, "192.0.2.1");
    fresher.canBeProbed = false;
    heart.park(fresher);
    assertThat(heart.taken().connection()).isSameAs(near);
    assertThat(heart.taken().connection()).isSameAs(fresher);
  }

  @Test
  void oneOnTheClientsThreadIsNotPreferredIfMuchOlder() {
    heart.park();
    heart.passUnnoticed(Duration.ofSeconds(5).plusNanos(1));
    FakeConnection fresher = heart.connection(heart.otherLoop, "192.0.2.1");
    fresher.canBeProbed = false;
    heart.park(fresher);
    assertThat(heart.taken().connection()).isSameAs(fresher);
  }

  @Test
  void oldestOfTheSameSourceMakesRoom() {
    Heart small = heart(2, 100, 4);
    FakeConnection elsewhere = small.connection(small.loop, "198.51.100.7");
    small.park(elsewhere);
    FakeConnection old = small.park();
    FakeConnection newest = small.park();
    assertThat(old.events()).contains("dismissed");
    assertThat(elsewhere.isOpen()).isTrue();
    assertThat(newest.isOpen()).isTrue();
    small.assertCounts(2, 0, 0);
    assertThat(small.told).endsWith("parked", "ended REPLACED");
  }

  @Test
  void oldestOfAllMakesRoomForANewSource() {
    Heart small = heart(2, 100, 4);
    FakeConnection oldest = small.park();
    FakeConnection other = small.park();
    small.park(small.connection(small.loop, "198.51.100.7"));
    assertThat(oldest.events()).contains("dismissed");
    assertThat(other.isOpen()).isTrue();
  }

  @Test
  void registryIsFullAtItsLimit() {
    Heart small = heart(8, 2, 4);
    small.park();
    assertThat(small.registry.isFull()).isFalse();
    small.park();
    assertThat(small.registry.isFull()).isTrue();
    small.taken();
    assertThat(small.registry.isFull()).isFalse();
  }

  @Test
  void tunnelsOfOneIdAreNotAnothers() {
    heart.park(new UUID(2, 2), heart.connection(), heart.now());
    assertThat(heart.take()).isInstanceOf(Match.Absent.class);
    assertThat(registry.isConnected(ID)).isFalse();
    assertThat(registry.isConnected(new UUID(2, 2))).isTrue();
    assertThat(registry.counts()).containsOnlyKeys(new UUID(2, 2));
  }

  @Test
  void tunnelsOfOneLabelAreNotAnothers() {
    FakeConnection home = heart.parkFor("home");
    FakeConnection cellar = heart.parkFor("cellar");
    assertThat(registry.labels(ID)).containsExactlyInAnyOrder("home", "cellar");
    assertThat(registry.takeParked(ID, "attic", heart.loop)).isEmpty();
    assertThat(registry.takeParked(ID, "home", heart.loop))
        .map(Tunnel::connection)
        .containsSame(home);
    assertThat(registry.takeParked(ID, "home", heart.loop)).isEmpty();
    assertThat(registry.takeParked(ID, heart.loop)).map(Tunnel::connection).containsSame(cellar);
    assertThat(registry.labels(ID)).isEmpty();
  }

  @Test
  void parkedTunnelThatEndsIsGone() {
    FakeConnection connection = heart.park();
    connection.end(Tunnel.End.RESET);
    heart.assertCounts(0, 0, 0);
    assertThat(heart.told).containsExactly("parked", "ended RESET");
    connection.end(Tunnel.End.CLOSED); // once is enough
    assertThat(heart.told).hasSize(2);
  }

  // Being connected.

  @Test
  void idIsConnectedForAWhileAfterItsLastTunnel() {
    heart.park().end(Tunnel.End.CLOSED);
    heart.passUnnoticed(Duration.ofSeconds(5));
    assertThat(heart.take()).isInstanceOf(Match.Waiting.class);
    heart.passUnnoticed(Duration.ofNanos(1));
    assertThat(registry.isConnected(ID)).isFalse();
    assertThat(heart.take()).isInstanceOf(Match.Absent.class);
  }

  @Test
  void idIsConnectedWhileAClientHasATunnel() {
    heart.park();
    Tunnel tunnel = heart.taken();
    heart.pass(Duration.ofHours(1));
    assertThat(registry.isConnected(ID)).isTrue();
    registry.over(tunnel);
    heart.pass(Duration.ofSeconds(5));
    assertThat(registry.isConnected(ID)).isTrue();
    heart.pass(Duration.ofSeconds(1));
    assertThat(registry.isConnected(ID)).isFalse();
    assertThat(registry.counts()).isEmpty(); // it is forgotten
  }

  @Test
  void announcedTunnelIsWaitedFor() {
    registry.announce(ID);
    Heart.Client client = new Heart.Client();
    assertThat(heart.take(client)).isEqualTo(new Match.Waiting(false));
    FakeConnection connection = heart.park();
    assertThat(client.offer().connection()).isSameAs(connection);
  }

  @Test
  void strangerIsAbsent() {
    assertThat(heart.take()).isInstanceOf(Match.Absent.class);
    assertThat(registry.counts(ID)).isEqualTo(Presence.Counts.NONE);
    assertThat(registry.stopWaiting(ID, new Heart.Client())).isFalse();
  }

  // Waiting.

  @Test
  void firstComeIsFirstServed() {
    registry.announce(ID);
    Heart.Client first = new Heart.Client();
    Heart.Client second = new Heart.Client();
    heart.take(first);
    heart.take(second);
    FakeConnection one = heart.park();
    assertThat(first.offer().connection()).isSameAs(one);
    assertThat(second.wasOffered()).isFalse();
    heart.assertCounts(0, 1, 1);
    FakeConnection two = heart.park();
    assertThat(second.offer().connection()).isSameAs(two);
    heart.assertCounts(0, 2, 0);
  }

  @Test
  void tooManyMayNotWait() {
    registry.announce(ID);
    for (int i = 0; i < 4; i++) {
      assertThat(heart.take()).isInstanceOf(Match.Waiting.class);
    }
    assertThat(heart.take()).isInstanceOf(Match.Crowded.class);
    heart.assertCounts(0, 0, 4);
  }

  @Test
  void whoStopsWaitingIsNotServed() {
    registry.announce(ID);
    Heart.Client left = new Heart.Client();
    Heart.Client stays = new Heart.Client();
    heart.take(left);
    heart.take(stays);
    assertThat(registry.stopWaiting(ID, left)).isTrue();
    assertThat(registry.stopWaiting(ID, left)).isFalse();
    heart.park();
    assertThat(left.wasOffered()).isFalse();
    assertThat(stays.wasOffered()).isTrue();
  }

  @Test
  void whoWasServedCannotStopWaiting() {
    registry.announce(ID);
    Heart.Client client = new Heart.Client();
    heart.take(client);
    heart.park();
    assertThat(registry.stopWaiting(ID, client)).isFalse();
  }

  @Test
  void tunnelThatIsPutBackGoesToTheNextClient() {
    registry.announce(ID);
    Heart.Client left = new Heart.Client();
    Heart.Client next = new Heart.Client();
    heart.take(left);
    heart.take(next);
    FakeConnection connection = heart.park();
    registry.putBack(left.offer());
    heart.loop.run();
    assertThat(next.offer().connection()).isSameAs(connection);
    heart.assertCounts(0, 1, 0);
  }

  @Test
  void tunnelThatIsPutBackIsParkedIfNobodyWaits() {
    FakeConnection connection = heart.park();
    registry.putBack(heart.taken());
    heart.loop.run();
    heart.assertCounts(1, 0, 0);
    assertThat(heart.taken().connection()).isSameAs(connection);
  }

  @Test
  void tunnelThatEndedBeforeItIsPutBackIsGone() {
    FakeConnection connection = heart.park();
    Tunnel tunnel = heart.taken();
    connection.abort();
    registry.putBack(tunnel);
    heart.loop.run();
    heart.assertCounts(0, 0, 0);
  }

  // Age.

  @Test
  void oldTunnelIsRetiredIfThereIsAnother() {
    FakeConnection old = heart.park();
    heart.pass(Duration.ofMinutes(8));
    FakeConnection fresh = heart.park();
    heart.pass(Duration.ofMinutes(2));
    assertThat(old.events()).contains("dismissed");
    assertThat(fresh.isOpen()).isTrue();
    assertThat(heart.told).endsWith("ended RETIRED");
    heart.assertCounts(1, 0, 0);
  }

  @Test
  void tunnelIsNotRetiredBeforeNineTenthsOfItsAge() {
    FakeConnection old = heart.park();
    heart.park();
    heart.pass(Duration.ofMinutes(9).minusNanos(1));
    assertThat(old.isOpen()).isTrue();
  }

  @Test
  void lastTunnelHasAMinuteMore() {
    FakeConnection last = heart.park();
    heart.pass(Duration.ofMinutes(10));
    assertThat(last.isOpen()).isTrue();
    heart.pass(Duration.ofMinutes(1));
    assertThat(last.isOpen()).isFalse();
    heart.assertCounts(0, 0, 0);
  }

  @Test
  void tunnelOfAClientHasNoAge() {
    FakeConnection connection = heart.park();
    heart.taken();
    heart.pass(Duration.ofHours(1));
    assertThat(connection.isOpen()).isTrue();
  }

  // Revoking, replacing, draining.

  @Test
  void revokedIdLosesAll() {
    FakeConnection paired = heart.park();
    Tunnel tunnel = heart.taken();
    int[] ended = new int[1];
    registry.paired(tunnel, () -> ended[0]++);
    FakeConnection parked = heart.park();
    Heart.Client waiting = new Heart.Client();
    heart.taken();
    heart.take(waiting);
    registry.revoke(ID);
    assertThat(paired.isOpen()).isTrue(); // its relay ends it
    assertThat(ended[0]).isEqualTo(1);
    assertThat(parked.events()).doesNotContain("dismissed"); // a client has it
    assertThat(waiting.dismissed).isEqualTo(Tunnel.End.REVOKED);
    heart.assertCounts(0, 0, 0);
    assertThat(heart.take()).isInstanceOf(Match.Absent.class);
    registry.over(tunnel);
    heart.assertCounts(0, 0, 0);
  }

  @Test
  void revokedIdLosesWhatIsParked() {
    FakeConnection parked = heart.park();
    registry.revoke(ID);
    assertThat(parked.events()).containsExactly("dismissed");
    assertThat(heart.told).endsWith("ended REVOKED");
  }

  @Test
  void tunnelOfAnEntryThatWasRevokedMeanwhileIsNotParked() {
    long before = heart.now();
    heart.passUnnoticed(Duration.ofMillis(1));
    registry.revoke(ID);
    FakeConnection late = heart.park(ID, heart.connection(), before);
    assertThat(late.events()).containsExactly("dismissed");
    assertThat(heart.told).containsExactly("ended REVOKED");
    FakeConnection anew = heart.park();
    assertThat(anew.isOpen()).isTrue();
  }

  @Test
  void revocationIsRememberedForAMinute() {
    long before = heart.now();
    heart.passUnnoticed(Duration.ofMillis(1));
    registry.revoke(ID);
    heart.pass(Duration.ofMinutes(1));
    assertThat(heart.park(ID, heart.connection(), before).isOpen()).isFalse();
    heart.pass(Duration.ofMillis(1));
    assertThat(heart.park(ID, heart.connection(), before).isOpen()).isTrue();
  }

  @Test
  void tunnelThatWasTakenBeforeItsEntryWasRevokedEndsWhenItIsUsed() {
    heart.park();
    Tunnel tunnel = heart.taken();
    registry.revoke(ID);
    int[] ended = new int[1];
    registry.paired(tunnel, () -> ended[0]++);
    assertThat(ended[0]).isEqualTo(1);
  }

  @Test
  void tunnelOfARevokedEntryIsNotPutBack() {
    FakeConnection connection = heart.park();
    Tunnel tunnel = heart.taken();
    heart.passUnnoticed(Duration.ofMillis(1));
    registry.revoke(ID);
    registry.putBack(tunnel);
    heart.loop.run();
    assertThat(connection.events()).contains("dismissed");
    heart.assertCounts(0, 0, 0);
  }

  @Test
  void replacedIdLosesWhatIsParkedAndKeepsItsPairs() {
    FakeConnection paired = heart.park();
    Tunnel tunnel = heart.taken();
    int[] ended = new int[1];
    registry.paired(tunnel, () -> ended[0]++);
    FakeConnection parked = heart.park();
    heart.passUnnoticed(Duration.ofMillis(1));
    registry.replace(ID);
    assertThat(parked.events()).containsExactly("dismissed");
    assertThat(paired.isOpen()).isTrue();
    assertThat(ended[0]).isZero();
    heart.assertCounts(0, 1, 0);
    registry.replace(new UUID(7, 7)); // which is not there
  }

  @Test
  void drainingEndsWhatIsParkedAndWaiting() {
    FakeConnection parked = heart.park();
    registry.announce(new UUID(2, 2));
    Heart.Client waiting = new Heart.Client();
    registry.take(new UUID(2, 2), heart.loop, waiting);
    registry.drain();
    assertThat(parked.events()).containsExactly("dismissed");
    assertThat(waiting.dismissed).isEqualTo(Tunnel.End.DRAINED);
    assertThat(heart.take()).isInstanceOf(Match.Draining.class);
    assertThat(registry.take(new UUID(9, 9), heart.loop, waiting))
        .isInstanceOf(Match.Draining.class);
    assertThat(registry.isFull()).isTrue();
    FakeConnection late = heart.park();
    assertThat(late.events()).containsExactly("dismissed");
    assertThat(heart.told).endsWith("ended DRAINED");
    heart.assertCounts(0, 0, 0);
  }

  @Test
  void proxyHeaderAndOriginAreTheTunnels() {
    heart.park();
    Tunnel tunnel = heart.taken();
    assertThat(tunnel.id()).isEqualTo(ID);
    assertThat(tunnel.label()).isEmpty();
    assertThat(tunnel.wantsProxyHeader()).isFalse();
    assertThat(tunnel.askedFrom().getPort()).isEqualTo(1);
    assertThat(tunnel).hasToString("tunnel c1");
  }

  @Test
  void patienceAndTimeAreTheRegistrys() {
    assertThat(registry.patience()).isEqualTo(Duration.ofSeconds(5));
    assertThat(registry.now()).isEqualTo(heart.now());
  }
}
