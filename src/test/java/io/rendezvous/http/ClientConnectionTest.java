package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.http.ClientConnection.Patience;
import io.rendezvous.net.Conn;
import io.rendezvous.net.ConnectionGroup;
import io.rendezvous.net.ConnectionLimiter;
import io.rendezvous.net.Layer;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.tls.Tls;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tests how long a client may go on asking. */
class ClientConnectionTest {
  private static final String ASK = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  private static final Duration LONG = Duration.ofMinutes(2);
  private static final Problem WHO = Problem.temporary(401, "who?");

  private final ConnectionLimiter limiter = new ConnectionLimiter(new Listener.Limits(100, 100));
  private final List<Boolean> kept = new CopyOnWriteArrayList<>();
  private Network network;

  @BeforeEach
  void start() throws Exception {
    network = new Network("test-client", 1);
  }

  @AfterEach
  void stop() {
    network.close();
  }

  private Peer connect(Patience patience) throws Exception {
    return Peer.to(listen(patience, null)).plain();
  }

  private Peer connectByTls(Patience patience) throws Exception {
    Layer layer = Tls.accepting(network, Keys.server().context());
    return Peer.to(listen(patience, layer)).tls(Keys.trust());
  }

  /** Listens, and returns the port. */
  private int listen(Patience patience, @Nullable Layer layer) throws Exception {
    return network
        .listen(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            layer,
            new ConnectionGroup(limiter),
            conn -> start(conn, patience))
        .address()
        .getPort();
  }

  private void start(Conn conn, Patience patience) {
    if (conn.awaitsTls()) {
      conn.startTls();
    }
    new ClientConnection(conn, InstantSource.system(), this::answer, patience)
        .start(Duration.ofSeconds(10));
  }

  private void answer(ClientConnection client) {
    kept.add(client.canBeKept());
    client.answerAndKeep(ProblemResponse.to(client.head(), WHO));
  }

  @Test
  void lastAnswerEndsTheConnection() throws Exception {
    try (Peer client = connect(new Patience(3, Duration.ofMinutes(2), LONG))) {
      for (int i = 0; i < 4; i++) {
        client.send(ASK).readResponse();
      }
      assertThat(kept).containsExactly(true, true, false, false);
    }
  }

  @Test
  void connectionThatIsIdleWhenItsTimeIsOverIsClosed() throws Exception {
    try (Peer client = connect(new Patience(20, Duration.ofMillis(300), LONG))) {
      client.send(ASK).readResponse();
      assertThat(Octets.untilItBreaks(client.in())).isEmpty(); // long before the idle time is over
      assertThat(limiter.met(ConnectionLimiter.Limit.CHALLENGES)).isEqualTo(1);
    }
  }

  @Test
  void connectionIsNotKeptOnceItsTimeIsOver() throws Exception {
    try (Peer client = connect(new Patience(20, Duration.ZERO, LONG))) {
      client.send(ASK).readResponse();
      assertThat(kept).containsExactly(false);
    }
  }

  /** The first octets of a record whose rest never arrives: long before the idle time is over. */
  @Test
  void recordThatIsNotCompletedHasTheTimeOfAHead() throws Exception {
    Patience patience = new Patience(20, LONG, Duration.ofMillis(300));
    try (Peer client = connectByTls(patience)) {
      client.send(ASK).readResponse();
      client.sendBelowTls(new byte[] {23, 3, 3, 1, 0});
      assertThat(Octets.untilItBreaks(client.in())).isEmpty();
    }
  }
}
