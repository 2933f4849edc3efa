package io.rendezvous.tunnel;

import static io.rendezvous.tunnel.TestRegistry.ID;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Clients wait for a tunnel, are served in order, or leave. */
class WaitTest {
  private final TestRegistry test = new TestRegistry();
  private final TunnelRegistry registry = test.registry;

  @Test
  void firstComeIsFirstServed() {
    registry.announce(ID);
    FakeClient first = test.waiting();
    FakeClient second = test.waiting();
    test.assertCounts(0, 0, 2);
    FakeConnection one = test.park();
    assertThat(first.offer().connection()).isSameAs(one);
    assertThat(second.wasOffered()).isFalse();
    test.assertCounts(0, 1, 1);
    FakeConnection two = test.park();
    assertThat(second.offer().connection()).isSameAs(two);
    test.assertCounts(0, 2, 0);
    assertThat(test.told()).containsExactly("parked", "parked");
  }

  @Test
  void noMoreThanTheLimitWait() {
    registry.announce(ID);
    for (int i = 0; i < 4; i++) {
      test.waiting();
    }
    assertThat(test.take()).isInstanceOf(Match.Crowded.class);
    test.assertCounts(0, 0, 4);
  }

  @Test
  void clientThatStopsWaitingIsNotServed() {
    registry.announce(ID);
    FakeClient left = test.waiting();
    FakeClient stays = test.waiting();
    assertThat(registry.stopWaiting(ID, left)).isTrue();
    test.assertCounts(0, 0, 1);
    assertThat(registry.stopWaiting(ID, left)).isFalse();
    test.park();
    assertThat(left.wasOffered()).isFalse();
    assertThat(stays.wasOffered()).isTrue();
  }

  @Test
  void clientThatWasServedCannotStopWaiting() {
    registry.announce(ID);
    FakeClient client = test.waiting();
    test.park();
    assertThat(registry.stopWaiting(ID, client)).isFalse();
    test.assertCounts(0, 1, 0);
  }

  @Test
  void clientThatStopsAtTheMomentOfAnOfferPutsTheTunnelBackForTheNext() {
    registry.announce(ID);
    FakeClient left = test.waiting();
    FakeClient next = test.waiting();
    FakeConnection connection = test.park();
    assertThat(registry.stopWaiting(ID, left)).isFalse(); // the offer was first
    test.putBack(left.offer());
    assertThat(next.offer().connection()).isSameAs(connection);
    test.assertCounts(0, 1, 0);
  }

  @Test
  void tunnelThatEndsWithTheClientThatPutsItBackLeavesTheNextWaiting() {
    registry.announce(ID);
    FakeClient left = test.waiting();
    FakeClient next = test.waiting();
    test.park().end(Tunnel.End.CLOSED);
    test.putBack(left.offer());
    assertThat(next.wasOffered()).isFalse();
    test.assertCounts(0, 0, 1);
  }

  @Test
  void waitingClientGoesBeforeALaterOne() {
    test.park();
    Tunnel tunnel = test.taken();
    FakeClient waits = test.waiting();
    test.putBack(tunnel);
    assertThat(waits.wasOffered()).isTrue();
    assertThat(test.take()).isInstanceOf(Match.Waiting.class);
  }

  @Test
  void clientOfOneIdIsNotServedByAnother() {
    registry.announce(ID);
    FakeClient client = test.waiting();
    test.park(new UUID(2, 2), test.connection(), test.now());
    assertThat(client.wasOffered()).isFalse();
  }
}
