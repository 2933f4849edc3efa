package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.tunnel.FakeConnection.Fate;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Parked tunnels are retired at their maximum age, which is 10 minutes here. */
class RetireTest {
  private static final Duration PROBE = TestRegistry.LIMITS.probe();

  private final TestRegistry test = new TestRegistry();

  private void passAndSweep(Duration time) {
    test.pass(time);
    test.sweep();
  }

  @Test
  void oldTunnelIsRetiredIfThereIsAnother() {
    FakeConnection old = test.park();
    passAndSweep(Duration.ofMinutes(8));
    FakeConnection fresh = test.park();
    test.told();
    passAndSweep(Duration.ofMinutes(2));
    assertThat(old.fate()).isEqualTo(Fate.DISMISSED);
    assertThat(fresh.isOpen()).isTrue();
    assertThat(test.told()).containsExactly("ended RETIRED");
    test.assertCounts(1, 0, 0);
  }

  @Test
  void tunnelIsNotRetiredBeforeNineTenthsOfItsAge() {
    FakeConnection old = test.park();
    passAndSweep(Duration.ofMinutes(1));
    test.park();
    passAndSweep(Duration.ofMinutes(8).minusNanos(1));
    assertThat(old.isOpen()).isTrue();
  }

  @Test
  void tunnelIsRetiredAtTheVeryMoment() {
    FakeConnection old = test.park();
    Tunnel tunnel = test.taken();
    test.putBack(tunnel);
    test.pass(Duration.ofMinutes(1));
    test.park();
    passAndSweep(Duration.ofNanos(tunnel.retireAt() - test.now() - 1));
    assertThat(old.isOpen()).isTrue();
    passAndSweep(Duration.ofNanos(1));
    assertThat(old.isOpen()).isFalse();
  }

  @Test
  void tunnelsParkedTogetherAreNotRetiredTogether() {
    TestRegistry many = new TestRegistry(TestRegistry.limits(1000, 1000, 4));
    Set<Long> ages = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      many.park();
      long age = many.taken().retireAt() - many.now();
      assertThat(age).isBetween(Duration.ofMinutes(9).toNanos(), Duration.ofMinutes(10).toNanos());
      ages.add(Duration.ofNanos(age).toSeconds());
    }
    assertThat(ages).hasSizeGreaterThan(40); // of 60 seconds
  }

  @Test
  void lastTunnelStaysForAMinuteMore() {
    FakeConnection last = test.park();
    Tunnel tunnel = test.taken();
    test.putBack(tunnel);
    long late = tunnel.retireAt() - test.now() + Duration.ofMinutes(1).toNanos();
    passAndSweep(Duration.ofNanos(late - 1));
    assertThat(last.isOpen()).isTrue();
    passAndSweep(Duration.ofNanos(1));
    assertThat(last.fate()).isEqualTo(Fate.DISMISSED);
    test.assertCounts(0, 0, 0);
  }

  @Test
  void idIsConnectedForAWhileAfterItsLastTunnelWasRetired() {
    test.park();
    passAndSweep(Duration.ofMinutes(11));
    test.assertCounts(0, 0, 0);
    test.pass(Duration.ofSeconds(5));
    test.waiting();
    test.pass(Duration.ofNanos(1));
    assertThat(test.take()).isInstanceOf(Match.Absent.class);
  }

  @Test
  void lastTunnelIsRetiredOnceAnotherIsThere() {
    FakeConnection last = test.park();
    passAndSweep(Duration.ofMinutes(10));
    assertThat(last.isOpen()).isTrue();
    test.park();
    test.sweep();
    assertThat(last.isOpen()).isFalse();
  }

  @Test
  void oneOfTwoThatAreDueStays() {
    FakeConnection first = test.park();
    FakeConnection second = test.park();
    passAndSweep(Duration.ofMinutes(10));
    assertThat(first.isOpen()).isFalse();
    assertThat(second.isOpen()).isTrue();
    test.assertCounts(1, 0, 0);
  }

  @Test
  void tunnelOfAClientHasNoAge() {
    FakeConnection connection = test.park();
    test.taken();
    passAndSweep(Duration.ofHours(1));
    assertThat(connection.isOpen()).isTrue();
  }

  @Test
  void tunnelThatWasPutBackIsAsOldAsBefore() {
    FakeConnection old = test.park();
    Tunnel tunnel = test.taken();
    test.pass(Duration.ofMinutes(5));
    FakeConnection fresh = test.park();
    test.putBack(tunnel);
    passAndSweep(Duration.ofMinutes(5));
    assertThat(old.fate()).isEqualTo(Fate.DISMISSED); // though the other was parked before
    assertThat(fresh.isOpen()).isTrue();
  }

  @Test
  void tunnelBeingProbedIsNotRetired() {
    FakeConnection old = test.parkAnswering();
    test.pass(Duration.ofMinutes(10));
    test.waiting();
    assertThat(old.isProbed()).isTrue();
    test.sweep();
    passAndSweep(Duration.ofMinutes(2));
    assertThat(old.isOpen()).isTrue();
    test.assertCounts(1, 0, 1);
  }

  @Test
  void tunnelBeingProbedIsNotTheOtherOne() {
    FakeConnection old = test.parkAnswering();
    test.pass(Duration.ofMinutes(9));
    FakeConnection fresh = test.parkAnswering();
    test.pass(PROBE);
    test.waiting();
    assertThat(fresh.isProbed()).isTrue();
    passAndSweep(Duration.ofSeconds(50));
    assertThat(old.isOpen()).isTrue();
    fresh.answer(); // to the client
    test.parkAnswering();
    test.sweep();
    assertThat(old.isOpen()).isFalse();
  }
}
