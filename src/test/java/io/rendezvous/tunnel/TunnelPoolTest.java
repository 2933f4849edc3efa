package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What becomes of a pool that was closed, while somebody is about to use it. */
class TunnelPoolTest {
  private final TestRegistry test = new TestRegistry();
  private final TotalCounters totals = new TotalCounters();
  private final TunnelPool pool =
      new TunnelPool(TestRegistry.ID, test.registry, totals, test.now());

  private Tunnel tunnel() {
    return new Tunnel(
        TestRegistry.ID,
        TestRegistry.entry(TestRegistry.ID),
        "",
        TestRegistry.ASKED_FROM,
        test.connection(),
        TestRegistry.LIMITS.maxAge(),
        test.now());
  }

  private Tunnel placed() {
    Tunnel tunnel = tunnel();
    assertThat(pool.place(tunnel, test.now(), test.now())).isInstanceOf(Placement.Parked.class);
    return tunnel;
  }

  private Tunnel taken() {
    return Objects.requireNonNull(pool.takeFreshest(t -> true, test.loop, test.now()));
  }

  private void assertZero() {
    assertThat(pool.counts()).isEqualTo(Presence.Counts.NONE);
    assertThat(totals.totals()).isEqualTo(new Presence.Totals(0, 0, 0, 0));
  }

  @Test
  void newPoolIsNotConnected() {
    assertThat(pool.isConnected(test.now())).isFalse();
    assertThat(pool.match(test.loop, test.client(), test.now()).match())
        .isInstanceOf(Match.Absent.class);
    assertThat(pool.announce(test.now())).isTrue();
    assertThat(pool.isConnected(test.now())).isTrue();
  }

  @Test
  void closedPoolReturnsWhatItHeld() {
    Runnable relayEnder = () -> {};
    placed();
    placed();
    Tunnel relayed = taken();
    Tunnel taken = taken();
    assertThat(pool.paired(relayed, relayEnder)).isTrue();
    FakeClient waiting = test.client();
    pool.match(test.loop, waiting, test.now());
    assertThat(pool.counts()).isEqualTo(new Presence.Counts(0, 2, 1, false));
    TunnelPool.Contents contents = pool.close();
    assertThat(contents.parked()).isEmpty();
    assertThat(contents.waiting()).containsExactly(waiting);
    assertThat(contents.relayEnders()).containsExactly(relayEnder);
    assertThat(taken.relayEnder()).isNull();
    assertZero();
  }

  @Test
  void closedPoolTakesNothingMore() {
    Tunnel tunnel = placed();
    pool.close();
    FakeClient client = test.client();
    assertThat(pool.announce(test.now())).isFalse();
    assertThat(pool.isConnected(test.now())).isFalse();
    assertThat(pool.place(tunnel(), test.now(), test.now())).isEqualTo(new Placement.Closed());
    assertThat(pool.match(test.loop, client, test.now()).match()).isInstanceOf(Match.Absent.class);
    assertThat(pool.takeFreshest(t -> true, test.loop, test.now())).isNull();
    assertThat(pool.stopWaiting(client)).isFalse();
    assertThat(pool.paired(tunnel, () -> {})).isFalse();
    assertThat(pool.ended(tunnel, test.now())).isNull();
    pool.over(tunnel, test.now());
    assertThat(pool.retire(test.now())).isEmpty();
    assertThat(pool.close()).isEqualTo(new TunnelPool.Contents(List.of(), List.of(), List.of()));
    assertZero();
  }

  @Test
  void outcomeOfAProbeInAClosedPoolMeansNothing() {
    Tunnel tunnel = tunnel();
    Placement.Parked parked = (Placement.Parked) pool.place(tunnel, test.now(), test.now());
    LivenessProbe probe = Objects.requireNonNull(parked.test());
    assertThat(pool.isOpen(probe)).isTrue();
    pool.close();
    assertThat(pool.isOpen(probe)).isFalse();
    assertThat(pool.answered(probe, test.now())).isNull();
    assertThat(pool.unanswered(probe, test.now())).isNull();
    assertZero();
  }

  @Test
  void poolIsClosedOnceItIsUnused() {
    assertThat(pool.closeIfUnused(test.now())).isTrue();
    assertThat(pool.closeIfUnused(test.now())).isTrue(); // it still is
    assertThat(pool.announce(test.now())).isFalse();
  }

  @Test
  void poolThatIsInUseIsNotClosed() {
    placed();
    assertThat(pool.closeIfUnused(test.now())).isFalse();
    taken();
    assertThat(pool.closeIfUnused(test.now())).isFalse();
    assertThat(pool.announce(test.now())).isTrue();
  }
}
