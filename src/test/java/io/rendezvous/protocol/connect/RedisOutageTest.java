package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.RedisStore;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.RedisServer;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tunnel.Presence;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A broker whose Redis goes away, hangs and comes back. */
class RedisOutageTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

  private RedisServer redis;
  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    redis = new RedisServer();
    broker =
        TestBroker.startOn(
            new RedisStore("redis://127.0.0.1:" + redis.port()), new TestBroker.SteppedClock());
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
    redis.close();
  }

  private void assertServed(Peer tunnel) throws IOException {
    try (Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      tunnel.send(OK);
      assertThat(client.readResponse()).isEqualTo(OK);
    }
  }

  private String answerTo(Entry entry) throws IOException {
    try (Peer hidden = broker.connect()) {
      return hidden.send(broker.connectHead(entry)).readHead();
    }
  }

  @Test
  void redisThatCrashedIsBridgedForAWhile() throws Exception {
    Entry unseen = broker.addEntry();
    try (Peer taken = broker.park();
        Peer paired = broker.connect()) {
      paired.send(broker.get(broker.entry(), "/"));
      taken.readHead();
      Peer parked = broker.park();
      redis.kill();
      taken.send(OK);
      assertThat(paired.readResponse()).isEqualTo(OK); // pairs go on
      assertServed(parked); // parked tunnels can still be used
      assertThat(answerTo(broker.entry()))
          .startsWith("HTTP/1.1 200 "); // the entry was seen a moment ago
      assertThat(answerTo(unseen)).startsWith("HTTP/1.1 503 ").contains("\r\nRetry-After: ");
      broker.clock().step(Duration.ofMinutes(16));
      assertThat(answerTo(broker.entry())).startsWith("HTTP/1.1 503 ");
      redis.startAgain();
      Awaitility.await().until(() -> answerTo(unseen).startsWith("HTTP/1.1 200 "));
      assertThat(answerTo(broker.entry())).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void redisThatHangsBlocksNothingElse() throws Exception {
    Entry unseen = broker.addEntry();
    try (Peer tunnel = broker.park();
        Peer asks = broker.connect()) {
      broker.awaitParked(1);
      redis.signal("STOP");
      try {
        asks.send(broker.connectHead(unseen));
        assertServed(tunnel); // while the lookup is pending
        assertThat(asks.readHead()).startsWith("HTTP/1.1 503 ");
      } finally {
        redis.signal("CONT");
      }
      Awaitility.await().until(() -> answerTo(unseen).startsWith("HTTP/1.1 200 "));
    }
  }

  @Test
  void whatIsRevokedWhileTheBrokerIsNotSubscribedEndsAllTheSame() throws Exception {
    try (Peer taken = broker.park();
        Peer paired = broker.connect()) {
      paired.send(broker.get(broker.entry(), "/"));
      taken.readHead();
      try (Peer parked = broker.park();
          EntryStore mute = new RedisStore("redis://mute:x@127.0.0.1:" + redis.port())) {
        broker.awaitParked(1);
        redis.ask(List.of("ACL", "SETUSER", "mute", "on", ">x", "~*", "+@all", "resetchannels"));
        mute.delete(broker.entry().id()); // publishes nothing
        Presence connected = broker.broker().connected();
        Awaitility.await()
            .untilAsserted(
                () -> {
                  assertThat(connected.totals().parked()).isZero();
                  assertThat(connected.totals().paired()).isZero();
                });
        assertThat(Octets.untilItBreaks(parked.in())).isEmpty();
      }
    }
  }
}
