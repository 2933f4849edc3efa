package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.tunnel.Presence.Counts;
import io.rendezvous.tunnel.Presence.Totals;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Counts of one ID and of all, by one protocol and by several. */
class PresenceTest {
  private static final UUID FIRST = new UUID(1, 1);
  private static final UUID SECOND = new UUID(2, 2);

  private final TestRegistry one = new TestRegistry();
  private final TestRegistry two = new TestRegistry();
  private final Presence both = Presence.all(List.of(one.registry, two.registry));

  private void fill() {
    one.park(FIRST, one.connection(), one.now());
    one.park(FIRST, one.connection(), one.now());
    two.park(FIRST, two.connection(), two.now());
    two.park(SECOND, two.connection(), two.now());
    two.registry.takeParked(SECOND, two.loop);
    two.registry.take(SECOND, two.loop, two.client());
  }

  @Test
  void countsOfSeveralPresencesAreAdded() {
    fill();
    assertThat(both.counts(FIRST)).isEqualTo(new Counts(3, 0, 0, false));
    assertThat(both.counts(SECOND)).isEqualTo(new Counts(0, 1, 1, false));
    assertThat(both.counts(new UUID(3, 3))).isEqualTo(Counts.NONE);
    assertThat(both.counts())
        .containsOnlyKeys(FIRST, SECOND)
        .containsEntry(FIRST, new Counts(3, 0, 0, false))
        .containsEntry(SECOND, new Counts(0, 1, 1, false));
  }

  @Test
  void idThatSeveralHaveIsOnlineOnce() {
    fill();
    assertThat(both.totals()).isEqualTo(new Totals(2, 3, 1, 1));
    one.pass(Duration.ofSeconds(1));
    assertThat(one.registry.totals()).isEqualTo(new Totals(1, 2, 0, 0));
  }

  @Test
  void idIsRevokedInAll() {
    fill();
    both.revoke(FIRST);
    assertThat(both.totals()).isEqualTo(new Totals(1, 0, 1, 1));
    both.revoke(SECOND);
    assertThat(both.totals()).isEqualTo(new Totals(0, 0, 0, 0));
  }

  @Test
  void singlePresenceIsReturnedAsItIs() {
    assertThat(Presence.all(List.of(one.registry))).isSameAs(one.registry);
  }

  @ParameterizedTest
  @CsvSource({
    "0,0,0,false,false",
    "1,0,0,false,true",
    "0,1,0,false,true",
    "0,0,1,false,false",
    "0,0,0,true,true"
  })
  void idIsOnlineWithATunnelOrARegistration(
      int parked, int paired, int waiting, boolean registered, boolean online) {
    assertThat(new Counts(parked, paired, waiting, registered).isOnline()).isEqualTo(online);
  }

  @Test
  void registrationOfOneCounts() {
    Counts registered = new Counts(0, 0, 0, true);
    Counts parked = new Counts(1, 2, 3, false);
    assertThat(parked.and(registered)).isEqualTo(new Counts(1, 2, 3, true));
    assertThat(registered.and(parked)).isEqualTo(new Counts(1, 2, 3, true));
    assertThat(parked.and(parked)).isEqualTo(new Counts(2, 4, 6, false));
  }

  @Test
  void countsOfAFewParkedTunnelsAreShared() {
    for (int parked : new int[] {0, 1, 64, 65, 1000}) {
      assertThat(Counts.of(parked, 0, 0)).isEqualTo(new Counts(parked, 0, 0, false));
    }
    assertThat(Counts.of(64, 0, 0)).isSameAs(Counts.of(64, 0, 0));
    assertThat(Counts.of(1, 2, 3)).isEqualTo(new Counts(1, 2, 3, false));
    assertThat(Counts.of(1, 0, 3)).isEqualTo(new Counts(1, 0, 3, false));
    assertThat(Counts.of(1, 2, 0)).isEqualTo(new Counts(1, 2, 0, false));
  }
}
