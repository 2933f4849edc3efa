package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.Network;
import io.rendezvous.testing.FreePort;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.InstantSource;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The agent tells when nothing listens locally, and when that is over. */
class LocalServerWatchTest {
  private final Queue<Event> events = new ConcurrentLinkedQueue<>();
  private final EventLog log = new EventLog(InstantSource.system(), events::add);
  private Network network;

  @BeforeEach
  void start() throws Exception {
    network = new Network("watch", 1);
  }

  @AfterEach
  void stop() {
    network.close();
  }

  private LocalServerWatch watch(int port) {
    LocalServerWatch watch =
        new LocalServerWatch(network.dialer("127.0.0.1", port, null), network, log);
    log.onLocalFailure(watch::look);
    watch.look();
    return watch;
  }

  private void await(Event.Kind... kinds) {
    Awaitility.await()
        .untilAsserted(() -> assertThat(events).extracting(Event::kind).containsExactly(kinds));
  }

  @Test
  void absentServerIsToldOnceAndAgainWhenItIsThere() throws Exception {
    int port = FreePort.find();
    watch(port);
    await(Event.Kind.LOCAL_FAILED);
    assertThat(events.peek().text())
        .startsWith("the local server cannot be reached, so clients receive a 502: ")
        .contains("127.0.0.1 port " + port);
    try (ServerSocket local = new ServerSocket()) {
      local.bind(new InetSocketAddress("127.0.0.1", port));
      await(Event.Kind.LOCAL_FAILED, Event.Kind.LOCAL_REACHABLE);
    }
  }

  @Test
  void serverThatStopsIsToldAfterAClientHasFailed() throws Exception {
    int port;
    try (ServerSocket local = new ServerSocket(0)) {
      port = local.getLocalPort();
      watch(port);
      local.accept().close();
    }
    Awaitility.await()
        .until(
            () -> {
              log.tell(Event.Kind.LOCAL_FAILED, "tunnel 1: a client");
              return events.stream().anyMatch(event -> event.text().contains("receive a 502"));
            });
    assertThat(events.stream().filter(event -> event.text().contains("receive a 502"))).hasSize(1);
  }

  @Test
  void serverThatIsThereIsNotMentioned() throws Exception {
    try (ServerSocket local = new ServerSocket(0)) {
      LocalServerWatch watch = watch(local.getLocalPort());
      local.accept().close();
      watch.close();
    }
    assertThat(events).isEmpty();
  }
}
