package io.rendezvous.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A broker whose access log is read. */
final class LoggedBroker implements AutoCloseable {
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private final AccessLog log = new AccessLog(false, 100, lines::add);
  private final TestBroker broker;

  /** Starts a broker with settings given as key and value, without their prefix. */
  LoggedBroker(String... keysAndValues) throws Exception {
    broker =
        TestBroker.startObserved(null, new TestBroker.SteppedClock(), List.of(log), keysAndValues);
  }

  TestBroker broker() {
    return broker;
  }

  /** Returns the next line of a request. */
  String requestLine() throws InterruptedException {
    String line;
    do {
      line = lines.poll(60, TimeUnit.SECONDS);
      assertThat(line).isNotNull();
    } while (!line.contains(" method="));
    return line;
  }

  /** Asserts that no line of a request was written besides those that were returned. */
  void assertNoOtherRequest() {
    assertThat(lines).noneMatch(line -> line.contains(" path="));
  }

  /** Sends a request that three tunnels do not answer, one after the other. */
  void sendToTunnelsThatReset(String path) throws Exception {
    try (Peer client = broker.connect();
        Peer first = broker.park();
        Peer second = broker.park();
        Peer third = broker.park()) {
      List<CompletableFuture<String>> resets = // in whatever order they are taken
          Stream.of(first, second, third)
              .map(tunnel -> Octets.beside(() -> reset(tunnel)))
              .toList();
      client.send(broker.get(broker.entry(), path));
      assertThat(client.readResponse()).startsWith("HTTP/1.1 502 ");
      for (CompletableFuture<String> reset : resets) {
        assertThat(reset.get()).startsWith("GET " + path + " ");
      }
    }
  }

  private static String reset(Peer tunnel) throws IOException {
    String head = tunnel.readHead();
    tunnel.reset();
    return head;
  }

  @Override
  public void close() throws IOException {
    broker.close();
    log.close();
  }
}
