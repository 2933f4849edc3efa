package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.config.SettingsLoader;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Totp;
import io.rendezvous.http.undertow.UndertowServer;
import io.rendezvous.net.Network;
import io.rendezvous.testing.FaultRelay;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.NothingUncaught;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Soak;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tls.keys.TrustedCertificates;
import io.undertow.io.IoCallback;
import io.undertow.io.Sender;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLContext;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The agent between a real broker and a real local server. */
class AgentTest {
  private final Queue<String> events = new ConcurrentLinkedQueue<>();
  private TestBroker broker;
  private Network network;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start("wait", "1m"); // however slow the agent is
    network = new Network("agent", 2);
  }

  @AfterEach
  void stop() throws Exception {
    network.close();
    broker.close();
  }

  private Agent agent(int localPort, int tunnels) {
    return agent(broker.entry().totp(), Keys.trusted(), InstantSource.system(), localPort, tunnels);
  }

  private Agent agent(
      Totp totp, TrustedCertificates trust, InstantSource clock, int localPort, int tunnels) {
    Agent.Plan plan =
        new Agent.Plan(
            broker.id(), totp, new Address("localhost", broker.port()), trust, tunnels, tunnels);
    Agent agent =
        new Agent(
            plan,
            new TcpTarget(network.dialer("127.0.0.1", localPort, null)::dialBeside, true, network),
            network,
            clock,
            System::nanoTime,
            new EventLog(clock, event -> events.add(event.text())));
    agent.start();
    return agent;
  }

  private Agent.Plan plan(int port, int tunnels, int maxTunnels) {
    return new Agent.Plan(
        broker.id(),
        broker.entry().totp(),
        new Address("localhost", port),
        Keys.trusted(),
        tunnels,
        maxTunnels);
  }

  private Agent agent(Agent.Plan plan, int localPort) {
    InstantSource clock = InstantSource.system();
    Target target =
        new TcpTarget(network.dialer("127.0.0.1", localPort, null)::dialBeside, true, network);
    EventLog told = new EventLog(clock, event -> events.add(event.text()));
    return new Agent(plan, target, network, clock, System::nanoTime, told);
  }

  private static final class Nothing implements IoCallback {
    @Override
    public void onComplete(HttpServerExchange exchange, Sender sender) {}

    @Override
    public void onException(HttpServerExchange exchange, Sender sender, IOException e) {}
  }

  @Test
  void tunnelThatAnErrorOfTheProgramEndsIsReplaced() {
    AtomicBoolean isDue = new AtomicBoolean(true);
    LongSupplier ticker =
        () -> {
          boolean isOnIoThread = Thread.currentThread().getName().contains("I/O");
          if (isOnIoThread && isDue.getAndSet(false)) {
            throw new IllegalStateException(NothingUncaught.EXPECTED);
          }
          return System.nanoTime();
        };
    InstantSource clock = InstantSource.system();
    EventLog told = new EventLog(clock, event -> events.add(event.text()));
    Target target = new TcpTarget(network.dialer("127.0.0.1", 1, null)::dialBeside, true, network);
    try (Agent agent = new Agent(plan(broker.port(), 2, 2), target, network, clock, ticker, told)) {
      agent.start();
      Awaitility.await().until(() -> agent.status().parked() == 2);
      assertThat(isDue).isFalse();
    }
  }

  private void assertServed(String path) throws IOException {
    try (Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), path));
      assertThat(client.readResponse()).endsWith("\r\n\r\n" + path);
    }
  }

  private void awaitEvent(String part) {
    Awaitility.await()
        .untilAsserted(() -> assertThat(events).anyMatch(event -> event.contains(part)));
  }

  @Test
  void tunnelsAreParkedAndReplacedAsTheyAreTaken() throws Exception {
    try (LocalServer local = new LocalServer(LocalServer::answerWithPath);
        Agent agent = agent(local.port(), 3)) {
      broker.awaitParked(3);
      for (int i = 0; i < 20; i++) {
        assertServed("/" + i);
      }
      broker.awaitParked(3); // the agent learns of it a moment later
      Awaitility.await().until(() -> agent.status().parked() == 3);
    }
    broker.awaitParked(0);
  }

  /** What closes the connection during the handshake is told in words, whenever it happens. */
  @Test
  void peerThatClosesDuringTheHandshakeIsToldInWords() throws Exception {
    AtomicInteger connections = new AtomicInteger();
    try (LocalServer rude =
            new LocalServer(
                peer -> {
                  if (connections.incrementAndGet() % 2 == 0) {
                    peer.in().read();
                  }
                });
        Agent agent = agent(plan(rude.port(), 1, 1), rude.port())) {
      agent.start();
      Awaitility.await().until(() -> events.size() >= 4);
      assertThat(events).noneMatch(event -> event.contains("null") || event.contains("Exception"));
      assertThat(events).anyMatch(event -> event.startsWith("the broker closed the connection;"));
    }
  }

  @Test
  void urlIsToldOnceWhenClientsCanReachTheHiddenServer() throws Exception {
    try (LocalServer local = new LocalServer(LocalServer::answerWithPath);
        Agent agent = agent(local.port(), 3)) {
      broker.awaitParked(3);
      assertServed("/");
      Awaitility.await().until(() -> agent.status().parked() == 3);
      String url = "https://" + broker.id() + ":x@localhost:" + broker.port() + "/";
      assertThat(events).containsOnlyOnce("clients reach it at " + url);
    }
  }

  @Test
  void manyClientsAtOnceAreServed() throws Exception {
    try (LocalServer local = new LocalServer(LocalServer::answerWithPath);
        Agent agent = agent(local.port(), 4)) {
      broker.awaitParked(4);
      List<CompletableFuture<Boolean>> all = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        String path = "/" + i;
        all.add(
            Octets.beside(
                () -> {
                  assertServed(path);
                  return true;
                }));
      }
      for (CompletableFuture<Boolean> one : all) {
        assertThat(one.get()).isTrue();
      }
      Awaitility.await().until(() -> agent.status().parked() == 4);
    }
  }

  @Test
  void wrongSecretIsToldInWordsAndTriedAgainLater() throws Exception {
    Entry other = Entry.create(broker.id(), List.of(), 8, Instant.now(), List.of());
    try (Agent agent = agent(other.totp(), Keys.trusted(), InstantSource.system(), 1, 4)) {
      awaitEvent("the broker refused: 401 unknown UUID or wrong token; the clocks agree");
      awaitEvent("trying again in ");
      assertThat(agent.status().parked()).isZero();
    }
  }

  @Test
  void wrongClockIsToldInWords() throws Exception {
    InstantSource behind = () -> Instant.now().minus(Duration.ofSeconds(95));
    try (Agent agent = agent(broker.entry().totp(), Keys.trusted(), behind, 1, 4)) {
      awaitEvent("this machine's clock is 9");
      awaitEvent(" s behind the broker's, so correct it");
      assertThat(agent.status().parked()).isZero();
    }
  }

  @Test
  void brokerThatIsNotWhoItShouldBeIsNotTalkedTo() throws Exception {
    TrustedCertificates others = TrustedCertificates.in(Optional.empty());
    try (Agent agent = agent(broker.entry().totp(), others, InstantSource.system(), 1, 2)) {
      awaitEvent("the broker's certificate is not trusted (PKIX path building failed");
      assertThat(agent.status().parked()).isZero();
    }
  }

  @Test
  void brokerThatWasAwayIsFoundAgain() throws Exception {
    try (LocalServer local = new LocalServer(LocalServer::answerWithPath);
        FaultRelay path = new FaultRelay(broker.port())) {
      Agent.Plan plan = plan(path.port(), 4, 4);
      try (Agent agent = agent(plan, local.port())) {
        agent.start();
        broker.awaitParked(4);
        for (int i = 0; i < 3; i++) {
          path.cut();
          Awaitility.await().until(() -> agent.status().parked() == 0);
          awaitEvent("could not connect to ");
          events.clear();
          path.restore();
          Awaitility.await().until(() -> agent.status().parked() == 4);
          broker.awaitParked(4);
          assertServed("/" + i);
        }
      }
    }
  }

  @Test
  void tunnelsThatArePushedOutAreNotReplacedForAMinute() throws Exception {
    try (TestBroker small = TestBroker.start("tunnels-per-id", "2")) {
      Agent.Plan plan =
          new Agent.Plan(
              small.id(),
              small.entry().totp(),
              new Address("localhost", small.port()),
              Keys.trusted(),
              5,
              5);
      try (Agent agent = agent(plan, 1)) {
        agent.start();
        awaitEvent("replacing it in 60 s");
        Awaitility.await().pollDelay(Duration.ofSeconds(3)).until(() -> true);
        assertThat(events.stream().filter(e -> e.startsWith("parked a tunnel"))).hasSize(5);
        assertThat(agent.status().parked()).isEqualTo(2);
        small.awaitParked(2);
      }
    }
  }

  @Test
  void requestInThePacketOfThe200IsServed() throws Exception {
    SSLContext server = Keys.server().context();
    try (LocalServer local = new LocalServer(LocalServer::answerWithPath);
        ServerSocket hasty = server.getServerSocketFactory().createServerSocket(0)) {
      Agent.Plan plan = plan(hasty.getLocalPort(), 1, 1);
      try (Agent agent = agent(plan, local.port())) {
        agent.start();
        try (Peer tunnel = Peer.of(hasty.accept())) {
          assertThat(tunnel.readHead()).startsWith("CONNECT uuid:" + broker.id() + "?response=");
          tunnel.send("HTTP/1.1 200 OK\r\nX: y\r\n\r\nGET /early HTTP/1.1\r\n\r\n");
          assertThat(tunnel.readResponse()).endsWith("/early");
        }
      }
    }
  }

  /** Runs an agent against a scripted broker, and returns how often it has connected. */
  private int connections(LocalServer.Service broker, Duration time) throws Exception {
    AtomicInteger connections = new AtomicInteger();
    CompletableFuture<Boolean> accepting;
    try (ServerSocket socket = new ServerSocket(0)) {
      accepting =
          Octets.beside(
              () -> {
                while (!socket.isClosed()) {
                  try (Peer tunnel = Peer.of(socket.accept(), Keys.server().context())) {
                    connections.incrementAndGet();
                    tunnel.readHead();
                    broker.serve(tunnel);
                  } catch (IOException e) {
                    // The agent has disconnected, or the test is over.
                  }
                }
                return true;
              });
      Agent.Plan plan = plan(socket.getLocalPort(), 4, 4);
      try (Agent agent = agent(plan, 1)) {
        agent.start();
        Awaitility.await().pollDelay(time).until(() -> true);
      }
    }
    accepting.get();
    return connections.get();
  }

  @Test
  void brokerThatResetsWhatItHasParkedIsNotStormed() throws Exception {
    int connections =
        connections(
            tunnel -> {
              tunnel.send("HTTP/1.1 200 OK\r\n\r\n");
              tunnel.reset();
            },
            Duration.ofSeconds(4));
    assertThat(connections).isBetween(4, 60);
    assertThat(events).anyMatch(event -> event.contains("; trying again in"));
  }

  @Test
  void webServerIsNotTakenForABroker() throws Exception {
    int connections =
        connections(
            tunnel -> tunnel.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").end(),
            Duration.ofSeconds(4));
    assertThat(connections).isBetween(2, 60);
    assertThat(events)
        .anyMatch(event -> event.startsWith("the server at the broker's address is a web server"))
        .noneMatch(event -> event.endsWith(": taken"));
  }

  @Test
  void machineThatHasSleptParksFreshTunnelsAtOnce() throws Exception {
    TestBroker.SteppedClock clock = new TestBroker.SteppedClock();
    try (LocalServer local = new LocalServer(LocalServer::answerWithPath);
        Agent agent = agent(broker.entry().totp(), Keys.trusted(), clock, local.port(), 3)) {
      broker.awaitParked(3);
      clock.step(Duration.ofSeconds(15)); // within the tolerance of the broker
      awaitEvent("this machine has slept or changed its network; parking fresh tunnels");
      broker.awaitParked(6); // the broker is left to close the old ones
      Awaitility.await().until(() -> agent.status().parked() == 3);
      for (int i = 0; i < 8; i++) {
        assertServed("/" + i);
      }
      Awaitility.await().until(() -> agent.status().parked() == 3);
    }
    broker.awaitParked(0);
  }

  @Test
  void tunnelsThatWereBeingOpenedElsewhereDoNotKeepFreshOnesWaiting() throws Exception {
    TestBroker.SteppedClock clock = new TestBroker.SteppedClock();
    try (ServerSocket silent = new ServerSocket(0)) {
      EventLog told = new EventLog(clock, event -> events.add(event.text()));
      Target target =
          new TcpTarget(network.dialer("127.0.0.1", 1, null)::dialBeside, true, network);
      Agent.Plan plan = plan(silent.getLocalPort(), 1, 1);
      try (Agent agent = new Agent(plan, target, network, clock, System::nanoTime, told)) {
        agent.start();
        try (Peer old = Peer.of(silent.accept())) {
          clock.step(Duration.ofSeconds(15));
          silent.setSoTimeout(5000);
          try (Peer fresh = Peer.of(silent.accept(), Keys.server().context())) {
            assertThat(fresh.readHead()).startsWith("CONNECT uuid:" + broker.id());
            fresh.send("HTTP/1.1 200 OK\r\n\r\n");
            old.reset(); // which says nothing about the new path
            Awaitility.await().until(() -> agent.status().parked() == 1);
            assertThat(agent.status().lastTrouble()).isEmpty();
          }
        }
      }
    }
  }

  private static double delay(String event) {
    return Double.parseDouble(event.replaceAll(".*trying again in (.*) s", "$1"));
  }

  @Test
  void tunnelThatIsTakenIsReplacedAtOnceThoughAnotherWasLost() throws Exception {
    SSLContext keys = Keys.server().context();
    try (LocalServer local = new LocalServer(LocalServer::answerWithPath);
        ServerSocket socket = new ServerSocket(0)) {
      socket.setSoTimeout(5000);
      try (Agent agent = agent(plan(socket.getLocalPort(), 2, 2), local.port())) {
        agent.start();
        try (Peer healthy = park(socket, keys)) {
          do { // until the delay is long enough to tell
            events.clear();
            Peer broken = park(socket, keys);
            Awaitility.await().until(() -> agent.status().parked() == 2);
            broken.reset();
            awaitEvent("a tunnel was lost; trying again in ");
          } while (events.stream()
              .noneMatch(event -> event.startsWith("a tunnel was lost") && delay(event) > 1));
          healthy.send("GET /taken HTTP/1.1\r\n\r\n");
          assertThat(healthy.readResponse()).endsWith("/taken");
          socket.setSoTimeout(500);
          park(socket, keys).end();
        }
      }
    }
  }

  private static Peer park(ServerSocket broker, SSLContext keys) throws IOException {
    Peer tunnel = Peer.of(broker.accept(), keys);
    tunnel.readHead();
    return tunnel.send("HTTP/1.1 200 OK\r\n\r\n");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void clientsThatDoNotFinishAreCutOffInTheEnd(boolean http) throws Exception {
    HttpHandler endless =
        exchange -> {
          exchange.setResponseContentLength(2);
          exchange.dispatch(() -> exchange.getResponseSender().send(" ", new Nothing()));
        };
    try (LocalServer local =
        new LocalServer(
            connection -> {
              connection.readHead();
              connection.send("HTTP/1.1 200 OK\r\n\r\n").in().read();
            })) {
      Target target =
          http
              ? new HttpTarget(new UndertowServer(network, user -> true, endless))
              : new TcpTarget(
                  network.dialer("127.0.0.1", local.port(), null)::dialBeside, true, network);
      InstantSource clock = InstantSource.system();
      Agent agent =
          new Agent(
              plan(broker.port(), 2, 2),
              target,
              network,
              clock,
              System::nanoTime,
              new EventLog(clock, event -> events.add(event.text())));
      agent.start();
      broker.awaitParked(2);
      try (Peer client = broker.connect()) {
        client.send(broker.get(broker.entry(), "/")).readHead();
        agent.close(Duration.ofMillis(100));
        assertThat(Octets.untilItBreaks(client.in())).isBlank();
        Awaitility.await().until(() -> agent.status().active() == 0);
      }
    }
  }

  @Test
  void demandHasMoreTunnelsParked() throws Exception {
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  connection.readHead();
                  connection.in().read(); // until the client has gone
                });
        Agent agent = agent(plan(broker.port(), 2, 4), local.port())) {
      agent.start();
      broker.awaitParked(2);
      List<Peer> clients = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        Peer client = broker.connect();
        clients.add(client.send(broker.get(broker.entry(), "/")));
      }
      Awaitility.await().until(() -> broker.broker().paired() == 40);
      Awaitility.await().until(() -> agent.status().parked() == agent.status().wanted());
      assertThat(agent.status().wanted()).isBetween(3, 4);
      for (Peer client : clients) {
        client.end();
      }
    }
  }

  @Test
  void connectionsThatBreakWhileRequestsFlowFailNoneThatCanBeSentAgain() throws Exception {
    try (LocalServer local = new LocalServer(LocalServer::answerWithPath);
        FaultRelay path = new FaultRelay(broker.port())) {
      Agent.Plan plan = plan(path.port(), 8, 32);
      try (Agent agent = agent(plan, local.port())) {
        agent.start();
        broker.awaitParked(8);
        AtomicBoolean over = new AtomicBoolean();
        List<CompletableFuture<Integer>> clients = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          clients.add(Octets.beside(() -> requests(over)));
        }
        for (int killed = 0; killed < Soak.repetitions(1000); killed++) {
          Awaitility.await()
              .pollInterval(Duration.ofMillis(20))
              .until(
                  () ->
                      broker.broker().connected().totals().parked() >= 4
                          && path.cutOne()); // unless none is left
          assertThat(clients).noneMatch(CompletableFuture::isDone);
        }
        over.set(true);
        for (CompletableFuture<Integer> client : clients) {
          assertThat(client.get()).isPositive();
        }
      }
    }
  }

  /** Returns how many were served. A 502 is right only if three tunnels in a row broke. */
  private int requests(AtomicBoolean over) throws IOException {
    int served = 0;
    while (!over.get() || served < 10) {
      try (Peer client = broker.connect()) {
        String answer = client.send(broker.get(broker.entry(), "/" + served)).readResponse();
        if (answer.endsWith("\r\n\r\n/" + served)) {
          served++;
        } else {
          assertThat(answer).startsWith("HTTP/1.1 502 ");
        }
      }
    }
    return served;
  }

  /** Tunnels are retired after ten minutes, on a clock that runs a thousand times as fast. */
  @Test
  void tunnelsThatGrowOldAreReplacedUnnoticed() throws Exception {
    Duration age = Duration.ofMillis(600);
    int generations = Soak.repetitions(24 * 6);
    try (TestBroker hasty = TestBroker.start("tunnel-age", age.toMillis() + "ms");
        LocalServer local = new LocalServer(LocalServer::answerWithPath)) {
      Agent.Plan plan =
          new Agent.Plan(
              hasty.id(),
              hasty.entry().totp(),
              new Address("localhost", hasty.port()),
              Keys.trusted(),
              4,
              4);
      Target target =
          new TcpTarget(network.dialer("127.0.0.1", local.port(), null)::dialBeside, true, network);
      AtomicInteger parkings = new AtomicInteger();
      List<Event> others = Collections.synchronizedList(new ArrayList<>());
      Consumer<Event> listener =
          event -> {
            switch (event.kind()) {
              case PARKED -> parkings.incrementAndGet();
              case REACHABLE, TAKEN, ENDED -> {}
              default -> others.add(event);
            }
          };
      InstantSource clock = InstantSource.system();
      AtomicLong stoodAt = new AtomicLong();
      LongSupplier ticker = () -> stoodAt.get() == 0 ? System.nanoTime() * 1000 : stoodAt.get();
      try (Agent agent =
          new Agent(plan, target, network, clock, ticker, new EventLog(clock, listener))) {
        agent.start();
        hasty.awaitParked(4);
        AtomicInteger served = new AtomicInteger();
        Awaitility.await()
            .atMost(Duration.ofMinutes(3))
            .pollInterval(Duration.ofMillis(100))
            .until(
                () -> {
                  String path = "/" + served.incrementAndGet();
                  try (Peer client = hasty.connect()) {
                    assertThat(client.send(hasty.get(hasty.entry(), path)).readResponse())
                        .endsWith("\r\n\r\n" + path);
                  }
                  return parkings.get() - served.get() >= 4 * generations;
                });
        assertThat(others).isEmpty();
        // As soon as tunnels no longer grow old, there are as many as there should be.
        hasty.broker().reload(SettingsLoader.load(Map.of("rendezvous.tunnel-age", "1h")));
        stoodAt.set(System.nanoTime() * 1000);
        Awaitility.await().until(() -> agent.status().parked() == 4);
      }
    }
  }

  /** A broker that hangs: the kernel accepts connections, but nobody shakes hands. */
  @Tag("long")
  @Test
  void serverThatNeverShakesHandsIsDialledAgain() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"))) {
      silent.setSoTimeout(60_000);
      Agent agent = agent(plan(silent.getLocalPort(), 1, 1), 1);
      agent.start();
      try (Socket first = silent.accept();
          Socket second = silent.accept()) {
        assertThat(second.getPort()).isNotEqualTo(first.getPort());
      } finally {
        agent.close(Duration.ofMillis(100));
      }
    }
  }
}
