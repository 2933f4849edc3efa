package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A hidden server that relays bytes to a local server, however that behaves. */
class TcpModeTest {
  private static final int MIB = 1024 * 1024;
  private static final String HALF = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";

  private final Queue<String> events = new ConcurrentLinkedQueue<>();
  private final AtomicInteger dialled = new AtomicInteger();
  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start();
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  private HiddenServer relay(LocalServer local, int tunnels) throws IOException {
    return hiddenServer(tunnels).relay(new Address("127.0.0.1", local.port()), true);
  }

  private HiddenServer.Builder hiddenServer(int tunnels) {
    Provisioning entry =
        new Provisioning(
            broker.id(),
            List.of(),
            broker.entry().totp(),
            "localhost",
            broker.port(),
            Optional.empty());
    return HiddenServer.of(entry)
        .trusting(Keys.trusted())
        .tunnels(tunnels)
        .maxTunnels(tunnels)
        .events(event -> events.add(event.text()));
  }

  @RepeatedTest(8)
  void bytesPassBothWaysAndSoDoTheEnds() throws Exception {
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  connection.readHead();
                  connection.in().transferTo(connection.out());
                  connection.send("end");
                });
        HiddenServer server = relay(local, 1);
        Peer client = broker.connect()) {
      broker.awaitParked(1);
      client.send(broker.request("POST", broker.entry(), "/", ""));
      CompletableFuture<String> sent =
          Octets.beside(
              () -> {
                String hash = Octets.write(client.out(), 8 * MIB, 1);
                client.shutdownOutput();
                return hash;
              });
      assertThat(Octets.read(client.in(), 8 * MIB)).isEqualTo(sent.get());
      assertThat(client.readAll()).isEqualTo("end");
      Awaitility.await().until(() -> server.status().parked() == 1);
    }
  }

  @Test
  void localServerIsDialledAtTheFirstOctetAndNotBefore() throws Exception {
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  dialled.incrementAndGet();
                  LocalServer.answerWithPath(connection);
                });
        HiddenServer server = relay(local, 2)) {
      broker.awaitParked(2);
      assertThat(dialled).hasValue(0);
      try (Peer client = broker.connect()) {
        client.send(broker.get(broker.entry(), "/"));
        assertThat(client.readResponse()).endsWith("\r\n\r\n/");
      }
      assertThat(dialled).hasValue(1);
      awaitParked(server);
    }
  }

  @Test
  void numberOfTunnelsIsAtLeastOne() {
    assertThatThrownBy(() -> hiddenServer(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("tunnels < 1: 0");
  }

  @Test
  void localServerThatIsDownIsA502OfTheAgents() throws Exception {
    LocalServer gone = new LocalServer(connection -> {});
    gone.close();
    try (HiddenServer server = relay(gone, 1);
        Peer client = broker.connect()) {
      broker.awaitParked(1);
      client.send(broker.get(broker.entry(), "/"));
      assertThat(client.readAll())
          .startsWith("HTTP/1.1 502 ")
          .contains("the local server cannot be reached");
      String event = "the local server: could not connect to 127.0.0.1 port " + gone.port();
      assertThat(events).anyMatch(told -> told.contains(event));
      Awaitility.await().until(() -> server.status().parked() == 1);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void localServerThatEndsWithoutAnAnswerIsA502OfTheAgents(boolean inOrder) throws Exception {
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  dialled.incrementAndGet();
                  connection.readHead();
                  if (!inOrder) {
                    connection.reset();
                  }
                });
        HiddenServer server = relay(local, 4);
        Peer client = broker.connect()) {
      broker.awaitParked(4);
      client.send(broker.get(broker.entry(), "/"));
      assertThat(client.readAll())
          .startsWith("HTTP/1.1 502 ")
          .contains("the local server ended without an answer");
      assertThat(dialled).as("not tried again in vain").hasValue(1);
      Awaitility.await().until(() -> server.status().parked() == 4);
    }
  }

  @Test
  void localServerThatBreaksOffBreaksTheClientsConnection() throws Exception {
    CompletableFuture<Void> arrived = new CompletableFuture<>();
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  connection.readHead();
                  connection.send(HALF);
                  arrived.join();
                  connection.reset();
                });
        HiddenServer server = relay(local, 1);
        Peer client = broker.connect()) {
      broker.awaitParked(1);
      client.send(broker.get(broker.entry(), "/"));
      assertThat(new String(client.in().readNBytes(HALF.length()), StandardCharsets.US_ASCII))
          .isEqualTo(HALF);
      arrived.complete(null);
      assertThatThrownBy(() -> client.in().read()).isInstanceOf(SocketException.class);
      Awaitility.await().until(() -> server.status().active() == 0);
    }
  }

  @Test
  void localServerThatEndsEarlyEndsTheClientsConnectionInOrder() throws Exception {
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  connection.readHead();
                  connection.send(HALF);
                });
        HiddenServer server = relay(local, 1)) {
      broker.awaitParked(1);
      try (Peer client = broker.connect()) {
        assertThat(client.send(broker.get(broker.entry(), "/")).readAll()).isEqualTo(HALF);
      }
      Awaitility.await().until(() -> server.status().active() == 0);
    }
  }

  @Test
  void localServerThatIsSlowToReadHoldsTheClientBackAndLosesNothing() throws Exception {
    CompletableFuture<Void> mayRead = new CompletableFuture<>();
    CompletableFuture<String> received = new CompletableFuture<>();
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  connection.readHead();
                  mayRead.join();
                  received.complete(Octets.read(connection.in(), 64 * MIB));
                  connection.send("HTTP/1.1 200 OK\r\n\r\n");
                });
        HiddenServer server = relay(local, 1);
        Peer client = broker.connect()) {
      broker.awaitParked(1);
      client.send(broker.request("POST", broker.entry(), "/", ""));
      CompletableFuture<String> sent = Octets.beside(() -> Octets.write(client.out(), 64 * MIB, 1));
      AtomicLong before = new AtomicLong(-1);
      Awaitility.await() // until it stands still
          .pollInterval(Duration.ofMillis(300))
          .until(
              () -> {
                long now = server.status().traffic().bytesIn();
                return now == before.getAndSet(now) && now > 0;
              });
      assertThat(before.get()).as("bytes on their way").isLessThan(32 * MIB);
      assertThat(sent).isNotDone();
      mayRead.complete(null);
      assertThat(received.get()).isEqualTo(sent.get());
      client.readHead();
    }
  }

  @Test
  void statusTellsWhatWasServedAndWhatWentWrong() throws Exception {
    LocalServer local = new LocalServer(LocalServer::answerWithPath);
    try (HiddenServer server = relay(local, 2)) {
      broker.awaitParked(2);
      Awaitility.await().until(() -> server.status().isOnline());
      assertThat(server.status().clockBehind())
          .hasValueSatisfying(d -> assertThat(d).isLessThan(Duration.ofSeconds(5)));
      assertThat(server.status().lastTrouble()).isEmpty();
      try (Peer client = broker.connect()) {
        assertThat(client.send(broker.get(broker.entry(), "/one")).readResponse()).endsWith("/one");
        assertThat(server.status().active()).isEqualTo(1);
        assertThat(server.status().traffic().bytesOut()).isEqualTo(42);
      }
      local.close();
      try (Peer client = broker.connect()) {
        assertThat(client.send(broker.get(broker.entry(), "/")).readAll()).contains(" 502 ");
      }
      Awaitility.await().until(() -> server.status().active() == 0);
      Status status = server.status();
      assertThat(status.traffic().requests()).isEqualTo(1);
      assertThat(status.traffic().bytesIn()).isPositive();
      assertThat(status.lastTrouble().orElseThrow().text()).contains("the local server: could not");
    }
  }

  @Test
  void socketsThatNobodyHasTakenEndWithTheHiddenServer() throws Exception {
    AcceptedSockets clients = new AcceptedSockets();
    HiddenServer server = hiddenServer(1).relay(clients);
    broker.awaitParked(1);
    try (Peer client = broker.connect()) {
      client.send(broker.request("POST", broker.entry(), "/", ""));
      Awaitility.await().until(() -> server.status().traffic().requests() == 1);
      CompletableFuture<Boolean> closed =
          Octets.beside(
              () -> {
                server.close();
                return true;
              });
      assertThat(client.readAll()).startsWith("HTTP/1.1 502 ");
      assertThat(closed.get(60, TimeUnit.SECONDS)).isTrue();
      assertThatThrownBy(clients::get).hasMessage("the hidden server is closed");
    }
  }

  private static String echoUntilTheEnd(AcceptedSockets clients) throws IOException {
    try {
      while (true) {
        try (Peer connection = Peer.of(clients.get().socket())) {
          connection.readHead();
          connection.in().transferTo(connection.out());
        }
      }
    } catch (IllegalStateException e) {
      return String.valueOf(e.getMessage());
    }
  }

  @Test
  void serverOfThisProcessTakesItsClientsAsSockets() throws Exception {
    AcceptedSockets clients = new AcceptedSockets();
    CompletableFuture<String> ended = Octets.beside(() -> echoUntilTheEnd(clients));
    try (HiddenServer server = hiddenServer(4).relay(clients)) {
      broker.awaitParked(4);
      for (int i = 0; i < 5; i++) {
        try (Peer client = broker.connect()) {
          client.send(broker.request("POST", broker.entry(), "/", ""));
          CompletableFuture<String> sent =
              Octets.beside(
                  () -> {
                    String hash = Octets.write(client.out(), MIB, 1);
                    client.shutdownOutput();
                    return hash;
                  });
          assertThat(Octets.read(client.in(), MIB)).isEqualTo(sent.get());
          assertThat(client.in().read()).isEqualTo(-1);
        }
      }
      assertThat(server.status().traffic().requests()).isEqualTo(5);
    }
    assertThat(ended.get()).isEqualTo("the hidden server is closed");
  }

  @Test
  void clientsThatNobodyTakesAreRefusedInTheEnd() throws Exception {
    AcceptedSockets clients = new AcceptedSockets();
    List<Peer> waiting = new ArrayList<>();
    try (HiddenServer server = hiddenServer(16).relay(clients)) {
      Awaitility.await().until(() -> server.status().parked() == 16);
      for (int i = 0; i < 128; i++) {
        waiting.add(broker.connect().send(broker.get(broker.entry(), "/")));
      }
      Awaitility.await().until(() -> server.status().traffic().requests() == 128);
      try (Peer client = broker.connect()) {
        assertThat(client.send(broker.get(broker.entry(), "/")).readAll()).contains(" 502 ");
      }
      assertThat(events).anyMatch(event -> event.contains("the program does not take its clients"));
      for (Peer client : waiting) {
        client.close();
      }
      for (int i = 0; i < 128; i++) {
        clients.get().close();
      }
    }
  }

  /** Waits until tunnels that were taken have been replaced. */
  private static void awaitParked(HiddenServer server) {
    Awaitility.await().until(() -> server.status().parked() > 0);
  }
}
