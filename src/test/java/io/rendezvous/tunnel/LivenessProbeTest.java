package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.tunnel.TunnelRegistry.Match;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Whether a hidden server has to prove that it is alive, and what follows. */
class LivenessProbeTest {
  private static final Duration PROBE = Duration.ofSeconds(10);

  private final Heart heart = new Heart();

  @Test
  void newcomerIsTested() {
    FakeConnection connection = heart.park(heart.connection());
    heart.loop.run();
    assertThat(connection.events()).containsExactly("probed");
    heart.passUnnoticed(Duration.ofMillis(3));
    connection.answer();
    assertThat(heart.told).containsExactly("parked", "probed ANSWERED 3");
    heart.assertCounts(1, 0, 0);
  }

  @Test
  void oneTestAtATimeIsEnough() {
    heart.park(heart.connection());
    FakeConnection second = heart.park(heart.connection());
    heart.loop.run();
    assertThat(second.events()).isEmpty();
  }

  @Test
  void whoseEntryWasLookedUpLongAgoIsNotTested() {
    long before = heart.now();
    heart.passUnnoticed(Duration.ofSeconds(1));
    FakeConnection slow = heart.park(Heart.ID, heart.connection(), before);
    heart.loop.run();
    assertThat(slow.events()).isEmpty();
  }

  @Test
  void nobodyIsProbedWhereThatIsOff() {
    TunnelRegistry.Limits limits = Heart.LIMITS;
    Heart off =
        new Heart(
            new TunnelRegistry.Limits(
                limits.perId(),
                limits.parked(),
                limits.waitingPerId(),
                limits.patience(),
                limits.maxAge(),
                TunnelRegistry.NO_PROBE));
    FakeConnection connection = off.park(off.connection());
    off.loop.run();
    off.passUnnoticed(Duration.ofMinutes(5));
    off.taken();
    assertThat(connection.events()).isEmpty();
  }

  @Test
  void tunnelThatWasHeardLatelyIsTakenWithoutAProbe() {
    FakeConnection connection = heart.parkAnswering();
    heart.passUnnoticed(PROBE.minusNanos(1));
    assertThat(heart.taken().connection()).isSameAs(connection);
    assertThat(connection.events()).containsExactly("probed"); // the test
  }

  @Test
  void tunnelThatWasNotHeardIsProbedBeforeAClientHasIt() {
    FakeConnection connection = heart.parkAnswering();
    heart.passUnnoticed(PROBE);
    Heart.Client client = new Heart.Client();
    assertThat(heart.take(client)).isEqualTo(new Match.Waiting(true));
    assertThat(connection.events()).containsExactly("probed", "probed");
    heart.assertCounts(1, 0, 1);
    connection.answer();
    assertThat(client.offer().connection()).isSameAs(connection);
    heart.assertCounts(0, 1, 0);
  }

  @Test
  void silentTunnelIsGivenUpAndTheNextIsProbed() {
    FakeConnection older = heart.parkAnswering();
    FakeConnection fresher = heart.parkAnswering();
    heart.passUnnoticed(PROBE);
    Heart.Client client = new Heart.Client();
    heart.take(client);
    assertThat(fresher.events()).endsWith("probed");
    heart.passUnnoticed(Duration.ofSeconds(2));
    heart.loop.expire();
    assertThat(fresher.events()).endsWith("aborted");
    assertThat(heart.told).contains("probed SILENT 2000", "ended UNPROVEN");
    assertThat(older.events()).endsWith("probed");
    older.answer();
    assertThat(client.offer().connection()).isSameAs(older);
  }

  @Test
  void allOthersAreProbedWhenOneIsSilent() {
    FakeConnection first = heart.parkAnswering();
    FakeConnection second = heart.parkAnswering();
    FakeConnection third = heart.parkAnswering();
    heart.passUnnoticed(PROBE);
    heart.take(new Heart.Client());
    heart.loop.expire();
    assertThat(third.events()).endsWith("aborted");
    assertThat(second.events()).endsWith("probed");
    assertThat(first.events()).endsWith("probed");
  }

  @Test
  void eachWaitingClientHasOneTunnelProbed() {
    FakeConnection first = heart.parkAnswering();
    FakeConnection second = heart.parkAnswering();
    heart.passUnnoticed(PROBE);
    heart.take(new Heart.Client());
    int probes = first.events().size() + second.events().size();
    heart.take(new Heart.Client());
    assertThat(first.events().size() + second.events().size()).isEqualTo(probes + 1);
    heart.take(new Heart.Client()); // there is none left to be probed
    assertThat(first.events().size() + second.events().size()).isEqualTo(probes + 1);
  }

  @Test
  void tunnelThatHasEndedDoesNotAnswer() {
    FakeConnection connection = heart.parkAnswering();
    heart.passUnnoticed(PROBE);
    Heart.Client client = new Heart.Client();
    heart.take(client);
    connection.endUnnoticed(Tunnel.End.CLOSED); // what is heard is its close_notify
    connection.answer();
    assertThat(client.wasOffered()).isFalse();
    assertThat(heart.told).contains("probed ENDED 0", "ended CLOSED");
    heart.assertCounts(0, 0, 1);
  }

  @Test
  void answerThatIsThereCountsEvenIfTheThreadIsLate() {
    FakeConnection connection = heart.parkAnswering();
    heart.passUnnoticed(PROBE);
    Heart.Client client = new Heart.Client();
    heart.take(client);
    heart.loop.expire(); // looks, and gives the answer a last chance
    assertThat(connection.events()).endsWith("aborted");
  }

  @Test
  void clientThatLeavesIsNotGivenTheTunnelThatAnswers() {
    FakeConnection connection = heart.parkAnswering();
    heart.passUnnoticed(PROBE);
    Heart.Client client = new Heart.Client();
    heart.take(client);
    heart.registry.stopWaiting(Heart.ID, client);
    connection.answer();
    assertThat(client.wasOffered()).isFalse();
    heart.assertCounts(1, 0, 0);
    heart.passUnnoticed(PROBE.minusNanos(1));
    heart.taken(); // it was heard just now
  }

  @Test
  void whoNeverAnsweredATestIsNotProbed() {
    FakeConnection connection = heart.park(heart.connection());
    heart.loop.run();
    heart.loop.expire();
    assertThat(heart.told).contains("probed DEFERRED 0");
    heart.passUnnoticed(Duration.ofMinutes(5));
    assertThat(heart.taken().connection()).isSameAs(connection);
    assertThat(connection.events()).containsExactly("probed");
  }

  @Test
  void whoNeverAnsweredIsTestedAgainAfterAWhile() {
    heart.park(heart.connection());
    heart.loop.run();
    heart.loop.expire();
    heart.pass(Duration.ofMinutes(9));
    FakeConnection soon = heart.park(heart.connection());
    heart.loop.run();
    assertThat(soon.events()).isEmpty();
    heart.pass(Duration.ofMinutes(1));
    FakeConnection later = heart.park(heart.connection());
    heart.loop.run();
    assertThat(later.events()).containsExactly("probed");
  }

  @Test
  void testThatFailsServesThoseWhoWait() {
    FakeConnection answering = heart.parkAnswering();
    answering.end(Tunnel.End.CLOSED);
    FakeConnection old = heart.park(heart.connection());
    heart.loop.run();
    heart.passUnnoticed(PROBE);
    Heart.Client client = new Heart.Client();
    heart.take(client);
    heart.loop.expire(); // silent, so doubt begins
    assertThat(old.events()).endsWith("aborted");
    FakeConnection tested = heart.park(heart.connection());
    assertThat(client.offer().connection()).isSameAs(tested);
  }

  @Test
  void tunnelBeingTestedIsTakenLast() {
    FakeConnection tested = heart.park(heart.connection());
    FakeConnection other = heart.park();
    heart.loop.run();
    assertThat(tested.events()).containsExactly("probed");
    assertThat(heart.taken().connection()).isSameAs(other);
    assertThat(heart.taken().connection()).isSameAs(tested);
    tested.answer(); // which nobody waits for
    assertThat(heart.told).doesNotContain("probed ANSWERED 0");
  }

  @Test
  void testsThatAreCutShortAreGivenUp() {
    for (int i = 0; i < 2; i++) {
      FakeConnection tested = heart.park(heart.connection());
      heart.loop.run();
      assertThat(tested.events()).containsExactly("probed");
      heart.taken();
    }
    FakeConnection third = heart.park(heart.connection());
    heart.loop.run();
    assertThat(third.events()).isEmpty();
  }

  @Test
  void tunnelIsProbedEightTimesAtMost() {
    FakeConnection connection = heart.parkAnswering();
    for (int i = 1; i < 8; i++) {
      heart.passUnnoticed(PROBE);
      Heart.Client client = new Heart.Client();
      heart.take(client);
      connection.answer();
      heart.registry.putBack(client.offer());
      heart.loop.run();
    }
    assertThat(connection.events()).hasSize(8);
    heart.passUnnoticed(PROBE);
    assertThat(heart.taken().connection()).isSameAs(connection);
    assertThat(connection.events()).hasSize(8);
  }

  @Test
  void tunnelBeingProbedIsNotRetired() {
    FakeConnection connection = heart.parkAnswering();
    heart.park();
    heart.passUnnoticed(Duration.ofMinutes(10));
    FakeConnection fresh = heart.parkAnswering();
    heart.passUnnoticed(PROBE);
    heart.take(new Heart.Client());
    heart.take(new Heart.Client());
    heart.take(new Heart.Client());
    heart.pass(Duration.ZERO);
    assertThat(connection.events()).doesNotContain("dismissed");
    assertThat(fresh.isOpen()).isTrue();
  }

  @Test
  void tunnelTakenBeforeItsProbeWasSentIsNotProbed() {
    FakeConnection connection = heart.park(heart.connection());
    assertThat(heart.registry.take(Heart.ID, heart.loop, new Heart.Client()))
        .isInstanceOf(Match.Taken.class);
    heart.loop.run();
    assertThat(connection.events()).isEmpty();
  }

  @Test
  void answerIsAwaitedForTwoFifthsOfAClientsPatience() {
    assertThat(heart.registry.probeTime()).isEqualTo(Duration.ofSeconds(2));
    TunnelRegistry.Limits limits = Heart.LIMITS;
    Heart hasty =
        new Heart(
            new TunnelRegistry.Limits(
                limits.perId(),
                limits.parked(),
                limits.waitingPerId(),
                Duration.ofSeconds(1),
                limits.maxAge(),
                limits.probe()));
    assertThat(hasty.registry.probeTime()).isEqualTo(Duration.ofMillis(400));
  }
}
