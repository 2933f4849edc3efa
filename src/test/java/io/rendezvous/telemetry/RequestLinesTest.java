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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tests the lines of the access log for requests. */
class RequestLinesTest {
  private static final String ANSWER = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi";

  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private AccessLog log;
  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    log = new AccessLog(false, 100, lines::add);
    broker = TestBroker.startObserved(null, new TestBroker.SteppedClock(), List.of(log));
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
    log.close();
  }

  /** Returns the next line of a request. */
  private String line() throws InterruptedException {
    String line;
    do {
      line = lines.poll(60, TimeUnit.SECONDS);
      assertThat(line).isNotNull();
    } while (!line.contains(" method="));
    return line;
  }

  @Test
  void lineHasAllFields() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect(broker.dial().from("127.0.0.7"))) {
      client.send(broker.get(broker.entry(), "/a/b?token=secret"));
      int in = tunnel.readHead().length();
      tunnel.send(ANSWER).end();
      client.readAll();
      client.end();
      assertThat(line())
          .matches(
              "began=20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{3})?Z id="
                  + broker.id().toString().substring(0, 8)
                  + " client=127\\.0\\.0\\.7:\\d+ method=GET path=/a/b status=201 first=true"
                  + " answered_ms=\\d+ lasted_ms=\\d+ in="
                  + in
                  + " out="
                  + ANSWER.length()
                  + " end=whole");
    }
  }

  @Test
  void onlyTheFirstRequestOfARawConnectionIsSeen() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      for (String path : List.of("/1", "/2")) {
        client.send(broker.get(broker.entry(), path));
        tunnel.readHead();
        tunnel.send(ANSWER);
        client.readResponse();
      }
      tunnel.end();
      client.readAll();
      client.end();
      assertThat(line()).contains(" path=/1 ").contains(" out=" + 2 * ANSWER.length() + " ");
    }
    assertThat(lines).noneMatch(line -> line.contains(" path="));
  }

  private static String reset(Peer tunnel) throws IOException {
    String head = tunnel.readHead();
    tunnel.reset();
    return head;
  }

  @Test
  void requestThatSeveralTunnelsDoNotAnswerHasOneLine() throws Exception {
    try (Peer client = broker.connect();
        Peer first = broker.park();
        Peer second = broker.park();
        Peer third = broker.park()) {
      List<CompletableFuture<String>> resets = // in whatever order they are taken
          Stream.of(first, second, third)
              .map(tunnel -> Octets.beside(() -> reset(tunnel)))
              .toList();
      client.send(broker.get(broker.entry(), "/lost"));
      assertThat(client.readResponse()).startsWith("HTTP/1.1 502 ");
      for (CompletableFuture<String> reset : resets) {
        assertThat(reset.get()).startsWith("GET /lost ");
      }
      assertThat(line())
          .contains(" path=/lost status=502 ")
          .contains(" answered_ms=- ")
          .endsWith(" end=unanswered");
    }
    assertThat(lines).noneMatch(line -> line.contains(" path="));
  }

  @Test
  void whatIsNoHttpHasNoStatus() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      tunnel.send("SSH-2.0-OpenSSH_9.6\r\n").end();
      client.readAll();
      client.end();
      assertThat(line()).contains(" status=- first=true ").doesNotContain("answered_ms=-");
    }
  }
}
