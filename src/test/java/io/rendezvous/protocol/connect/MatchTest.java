package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Soak;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Clients and tunnels find each other, or clients wait, or are told why not (protocol.md, 1.3). The
 * decisions, such as which tunnel is taken, are tested in {@code tunnel.TakeTest} and {@code
 * tunnel.WaitTest}.
 */
class MatchTest {
  private TestBroker broker;

  /** The ways in which a tunnel ends before it has answered. */
  enum Death {
    CLOSED {
      @Override
      void of(Peer tunnel) throws IOException {
        tunnel.end();
      }
    },
    CUT {
      @Override
      void of(Peer tunnel) throws IOException {
        tunnel.cut();
      }
    },
    RESET {
      @Override
      void of(Peer tunnel) throws IOException {
        tunnel.reset();
      }
    };

    abstract void of(Peer tunnel) throws IOException;
  }

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start("wait", "1s");
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  /** Answers a request with its path. */
  private static void answer(Peer tunnel) throws IOException {
    String path = tunnel.readHead().split(" ", -1)[1];
    tunnel.send("HTTP/1.1 200 OK\r\nContent-Length: " + path.length() + "\r\n\r\n" + path);
  }

  @Test
  void clientWaitsForATunnelOfAnIdThatIsConnected() throws Exception {
    try (Peer first = broker.park();
        Peer paired = broker.connect();
        Peer waits = broker.connect();
        Peer waitsToo = broker.connect()) {
      paired.send(broker.get(broker.entry(), "/paired"));
      answer(first);
      paired.readResponse();
      waits.send(broker.request("POST", broker.entry(), "/1", "Content-Length: 3\r\n") + "ab");
      broker.awaitWaiting(1);
      waitsToo.send(broker.get(broker.entry(), "/2"));
      waits.send("c");
      broker.awaitWaiting(2);
      try (Peer second = broker.park();
          Peer third = broker.park()) {
        assertThat(second.readHead()).startsWith("POST /1 "); // first come, first served
        assertThat(second.read(3)).isEqualTo("abc");
        answer(third);
        assertThat(waitsToo.readResponse()).endsWith("/2");
      }
    }
  }

  @Test
  void clientThatWaitsInVainReceives503() throws Exception {
    try (Peer tunnel = broker.park();
        Peer paired = broker.connect();
        Peer waits = broker.connect()) {
      paired.send(broker.get(broker.entry(), "/"));
      answer(tunnel);
      paired.readResponse();
      String answer = waits.send(broker.get(broker.entry(), "/")).readAll();
      assertThat(answer).startsWith("HTTP/1.1 503 ").contains("\r\nRetry-After: 1\r\n");
    }
  }

  @Test
  void clientBeyondTheLimitDoesNotWait() throws Exception {
    try (TestBroker small = TestBroker.start("limits.waiting-per-id", "1", "wait", "3s");
        Peer tunnel = small.park();
        Peer paired = small.connect();
        Peer waits = small.connect();
        Peer oneTooMany = small.connect()) {
      paired.send(small.get(small.entry(), "/"));
      answer(tunnel);
      paired.readResponse();
      waits.send(small.get(small.entry(), "/waits"));
      small.awaitWaiting(1);
      String answer = oneTooMany.send(small.get(small.entry(), "/")).readAll();
      assertThat(answer).startsWith("HTTP/1.1 503 ").contains("\r\nRetry-After: ");
      try (Peer second = small.park()) {
        answer(second);
        assertThat(waits.readResponse()).endsWith("/waits");
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Death.class)
  void waitingClientThatLeavesTakesNoTunnel(Death death) throws Exception {
    try (Peer tunnel = broker.park();
        Peer paired = broker.connect();
        Peer waits = broker.connect()) {
      paired.send(broker.get(broker.entry(), "/"));
      answer(tunnel);
      paired.readResponse();
      waits.send(broker.get(broker.entry(), "/"));
      broker.awaitWaiting(1);
      death.of(waits);
      broker.awaitWaiting(0);
      try (Peer second = broker.park()) {
        broker.awaitParked(1);
        assertThat(second.hearsNothing()).isTrue();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Death.class)
  void tunnelThatEndsWithoutAnAnswerIsReplacedUnnoticed(Death death) throws Exception {
    try (Peer client = broker.connect()) {
      List<CompletableFuture<Boolean>> tunnels = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        Peer tunnel = broker.park();
        tunnels.add(
            Octets.beside(
                () -> {
                  tunnel.readHead();
                  death.of(tunnel);
                  return true;
                }));
      }
      broker.awaitParked(2);
      client.send(broker.get(broker.entry(), "/again"));
      for (CompletableFuture<Boolean> died : tunnels) {
        died.get();
      }
      try (Peer alive = broker.park()) {
        answer(alive);
        assertThat(client.readResponse()).endsWith("/again");
      }
    }
  }

  /** A client that has left awaits no answer, and may have had the request served once already. */
  @Test
  void requestOfAClientThatLeftIsNotSentAgain() throws Exception {
    List<CompletableFuture<Peer>> asked = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      Peer tunnel = broker.park();
      asked.add(
          Octets.beside(
              () -> {
                tunnel.readHead();
                return tunnel;
              }));
    }
    broker.awaitParked(2);
    try (Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      Peer first = (Peer) CompletableFuture.anyOf(asked.get(0), asked.get(1)).get();
      client.cut();
      assertThatThrownBy(() -> first.read(1)).isInstanceOf(IOException.class); // it is told
      first.end();
      Awaitility.await().until(() -> broker.broker().paired() == 0);
      broker.awaitParked(1);
      assertThat(asked).filteredOn(CompletableFuture::isDone).hasSize(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"HEAD", "OPTIONS"})
  void otherSafeRequestsAreSentAgainToo(String method) throws Exception {
    AtomicBoolean oneDied = new AtomicBoolean();
    List<CompletableFuture<?>> tunnels = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      Peer tunnel = broker.park();
      tunnels.add(
          Octets.beside(
              () -> {
                String head = tunnel.readHead();
                if (oneDied.compareAndSet(false, true)) {
                  tunnel.reset();
                } else {
                  tunnel.send("HTTP/1.1 204 No Content\r\n\r\n");
                }
                return head;
              }));
    }
    broker.awaitParked(2);
    try (Peer client = broker.connect()) {
      client.send(broker.request(method, broker.entry(), "/again", ""));
      assertThat(client.readHead()).startsWith("HTTP/1.1 204 ");
    }
    for (CompletableFuture<?> asked : tunnels) {
      assertThat(asked.get().toString()).startsWith(method + " /again ");
    }
  }

  private static CompletableFuture<Boolean> dieWhenAsked(Peer tunnel) {
    return Octets.beside(
        () -> {
          tunnel.readHead();
          tunnel.reset();
          return true;
        });
  }

  @Test
  void clientReceives502AfterThreeAttempts() throws Exception {
    List<CompletableFuture<Boolean>> asked = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      asked.add(dieWhenAsked(broker.park()));
    }
    broker.awaitParked(4);
    try (Peer client = broker.connect()) {
      assertThat(client.send(broker.get(broker.entry(), "/")).readAll())
          .startsWith("HTTP/1.1 502 ");
    }
    broker.awaitParked(1);
    Awaitility.await().until(() -> asked.stream().filter(CompletableFuture::isDone).count() == 3);
  }

  @Test
  void withNoTunnelLeftTheClientWaitsAndThenReceives502() throws Exception {
    CompletableFuture<Boolean> dies = dieWhenAsked(broker.park());
    try (Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      dies.get();
      assertThat(client.readAll()).startsWith("HTTP/1.1 502 ");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "PUT", "DELETE", "PATCH"})
  void unsafeRequestIsNotSentAgain(String method) throws Exception {
    try (Peer client = broker.connect()) {
      CompletableFuture<Boolean> first = dieWhenAsked(broker.park());
      CompletableFuture<Boolean> second = dieWhenAsked(broker.park());
      broker.awaitParked(2);
      client.send(broker.request(method, broker.entry(), "/", ""));
      assertThat(client.readAll()).startsWith("HTTP/1.1 502 ");
      broker.awaitParked(1);
      assertThat(first.isDone() && second.isDone()).isFalse();
    }
  }

  @Test
  void requestThatIsFollowedByMoreIsNotSentAgain() throws Exception {
    try (Peer client = broker.connect();
        Peer other = broker.park()) {
      Peer dies = broker.park();
      broker.awaitParked(2);
      client.send(broker.get(broker.entry(), "/1") + broker.get(broker.entry(), "/2"));
      CompletableFuture.anyOf(dieWhenAsked(dies), dieWhenAsked(other)).get();
      assertThat(client.readAll()).startsWith("HTTP/1.1 502 ");
    }
  }

  @Test
  void requestIsNotSentAgainAfterAnAnswerHasBegun() throws Exception {
    try (Peer client = broker.connect()) {
      Peer breaks = broker.park();
      CompletableFuture<Boolean> broken =
          Octets.beside(
              () -> {
                breaks.readHead();
                breaks.send("H").end();
                return true;
              });
      client.send(broker.get(broker.entry(), "/"));
      broken.get();
      assertThat(client.readAll()).isEqualTo("H");
    }
  }

  @Test
  void tunnelsThatEndAtTheVeryMomentLoseNoRequest() throws Exception {
    for (int i = 0; i < Soak.repetitions(200); i++) {
      Peer goes = broker.park();
      broker.awaitParked(1);
      try (Peer client = broker.connect()) {
        CompletableFuture<Boolean> gone =
            Octets.beside(
                () -> {
                  goes.reset();
                  return true;
                });
        client.send(broker.get(broker.entry(), "/" + i));
        gone.get();
        try (Peer stays = broker.park()) {
          answer(stays);
          assertThat(client.readResponse()).endsWith("/" + i);
        }
      }
    }
    Awaitility.await().until(() -> broker.broker().connections() == 0);
  }

  @Test
  void drainAnswersWaitingClientsAndLetsTransfersFinish() throws Exception {
    try (TestBroker ending = TestBroker.start("wait", "10s");
        Peer tunnel = ending.park();
        Peer paired = ending.connect();
        Peer waits = ending.connect();
        Peer hasBegun = ending.connect();
        Peer idle = ending.connect()) {
      paired.send(ending.get(ending.entry(), "/"));
      tunnel.readHead();
      waits.send(ending.get(ending.entry(), "/"));
      hasBegun.send("GET / HTTP/1.1\r\n");
      ending.awaitWaiting(1);
      Awaitility.await().pollDelay(Duration.ofMillis(200)).until(() -> true); // for the half head
      try (Peer parked = ending.park(ending.addEntry())) {
        ending.awaitParked(1);
        CompletableFuture<Boolean> drained =
            Octets.beside(
                () -> {
                  ending.broker().drain(Duration.ofSeconds(20));
                  return true;
                });
        assertThat(waits.readAll()).startsWith("HTTP/1.1 503 ").contains("\r\nRetry-After: ");
        assertThat(hasBegun.readAll()).startsWith("HTTP/1.1 503 ");
        assertThat(idle.readAll()).isEmpty();
        assertThat(parked.in().read()).isEqualTo(-1);
        assertThat(drained.isDone()).isFalse();
        tunnel.send("HTTP/1.1 200 OK\r\n\r\nall of it").end();
        assertThat(paired.readAll()).endsWith("all of it");
        paired.end();
        assertThat(drained.get()).isTrue();
      }
    }
  }

  @Test
  void waitingClientThatEndsItsStreamIsAnswered() throws Exception {
    broker.park().end();
    broker.awaitParked(0);
    try (Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/")).shutdownOutput();
      assertThat(client.readAll()).startsWith("HTTP/1.1 503 ").contains("\r\nRetry-After: ");
    }
    CompletableFuture<Boolean> dies = dieWhenAsked(broker.park());
    try (Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/")).shutdownOutput();
      dies.get();
      assertThat(client.readAll()).startsWith("HTTP/1.1 502 ");
    }
  }

  @Test
  void drainDoesNotWaitForABodyThatIsDropped() throws Exception {
    try (TestBroker ending = TestBroker.start();
        Peer client = ending.connect()) {
      client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n");
      client.readResponse();
      CompletableFuture<Boolean> drained =
          Octets.beside(
              () -> {
                ending.broker().drain(Duration.ofMinutes(1));
                return true;
              });
      assertThat(client.readAll()).isEmpty();
      client.end();
      assertThat(drained.get()).isTrue();
    }
  }
}
