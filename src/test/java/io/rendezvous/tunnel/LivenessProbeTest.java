package io.rendezvous.tunnel;

import static io.rendezvous.tunnel.TestRegistry.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.tunnel.FakeConnection.Fate;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A tunnel that was silent for long is probed before a client gets it. */
class LivenessProbeTest {
  private static final Duration PROBE = TestRegistry.LIMITS.probe();

  /** How long an answer is awaited. */
  private static final Duration TIME = Duration.ofSeconds(2);

  private final TestRegistry test = new TestRegistry();

  private void passAndRun(Duration time) {
    test.pass(time);
    test.run();
  }

  @Test
  void tunnelThatWasHeardLatelyIsTakenWithoutAProbe() {
    FakeConnection connection = test.parkAnswering();
    test.pass(PROBE.minusNanos(1));
    assertThat(test.taken().connection()).isSameAs(connection);
    assertThat(connection.probes()).isEqualTo(1); // the test
  }

  @Test
  void tunnelThatWasNotHeardIsProbedBeforeAClientGetsIt() {
    FakeConnection connection = test.parkAnswering();
    test.pass(PROBE);
    FakeClient client = test.client();
    assertThat(test.take(client)).isEqualTo(new Match.Waiting(true));
    assertThat(connection.probes()).isEqualTo(2);
    test.assertCounts(1, 0, 1);
    test.told();
    test.pass(Duration.ofMillis(7));
    connection.answer();
    assertThat(client.offer().connection()).isSameAs(connection);
    assertThat(test.told()).containsExactly("probed ANSWERED after 7");
    test.assertCounts(0, 1, 0);
  }

  @Test
  void entryThatTookLongToLookUpMakesTheTunnelSilentForThatTime() {
    test.parkAnswering().end(Tunnel.End.CLOSED);
    FakeConnection connection = test.park(ID, test.connection(), test.now() - PROBE.toNanos());
    test.waiting();
    assertThat(connection.isProbed()).isTrue();
  }

  @Test
  void silentTunnelIsGivenUpAfterTwoSecondsAndTheNextIsProbed() {
    FakeConnection older = test.parkAnswering();
    FakeConnection fresher = test.parkAnswering();
    test.pass(PROBE);
    FakeClient client = test.waiting();
    assertThat(fresher.isProbed()).isTrue();
    assertThat(older.isProbed()).isFalse();
    test.told();
    passAndRun(TIME.minusNanos(1));
    assertThat(fresher.isOpen()).isTrue();
    passAndRun(Duration.ofNanos(1));
    assertThat(fresher.fate()).isEqualTo(Fate.ABORTED);
    assertThat(test.told()).containsExactly("probed SILENT after 2000", "ended UNPROVEN");
    test.assertCounts(1, 0, 1);
    older.answer();
    assertThat(client.offer().connection()).isSameAs(older);
  }

  @Test
  void allOthersThatWereNotHeardLatelyAreProbedWhenOneIsSilent() {
    FakeConnection first = test.parkAnswering();
    FakeConnection second = test.parkAnswering();
    FakeConnection third = test.parkAnswering();
    test.pass(PROBE);
    test.registry.stopWaiting(ID, test.waiting());
    assertThat(third.isProbed()).isTrue();
    FakeConnection fresh = test.park(test.connection());
    FakeConnection unprobeable = test.park();
    passAndRun(TIME);
    assertThat(third.fate()).isEqualTo(Fate.ABORTED);
    assertThat(first.isProbed()).isTrue();
    assertThat(second.isProbed()).isTrue();
    assertThat(fresh.isProbed()).isFalse();
    assertThat(unprobeable.isProbed()).isFalse();
  }

  @Test
  void allThatAreSilentAreGivenUpWithinTwiceTheTime() {
    FakeConnection[] silent = new FakeConnection[5];
    for (int i = 0; i < 5; i++) {
      silent[i] = test.parkAnswering();
    }
    test.pass(PROBE);
    FakeClient client = test.waiting();
    passAndRun(TIME);
    test.assertCounts(4, 0, 1);
    passAndRun(TIME);
    assertThat(silent).extracting(FakeConnection::fate).containsOnly(Fate.ABORTED);
    test.assertCounts(0, 0, 1); // the client's patience of five seconds is not over yet
    FakeConnection fresh = test.park(test.connection());
    assertThat(client.offer().connection()).isSameAs(fresh);
  }

  @Test
  void freshTunnelGoesToTheClientWhileASilentOneIsProbed() {
    FakeConnection silent = test.parkAnswering();
    test.pass(PROBE);
    FakeClient client = test.waiting();
    FakeConnection fresh = test.park(test.connection());
    assertThat(client.offer().connection()).isSameAs(fresh);
    test.told();
    passAndRun(TIME);
    assertThat(silent.fate()).isEqualTo(Fate.ABORTED);
    assertThat(test.told()).containsExactly("probed SILENT after 2000", "ended UNPROVEN");
  }

  @Test
  void eachWaitingClientHasOneTunnelProbed() {
    FakeConnection first = test.parkAnswering();
    FakeConnection second = test.parkAnswering();
    test.pass(PROBE);
    FakeClient one = test.waiting();
    assertThat(second.isProbed()).isTrue();
    assertThat(first.isProbed()).isFalse();
    FakeClient two = test.waiting();
    assertThat(first.isProbed()).isTrue();
    FakeClient three = test.waiting(); // no tunnel is left to be probed
    first.answer();
    assertThat(one.offer().connection()).isSameAs(first); // first come, first served
    second.answer();
    assertThat(two.offer().connection()).isSameAs(second);
    assertThat(three.wasOffered()).isFalse();
    test.assertCounts(0, 2, 1);
  }

  @Test
  void clientThatComesWhileAProbeIsUnderWayForNobodyHasNoOtherSent() {
    FakeConnection first = test.parkAnswering();
    FakeConnection second = test.parkAnswering();
    test.pass(PROBE);
    test.registry.stopWaiting(ID, test.waiting());
    FakeClient client = test.waiting();
    assertThat(first.isProbed()).isFalse();
    second.answer();
    assertThat(client.wasOffered()).isTrue();
  }

  @Test
  void probeGoesToATunnelOnTheClientsThread() {
    FakeConnection near = test.parkAnswering();
    FakeConnection far = test.parkAnswering(test.connection(test.otherLoop, "192.0.2.1"));
    test.pass(PROBE);
    test.waiting();
    assertThat(near.isProbed()).isTrue();
    assertThat(far.isProbed()).isFalse();
  }

  @ParameterizedTest
  @EnumSource(names = {"CLOSED", "RESET", "SPOKE", "SILENT"})
  void tunnelThatEndsWhileItIsProbedIsFollowedByTheNext(Tunnel.End why) {
    FakeConnection older = test.parkAnswering();
    FakeConnection ends = test.parkAnswering();
    test.pass(PROBE);
    FakeClient client = test.waiting();
    test.told();
    test.pass(Duration.ofMillis(20));
    ends.end(why);
    test.run();
    assertThat(test.told()).containsExactly("probed ENDED after 20", "ended " + why);
    test.assertCounts(1, 0, 1);
    older.answer();
    assertThat(client.offer().connection()).isSameAs(older);
  }

  @Test
  void tunnelThatEndsUnprobedHasNoOtherProbed() {
    FakeConnection other = test.parkAnswering();
    FakeConnection ends = test.parkAnswering();
    test.pass(PROBE);
    ends.end(Tunnel.End.CLOSED);
    test.run();
    assertThat(other.isProbed()).isFalse();
    assertThat(test.told()).endsWith("ended CLOSED");
  }

  @Test
  void closeNotifyIsNoAnswer() {
    FakeConnection connection = test.parkAnswering();
    test.pass(PROBE);
    FakeClient client = test.waiting();
    test.told();
    connection.endUnread(Tunnel.End.CLOSED); // what is heard is its close_notify
    connection.answer();
    assertThat(client.wasOffered()).isFalse();
    assertThat(test.told()).containsExactly("probed ENDED after 0", "ended CLOSED");
    test.assertCounts(0, 0, 1);
  }

  @Test
  void answerThatWaitsInTheSocketWhenTimeIsUpCounts() {
    FakeConnection connection = test.parkAnswering();
    test.pass(PROBE);
    FakeClient client = test.waiting();
    connection.answerUnread();
    passAndRun(TIME);
    assertThat(client.offer().connection()).isSameAs(connection);
    assertThat(connection.isOpen()).isTrue();
  }

  @Test
  void endThatWaitsInTheSocketWhenTimeIsUpIsTold() {
    FakeConnection connection = test.parkAnswering();
    test.pass(PROBE);
    test.waiting();
    test.told();
    connection.endUnread(Tunnel.End.RESET);
    passAndRun(TIME);
    assertThat(connection.fate()).isEqualTo(Fate.NONE);
    assertThat(test.told()).containsExactly("probed ENDED after 2000", "ended RESET");
  }

  @Test
  void tunnelCountsAsHeardThoughItsClientHasLeft() {
    FakeConnection connection = test.parkAnswering();
    test.pass(PROBE);
    FakeClient client = test.waiting();
    test.registry.stopWaiting(ID, client);
    connection.answer();
    assertThat(client.wasOffered()).isFalse();
    test.assertCounts(1, 0, 0);
    test.pass(PROBE.minusNanos(1));
    test.taken();
  }

  @Test
  void tunnelThatNobodyWaitsForAnyMoreIsGivenUpIfItIsSilent() {
    FakeConnection connection = test.parkAnswering();
    test.pass(PROBE);
    test.registry.stopWaiting(ID, test.waiting());
    passAndRun(TIME);
    assertThat(connection.fate()).isEqualTo(Fate.ABORTED);
    test.assertCounts(0, 0, 0);
  }

  @Test
  void timeThatIsUpAfterTheAnswerMeansNothing() {
    FakeConnection connection = test.parkAnswering();
    test.pass(PROBE);
    FakeClient client = test.waiting();
    connection.answer();
    passAndRun(TIME);
    test.putBack(client.offer());
    passAndRun(TIME);
    assertThat(connection.isOpen()).isTrue();
    test.assertCounts(1, 0, 0);
  }

  @Test
  void oneMayWaitForEachParkedTunnelThoughNoneMayWaitOtherwise() {
    TestRegistry strict = new TestRegistry(TestRegistry.limits(8, 100, 0));
    FakeConnection connection = strict.parkAnswering();
    strict.pass(PROBE);
    FakeClient client = strict.waiting();
    assertThat(strict.take()).isInstanceOf(Match.Crowded.class);
    connection.answer();
    assertThat(client.wasOffered()).isTrue();
    assertThat(strict.take()).isInstanceOf(Match.Crowded.class);
  }

  @Test
  void tunnelIsProbedEightTimesAtMost() {
    FakeConnection connection = test.parkAnswering();
    for (int i = 1; i < 8; i++) {
      test.pass(PROBE);
      FakeClient client = test.waiting();
      connection.answer();
      test.putBack(client.offer());
    }
    assertThat(connection.probes()).isEqualTo(8);
    test.pass(PROBE);
    assertThat(test.taken().connection()).isSameAs(connection);
    assertThat(connection.probes()).isEqualTo(8);
  }

  @Test
  void eighthProbeHasToBeAnsweredToo() {
    FakeConnection connection = test.parkAnswering();
    for (int i = 1; i < 8; i++) {
      test.pass(PROBE);
      test.registry.stopWaiting(ID, test.waiting());
      if (i < 7) {
        connection.answer();
      }
    }
    assertThat(connection.probes()).isEqualTo(8);
    test.waiting(); // a second client is not given the tunnel either
    passAndRun(TIME);
    assertThat(connection.fate()).isEqualTo(Fate.ABORTED);
  }

  @Test
  void nothingIsProbedWhereProbesAreOff() {
    TestRegistry off =
        new TestRegistry(TestRegistry.limits(Duration.ofSeconds(5), TunnelRegistry.NO_PROBE));
    FakeConnection connection = off.park(off.connection());
    off.pass(Duration.ofMinutes(5));
    off.taken();
    assertThat(connection.probes()).isZero();
  }

  @Test
  void deletedEntryEndsTheTunnelAndItsClient() {
    FakeConnection connection = test.parkAnswering();
    test.pass(PROBE);
    FakeClient client = test.waiting();
    test.registry.revoke(ID);
    assertThat(client.dismissal()).isEqualTo(Tunnel.End.REVOKED);
    assertThat(connection.fate()).isEqualTo(Fate.DISMISSED);
    test.told();
    passAndRun(TIME);
    assertThat(connection.fate()).isEqualTo(Fate.DISMISSED);
    assertThat(test.told()).isEmpty();
  }

  @Test
  void drainEndsTheTunnelAndItsClient() {
    FakeConnection connection = test.parkAnswering();
    test.pass(PROBE);
    FakeClient client = test.waiting();
    test.registry.drain();
    assertThat(client.dismissal()).isEqualTo(Tunnel.End.DRAINED);
    assertThat(connection.fate()).isEqualTo(Fate.DISMISSED);
    test.told();
    connection.answer();
    assertThat(test.told()).isEmpty();
  }

  @Test
  void answerIsAwaitedForTwoFifthsOfAClientsPatienceAndTwoSecondsAtMost() {
    assertThat(test.registry.probeTime()).isEqualTo(TIME);
    assertThat(withPatience(Duration.ofMinutes(1)).registry.probeTime()).isEqualTo(TIME);
    assertThat(withPatience(Duration.ofSeconds(1)).registry.probeTime())
        .isEqualTo(Duration.ofMillis(400));
  }

  private static TestRegistry withPatience(Duration patience) {
    return new TestRegistry(TestRegistry.limits(patience, PROBE));
  }

  @Test
  void clientOfLittlePatienceGetsTheNextTunnelToo() {
    TestRegistry hasty = withPatience(Duration.ofSeconds(1));
    FakeConnection alive = hasty.parkAnswering();
    FakeConnection silent = hasty.parkAnswering();
    hasty.pass(PROBE);
    FakeClient client = hasty.waiting();
    hasty.pass(Duration.ofMillis(400));
    hasty.run();
    assertThat(silent.fate()).isEqualTo(Fate.ABORTED);
    alive.answer();
    assertThat(client.offer().connection()).isSameAs(alive);
  }

  @Test
  void hiddenServersAreProbedApart() {
    UUID other = new UUID(2, 2);
    test.parkAnswering();
    FakeConnection stranger = test.park(other, test.connection(), test.now());
    assertThat(stranger.isProbed()).isTrue(); // it is tested itself
    test.pass(PROBE);
    assertThat(test.registry.takeParked(other, test.loop)).isPresent();
    test.waiting();
    assertThat(stranger.probes()).isEqualTo(1);
  }
}
