package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** The decisions of an agent, without sockets and without waiting. */
class AgentPoolTest {
  private static final RandomGenerator LARGEST =
      new RandomGenerator() {
        @Override
        public long nextLong() {
          return 0;
        }

        @Override
        public long nextLong(long bound) {
          return bound - 1;
        }
      };

  private final AgentPool pool = new AgentPool(4, 9, new Backoff(LARGEST, () -> 0));

  /** Opens all that may be opened, and returns how many that were. */
  private int openAll() {
    int opened = 0;
    while (pool.open().isPresent()) {
      opened++;
    }
    return opened;
  }

  /** Opens tunnels 1 to 4, the others once the first is parked. */
  private void openFour() {
    assertThat(openAll()).isEqualTo(1);
    assertThat(pool.parked(1)).isTrue();
    assertThat(openAll()).isEqualTo(3);
  }

  /** Opens and parks tunnels 1 to 4. */
  private void parkFour() {
    openFour();
    for (int number = 2; number <= 4; number++) {
      assertThat(pool.parked(number)).isTrue();
    }
    assertCounts(4, 4, 0);
  }

  private void assertCounts(int parked, int wanted, int active) {
    assertThat(pool.counts()).isEqualTo(new AgentPool.Counts(parked, wanted, active));
  }

  @Test
  void tunnelsAreOpenedUntilEnoughAreOpeningOrParked() {
    openFour();
    assertCounts(1, 4, 0);
  }

  /** A wrong secret is one guess at a time, also after a change of the network. */
  @Test
  void oneTunnelIsTriedUntilOneWasParked() {
    assertThat(openAll()).isEqualTo(1);
    pool.failed(1, true);
    pool.beginRetry();
    assertThat(openAll()).isEqualTo(1);
    pool.renew();
    assertThat(openAll()).isEqualTo(1);
    pool.parked(3);
    assertThat(openAll()).isEqualTo(3);
    pool.renew();
    assertThat(openAll()).isEqualTo(4);
  }

  @Test
  void takenTunnelIsReplaced() {
    parkFour();
    pool.taken(2);
    assertCounts(3, 4, 1);
    assertThat(openAll()).isEqualTo(1);
    pool.parked(5);
    pool.ended();
    assertCounts(4, 4, 0);
    assertThat(openAll()).isZero();
  }

  @Test
  void moreAreWantedWheneverTheLastOneIsTakenUpToTheMaximum() {
    parkFour();
    for (int number = 1; number <= 4; number++) {
      pool.taken(number);
    }
    assertCounts(0, 6, 4);
    assertThat(openAll()).isEqualTo(6);
    pool.parked(5);
    pool.taken(5);
    assertCounts(0, 9, 5);
    pool.parked(6);
    pool.taken(6);
    assertCounts(0, 9, 6);
  }

  @Test
  void fewerAreWantedWhenHalfOfThemWereNotNeeded() {
    parkFour();
    for (int number = 1; number <= 4; number++) {
      pool.taken(number);
    }
    openAll();
    for (int number = 5; number <= 10; number++) {
      pool.parked(number);
    }
    pool.shrink(); // there were none for a moment
    assertCounts(6, 6, 4);
    pool.shrink();
    assertCounts(6, 5, 4);
    pool.shrink();
    pool.shrink();
    assertCounts(6, 4, 4);
  }

  @Test
  void afterAFailureNothingIsOpenedBeforeTheRetryAndThenOneAtATime() {
    openFour();
    assertThat(pool.closedUnused(1, false)).isTrue();
    assertThat(pool.failed(2, false)).contains(Duration.ofMillis(500));
    assertThat(pool.failed(3, false)).as("one retry is enough").isEmpty();
    assertThat(pool.failed(4, false)).isEmpty();
    assertThat(openAll()).isZero();
    pool.beginRetry();
    assertThat(openAll()).isEqualTo(1);
    assertThat(pool.failed(5, true)).contains(Duration.ofSeconds(1));
    pool.beginRetry();
    assertThat(openAll()).isEqualTo(1);
    pool.parked(6);
    assertThat(openAll()).isEqualTo(3);
  }

  @Test
  void lostTunnelIsReplacedWithTheRetryWhileOthersGoOn() {
    parkFour();
    assertThat(pool.lost(1)).isPresent();
    assertThat(openAll()).isZero();
    pool.taken(2);
    assertThat(openAll()).as("in place of the one that was taken").isEqualTo(1);
    pool.beginRetry();
    assertThat(openAll()).as("in place of the one that was lost").isEqualTo(1);
  }

  @Test
  void whereAllAreLostNothingIsOpenedBeforeTheRetry() {
    parkFour();
    assertThat(pool.lost(1)).isPresent();
    for (int number = 2; number <= 4; number++) {
      assertThat(pool.lost(number)).isEmpty();
    }
    assertThat(openAll()).isZero();
    pool.beginRetry();
    assertThat(openAll()).isEqualTo(1);
  }

  @Test
  void tunnelThatIsNotWantedIsReplacedAfterARest() {
    parkFour();
    assertThat(pool.closedUnused(1, true)).isTrue();
    assertThat(openAll()).isZero();
    assertThat(pool.endRestsIfNoneIsParked()).isEmpty();
    pool.endRest();
    assertThat(openAll()).isEqualTo(1);
  }

  @Test
  void oldTunnelIsReplacedAtOnce() {
    parkFour();
    assertThat(pool.closedUnused(1, false)).isTrue();
    assertThat(openAll()).isEqualTo(1);
  }

  @Test
  void whereAllAreClosedTheRestEndsAndARetryFollows() {
    parkFour();
    for (int number = 1; number <= 4; number++) {
      assertThat(pool.closedUnused(number, true)).isTrue();
    }
    assertThat(openAll()).isZero();
    assertThat(pool.endRestsIfNoneIsParked()).isPresent();
    assertThat(pool.endRestsIfNoneIsParked()).as("once").isEmpty();
    pool.endRest(); // of a tunnel whose rest has ended already
    assertThat(openAll()).isZero();
    pool.beginRetry();
    assertThat(openAll()).isEqualTo(1);
  }

  @Test
  void whatWasGivenUpDoesNotCountAnyMore() {
    openFour();
    pool.parked(2);
    pool.failed(3, false);
    assertThat(pool.renew()).isTrue();
    assertCounts(0, 4, 0);
    assertThat(openAll()).isEqualTo(4);
    assertThat(pool.lost(1)).isEmpty();
    assertThat(pool.closedUnused(2, true)).isFalse();
    assertThat(pool.parked(4)).isFalse();
    assertThat(pool.failed(4, false)).isEmpty();
    assertThat(pool.open()).isEqualTo(OptionalInt.empty());
    pool.taken(2); // the broker had just given it to a client
    assertCounts(0, 4, 1);
  }

  @Test
  void closedPoolOpensNothing() {
    parkFour();
    pool.close();
    pool.taken(1);
    assertThat(pool.unpark(2)).isTrue();
    assertThat(pool.lost(3)).isEqualTo(Optional.empty());
    assertThat(pool.closedUnused(4, true)).isTrue();
    assertThat(pool.endRestsIfNoneIsParked()).isEmpty();
    assertThat(pool.renew()).isFalse();
    assertThat(openAll()).isZero();
    assertCounts(0, 4, 1);
  }
}
