package io.rendezvous.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.ConnectionLimiter.Limit;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tests with real connections, and collections that are made up. */
class HeapGuardTest {
  private static final long MAX = 5 * 1024 * 1024;
  private static final int CONNECTIONS = 40;

  private final ConnectionLimiter limiter = new ConnectionLimiter(new Listener.Limits(1000, 1000));
  private final AtomicInteger collections = new AtomicInteger();
  private final List<Peer> peers = new ArrayList<>();
  private long now;
  private final HeapGuard guard =
      new HeapGuard(limiter, MAX, collections::incrementAndGet, () -> now);
  private Network network;
  private Listener listener;

  @BeforeEach
  void start() throws Exception {
    network = new Network("test-heap", 1);
    listener =
        network.listen(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            null,
            new ConnectionGroup(limiter),
            conn -> {
              if (limiter.open() <= 2) {
                conn.identified();
              }
            });
    for (int i = 1; i <= CONNECTIONS; i++) {
      int count = i;
      connect();
      Awaitility.await().until(() -> limiter.open() == count);
    }
  }

  @AfterEach
  void stop() throws Exception {
    for (Peer peer : peers) {
      peer.end();
    }
    listener.close();
    network.close();
  }

  private void connect() throws Exception {
    peers.add(Peer.to(listener.address().getPort()).plain());
  }

  private void assertClosed(int from, int to) {
    for (int i = from; i < to; i++) {
      assertThat(Octets.untilItBreaks(peers.get(i).in())).isEmpty();
    }
  }

  private static long percent(int share) {
    return MAX / 100 * share;
  }

  @Test
  void oldestUnidentifiedConnectionsAreClosedUntilTheHeapSuffices() throws Exception {
    guard.onCollected(percent(86), true);
    assertClosed(2, 2 + 33); // 21 % of 5 MiB, in pieces of 32 KiB
    assertThat(limiter.unidentified()).isEqualTo(CONNECTIONS - 2 - 33);
    assertThat(limiter.met(Limit.HEAP)).isEqualTo(33);
    guard.onCollected(percent(86), true);
    assertThat(limiter.unidentified()).isZero();
    Awaitility.await().until(() -> limiter.open() == 2);
    guard.onCollected(percent(99), true);
    assertThat(peers.get(0).hearsNothing() && peers.get(1).hearsNothing()).isTrue();
  }

  @Test
  void newConnectionsTakeThePlacesOfTheOldestWhileTheHeapIsFull() throws Exception {
    guard.onCollected(percent(86), true);
    int left = limiter.unidentified();
    connect();
    assertClosed(35, 36);
    assertThat(limiter.unidentified()).isEqualTo(left);
    guard.onCollected(percent(79), false);
    connect();
    Awaitility.await().until(() -> limiter.unidentified() == left + 1);
    connect();
    assertClosed(36, 37);
  }

  @Test
  void youngCollectionIsFollowedByAFullOneAtMostEveryTwoSeconds() {
    guard.onCollected(percent(84), false);
    assertThat(collections).hasValue(0);
    guard.onCollected(percent(90), false);
    guard.onCollected(percent(90), false);
    assertThat(collections).hasValue(1);
    now += TimeUnit.SECONDS.toNanos(2);
    guard.onCollected(percent(90), false);
    assertThat(collections).hasValue(2);
    assertThat(limiter.unidentified()).isEqualTo(CONNECTIONS - 2);
  }

  @Test
  void heapThatOthersFillIsNotCollected() {
    limiter.shed(CONNECTIONS - 5);
    guard.onCollected(percent(90), false);
    assertThat(collections).hasValue(0);
  }
}
