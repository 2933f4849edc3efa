package io.rendezvous.tunnel;

import static io.rendezvous.tunnel.TestRegistry.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.tunnel.FakeConnection.Fate;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A hidden server is tested for whether it answers probes, while it is certainly alive. */
class ProbeTestingTest {
  private static final Duration PROBE = TestRegistry.LIMITS.probe();
  private static final Duration TIME = Duration.ofSeconds(2);

  /** Shorter than a test, so that a tunnel can be tested and silent for too long. */
  private static final Duration SHORT_PROBE = Duration.ofSeconds(1);

  private final TestRegistry test = new TestRegistry();
  private final TestRegistry hurried =
      new TestRegistry(TestRegistry.limits(Duration.ofSeconds(5), SHORT_PROBE));

  private void passAndRun(Duration time) {
    passAndRun(test, time);
  }

  private static void passAndRun(TestRegistry registry, Duration time) {
    registry.pass(time);
    registry.run();
  }

  /** Makes the hidden server one that has answered before, and is tested again nevertheless. */
  private static void doubt(TestRegistry registry) {
    FakeConnection silent = registry.parkAnswering();
    registry.pass(PROBE);
    registry.registry.stopWaiting(ID, registry.waiting());
    passAndRun(registry, TIME);
    assertThat(silent.fate()).isEqualTo(Fate.ABORTED);
    registry.told();
  }

  @Test
  void newcomerIsTestedWhenItIsParked() {
    FakeConnection connection = test.park(test.connection());
    assertThat(connection.isProbed()).isTrue();
    test.pass(Duration.ofMillis(3));
    connection.answer();
    assertThat(test.told()).containsExactly("parked", "probed ANSWERED after 3");
    test.assertCounts(1, 0, 0);
  }

  @Test
  void hiddenServerThatHasAnsweredIsNotTestedAgain() {
    test.parkAnswering();
    assertThat(test.park(test.connection()).probes()).isZero();
  }

  @Test
  void oneTestAtATimeIsEnough() {
    FakeConnection first = test.park(test.connection());
    FakeConnection second = test.park(test.connection());
    assertThat(second.probes()).isZero();
    first.end(Tunnel.End.CLOSED);
    assertThat(test.park(test.connection()).probes()).isZero(); // it does not bear probes
  }

  @Test
  void hiddenServerWhoseEntryTookASecondToLookUpIsNotTested() {
    long lookedUp = test.now() - Duration.ofSeconds(1).toNanos();
    assertThat(test.park(ID, test.connection(), lookedUp).probes()).isZero();
    assertThat(test.park(ID, test.connection(), lookedUp + 1).probes()).isEqualTo(1);
  }

  @Test
  void hiddenServerThatCannotBeProbedIsNotTested() {
    assertThat(test.park().probes()).isZero();
    assertThat(test.park(test.connection()).probes()).isEqualTo(1);
  }

  @Test
  void hiddenServerThatDidNotAnswerIsNeverProbedAndNeverTakenForDead() {
    FakeConnection connection = test.park(test.connection());
    passAndRun(TIME);
    assertThat(test.told()).containsExactly("parked", "probed DEFERRED after 2000");
    assertThat(connection.isOpen()).isTrue();
    test.pass(Duration.ofMinutes(5));
    assertThat(test.taken().connection()).isSameAs(connection);
    assertThat(connection.probes()).isEqualTo(1);
  }

  @Test
  void hiddenServerThatEndsOfATestIsNotTestedAgain() {
    test.park(test.connection()).end(Tunnel.End.RESET);
    assertThat(test.told()).containsExactly("parked", "probed ENDED after 0", "ended RESET");
    FakeConnection next = test.park(test.connection());
    test.pass(PROBE);
    assertThat(test.taken().connection()).isSameAs(next);
    assertThat(next.probes()).isZero();
  }

  @Test
  void hiddenServerThatDidNotAnswerIsTestedAgainAfterTenMinutes() {
    test.park();
    test.taken(); // so that the ID is not forgotten
    test.park(test.connection());
    passAndRun(TIME);
    test.pass(Duration.ofMinutes(10).minusNanos(1));
    test.sweep();
    assertThat(test.park(test.connection()).probes()).isZero();
    test.pass(Duration.ofNanos(1));
    test.sweep();
    assertThat(test.park(test.connection()).probes()).isEqualTo(1);
  }

  @Test
  void tunnelBeingTestedIsTakenLast() {
    FakeConnection other = test.park();
    FakeConnection tested = test.park(test.connection());
    assertThat(tested.isProbed()).isTrue();
    assertThat(test.taken().connection()).isSameAs(other);
    assertThat(test.taken().connection()).isSameAs(tested);
  }

  @Test
  void answerAfterTheTunnelWasTakenMeansNothing() {
    FakeConnection tested = test.park(test.connection());
    test.taken();
    test.told();
    tested.answer();
    passAndRun(TIME);
    assertThat(test.told()).isEmpty();
    assertThat(tested.isOpen()).isTrue();
  }

  @Test
  void answerToATestThatWasCutShortMeansNothingWhenTheTunnelIsPutBack() {
    FakeConnection tested = test.park(test.connection());
    Tunnel tunnel = test.taken();
    test.pass(Duration.ofSeconds(1)); // too late for another test
    test.putBack(tunnel);
    test.told();
    tested.answer();
    passAndRun(TIME);
    assertThat(test.told()).isEmpty();
    test.assertCounts(1, 0, 0);
  }

  @Test
  void tunnelTakenBeforeItsTestWasSentIsNotProbed() {
    FakeConnection connection = test.connection();
    test.registry.park(TestRegistry.entry(ID), "", TestRegistry.ASKED_FROM, connection, test.now());
    assertThat(test.registry.take(ID, test.loop, test.client())).isInstanceOf(Match.Taken.class);
    test.run();
    assertThat(connection.probes()).isZero();
  }

  @Test
  void testsThatAreCutShortAreGivenUp() {
    for (int i = 0; i < 2; i++) {
      assertThat(test.park(test.connection()).isProbed()).isTrue();
      test.taken();
    }
    FakeConnection third = test.park(test.connection());
    test.pass(PROBE);
    assertThat(test.taken().connection()).isSameAs(third);
    assertThat(third.probes()).isZero();
  }

  @Test
  void waitingClientIsServedByATunnelThatIsBeingTestedAndAnswers() {
    doubt(hurried);
    FakeConnection tested = hurried.park(hurried.connection());
    assertThat(tested.isProbed()).isTrue();
    passAndRun(hurried, SHORT_PROBE);
    FakeClient client = hurried.waiting();
    assertThat(tested.probes()).isEqualTo(1); // one is under way
    tested.answer();
    assertThat(client.offer().connection()).isSameAs(tested);
  }

  @Test
  void hiddenServerThatHasAnsweredBeforeIsTestedTwice() {
    doubt(test);
    FakeConnection first = test.park(test.connection());
    passAndRun(TIME);
    FakeConnection second = test.park(test.connection());
    assertThat(second.isProbed()).isTrue();
    passAndRun(TIME);
    assertThat(test.told())
        .containsExactly(
            "parked", "probed DEFERRED after 2000", "parked", "probed DEFERRED after 2000");
    test.pass(PROBE);
    assertThat(test.taken().connection()).isSameAs(second);
    assertThat(test.taken().connection()).isSameAs(first);
    assertThat(test.park(test.connection()).probes()).isZero();
  }

  /** The first failure is forgiven, so the client's tunnels still have to prove themselves. */
  @Test
  void clientThatWaitsForATestThatFailsHasATunnelProbed() {
    doubt(hurried);
    FakeConnection tested = hurried.park(hurried.connection());
    passAndRun(hurried, SHORT_PROBE);
    FakeClient client = hurried.waiting();
    passAndRun(hurried, TIME.minus(SHORT_PROBE));
    assertThat(hurried.told()).containsExactly("parked", "probed DEFERRED after 2000");
    assertThat(tested.probes()).isEqualTo(2);
    tested.answer();
    assertThat(client.offer().connection()).isSameAs(tested);
  }

  @Test
  void eachClientThatWaitsForATestThatFailsHasATunnelProbed() {
    doubt(hurried);
    FakeConnection other = hurried.park(hurried.connection());
    FakeConnection tested = hurried.park(hurried.connection());
    assertThat(other.isProbed()).isTrue(); // this one is tested
    hurried.pass(SHORT_PROBE);
    hurried.waiting();
    assertThat(tested.isProbed()).isFalse();
    hurried.waiting();
    assertThat(tested.isProbed()).isTrue();
    passAndRun(hurried, TIME.minus(SHORT_PROBE));
    assertThat(other.probes()).isEqualTo(2);
    assertThat(tested.probes()).isEqualTo(1);
  }

  @Test
  void clientThatWaitsForASecondTestThatFailsGetsTheFreshestTunnel() {
    doubt(hurried);
    FakeConnection first = hurried.park(hurried.connection());
    passAndRun(hurried, TIME);
    FakeConnection second = hurried.park(hurried.connection());
    FakeConnection third = hurried.park(hurried.connection());
    assertThat(second.isProbed()).isTrue();
    hurried.pass(SHORT_PROBE);
    FakeClient client = hurried.waiting();
    passAndRun(hurried, TIME.minus(SHORT_PROBE));
    assertThat(client.offer().connection()).isSameAs(third);
    hurried.assertCounts(2, 1, 0);
    assertThat(first.isOpen()).isTrue();
  }

  /** The probe was sent before the tests told that this hidden server does not answer. */
  @Test
  void tunnelOfOneThatIsKnownNotToAnswerIsNotGivenUp() {
    doubt(test);
    FakeConnection probed = test.park(test.connection());
    passAndRun(TIME); // the first test fails
    test.pass(PROBE);
    FakeClient client = test.waiting();
    assertThat(probed.probes()).isEqualTo(2);
    test.park(test.connection());
    assertThat(client.wasOffered()).isTrue();
    assertThat(test.park(test.connection()).isProbed()).isTrue();
    test.taken(); // the second test is cut short
    test.told();
    passAndRun(TIME);
    assertThat(test.told()).containsExactly("probed DEFERRED after 2000");
    assertThat(probed.isOpen()).isTrue();
    assertThat(test.taken().connection()).isSameAs(probed);
  }
}
