package io.rendezvous.tunnel;

import static io.rendezvous.tunnel.TestRegistry.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.tunnel.FakeConnection.Fate;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** An ID is revoked or replaced, or the broker is drained. */
class RevokeTest {
  private final TestRegistry test = new TestRegistry();
  private final TunnelRegistry registry = test.registry;
  private int relaysEnded;

  private Tunnel paired() {
    Tunnel tunnel = test.taken();
    registry.paired(tunnel, () -> relaysEnded++);
    return tunnel;
  }

  @Test
  void revokedIdLosesWhatIsParked() {
    FakeConnection parked = test.park();
    registry.revoke(ID);
    assertThat(parked.fate()).isEqualTo(Fate.DISMISSED);
    assertThat(test.told()).containsExactly("parked", "ended REVOKED");
    test.assertCounts(0, 0, 0);
    assertThat(registry.counts()).isEmpty();
  }

  @Test
  void revokedIdLosesItsRelays() {
    FakeConnection connection = test.park();
    Tunnel tunnel = paired();
    registry.revoke(ID);
    assertThat(relaysEnded).isEqualTo(1);
    assertThat(connection.fate()).isEqualTo(Fate.NONE); // its relay ends it
    test.assertCounts(0, 0, 0);
    registry.over(tunnel);
    test.assertCounts(0, 0, 0);
  }

  @Test
  void clientsThatWaitForARevokedIdAreDismissed() {
    registry.announce(ID);
    FakeClient client = test.waiting();
    registry.revoke(ID);
    assertThat(client.dismissal()).isEqualTo(Tunnel.End.REVOKED);
    assertThat(registry.stopWaiting(ID, client)).isFalse();
    assertThat(test.take()).isInstanceOf(Match.Absent.class);
    test.assertCounts(0, 0, 0);
  }

  @Test
  void otherIdsAreNotRevoked() {
    UUID other = new UUID(2, 2);
    FakeConnection parked = test.park(other, test.connection(), test.now());
    registry.revoke(ID);
    assertThat(parked.isOpen()).isTrue();
    assertThat(registry.isConnected(other)).isTrue();
  }

  @Test
  void revokedIdMayComeBack() {
    test.park();
    registry.revoke(ID);
    test.pass(Duration.ofMillis(1));
    FakeConnection anew = test.park();
    assertThat(anew.isOpen()).isTrue();
    assertThat(test.taken().connection()).isSameAs(anew);
  }

  @Test
  void tunnelOfAnEntryThatWasRevokedMeanwhileIsNotParked() {
    long before = test.now();
    test.pass(Duration.ofMillis(1));
    registry.revoke(ID);
    FakeConnection late = test.park(ID, test.connection(), before);
    assertThat(late.fate()).isEqualTo(Fate.DISMISSED);
    assertThat(test.told()).containsExactly("ended REVOKED");
    assertThat(registry.isConnected(ID)).isFalse();
  }

  @Test
  void revocationIsRememberedForAMinute() {
    long before = test.now();
    test.pass(Duration.ofMillis(1));
    registry.revoke(ID);
    test.pass(Duration.ofMinutes(1));
    test.sweep();
    assertThat(test.park(ID, test.connection(), before).isOpen()).isFalse();
    test.pass(Duration.ofNanos(1));
    test.sweep();
    assertThat(test.park(ID, test.connection(), before).isOpen()).isTrue();
  }

  @Test
  void relayOfATunnelThatWasTakenBeforeTheRevocationEndsAtOnce() {
    test.park();
    Tunnel tunnel = test.taken();
    registry.revoke(ID);
    registry.paired(tunnel, () -> relaysEnded++);
    assertThat(relaysEnded).isEqualTo(1);
  }

  @Test
  void relayOfATunnelThatWasTakenBeforeTheRevocationEndsAlsoIfTheIdIsBack() {
    test.park();
    Tunnel tunnel = test.taken();
    registry.revoke(ID);
    test.pass(Duration.ofMillis(1));
    test.park();
    registry.paired(tunnel, () -> relaysEnded++);
    assertThat(relaysEnded).isEqualTo(1);
    registry.over(tunnel);
    test.assertCounts(1, 0, 0);
  }

  @Test
  void tunnelOfARevokedEntryIsNotPutBack() {
    FakeConnection connection = test.park();
    Tunnel tunnel = test.taken();
    test.pass(Duration.ofMillis(1));
    registry.revoke(ID);
    test.putBack(tunnel);
    assertThat(connection.fate()).isEqualTo(Fate.DISMISSED);
    test.assertCounts(0, 0, 0);
    assertThat(registry.isConnected(ID)).isFalse();
  }

  @Test
  void replacedIdLosesWhatIsParkedAndKeepsItsRelays() {
    FakeConnection relayed = test.park();
    paired();
    FakeConnection parked = test.park();
    test.told();
    registry.replace(ID);
    assertThat(parked.fate()).isEqualTo(Fate.DISMISSED);
    assertThat(test.told()).containsExactly("ended REPLACED");
    assertThat(relayed.isOpen()).isTrue();
    assertThat(relaysEnded).isZero();
    test.assertCounts(0, 1, 0);
  }

  @Test
  void tunnelThatIsAboutToBeParkedIsReplacedToo() {
    long before = test.now();
    test.pass(Duration.ofMillis(1));
    registry.replace(ID);
    assertThat(test.park(ID, test.connection(), before).isOpen()).isFalse();
    assertThat(test.park().isOpen()).isTrue();
  }

  @Test
  void drainingEndsWhatIsParkedAndWaitingAndLeavesRelays() {
    FakeConnection relayed = test.park();
    paired();
    FakeConnection parked = test.park();
    UUID other = new UUID(2, 2);
    registry.announce(other);
    FakeClient waiting = test.client();
    registry.take(other, test.loop, waiting);
    test.told();
    registry.drain();
    assertThat(parked.fate()).isEqualTo(Fate.DISMISSED);
    assertThat(waiting.dismissal()).isEqualTo(Tunnel.End.DRAINED);
    assertThat(test.told()).containsExactly("ended DRAINED");
    assertThat(relayed.isOpen()).isTrue();
    assertThat(relaysEnded).isZero();
    test.assertCounts(0, 1, 0);
  }

  @Test
  void drainedRegistryTakesNothingMore() {
    test.park();
    Tunnel taken = test.taken();
    registry.drain();
    assertThat(registry.isFull()).isTrue();
    assertThat(test.take()).isInstanceOf(Match.Draining.class);
    assertThat(registry.take(new UUID(9, 9), test.loop, test.client()))
        .isInstanceOf(Match.Draining.class);
    test.told();
    FakeConnection late = test.park();
    test.putBack(taken);
    assertThat(late.fate()).isEqualTo(Fate.DISMISSED);
    assertThat(test.told()).containsExactly("ended DRAINED", "ended DRAINED");
    test.assertCounts(0, 0, 0);
  }
}
