package io.rendezvous.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tests the lines that a real broker writes when rendezvous end. */
class AccessLogTest {
  private static final String ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private AccessLog log;
  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    begin(new AccessLog(false, 100, lines::add));
  }

  private void begin(AccessLog newLog) throws Exception {
    if (broker != null) {
      stop();
    }
    log = newLog;
    broker =
        TestBroker.startObserved(
            null,
            new TestBroker.SteppedClock(),
            List.of(log),
            "wait",
            "1m",
            "requests",
            "off"); // RequestLinesTest has them on
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
    log.close();
  }

  private String line() throws InterruptedException {
    String line = lines.poll(60, TimeUnit.SECONDS);
    assertThat(line).isNotNull();
    return line;
  }

  @Test
  void lineHasAllFields() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect(broker.dial().from("127.0.0.7"))) {
      client.send(broker.get(broker.entry(), "/"));
      int in = tunnel.readHead().length();
      tunnel.send(ANSWER).end();
      client.readAll();
      client.end();
      assertThat(line())
          .matches(
              "began=20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{3})?Z id="
                  + broker.id().toString().substring(0, 8)
                  + " client=127\\.0\\.0\\.7:\\d+ waited_ms=\\d+ attempt=1"
                  + " lasted_ms=\\d+ in="
                  + in
                  + " out="
                  + ANSWER.length()
                  + " end=whole");
    }
  }

  @Test
  void uuidsAreWrittenInFullIfTheSettingSaysSo() throws Exception {
    begin(new AccessLog(true, 100, lines::add));
    serveOne();
    assertThat(line()).contains(" id=" + broker.id() + " client=");
  }

  private void serveOne() throws IOException {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      tunnel.send(ANSWER);
      client.readResponse();
    }
  }

  @Test
  void sideThatBreaksIsNamed() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      tunnel.send("HTTP/1.1 200 OK\r\n");
      client.read(5);
      tunnel.reset();
      assertThat(line()).endsWith(" end=server-broke");
    }
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      client.reset();
      assertThat(line()).endsWith(" out=0 end=client-broke");
    }
  }

  @Test
  void everyAttemptHasALine() throws Exception {
    try (Peer dies = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      dies.readHead();
      dies.end();
      assertThat(line()).contains(" attempt=1 ").endsWith(" out=0 end=unanswered");
      try (Peer tunnel = broker.park()) {
        tunnel.readHead();
        tunnel.send(ANSWER).end();
        client.readAll();
        client.end();
        assertThat(line()).contains(" attempt=2 ").endsWith(" end=whole");
      }
    }
  }

  @Test
  void deletionOfTheEntryIsLoggedAsRevoked() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      tunnel.send(ANSWER);
      client.readResponse();
      broker.store().delete(broker.id());
      assertThat(line()).endsWith(" end=revoked");
    }
  }

  @Test
  void brokerThatEndsLogsOngoingRendezvous() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      tunnel.send(ANSWER);
      client.readResponse();
      broker.broker().close();
      assertThat(line()).endsWith(" end=broker-ended");
    }
  }

  @Test
  void linesThatComeTooFastAreDroppedAndCounted() throws Exception {
    CountDownLatch readAgain = new CountDownLatch(1);
    begin(
        new AccessLog(
            false,
            1,
            line -> {
              lines.add(line);
              try {
                readAgain.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            }));
    serveOne();
    line(); // the writer is stuck in this one
    serveOne(); // waits
    serveOne();
    serveOne();
    Awaitility.await().until(() -> log.dropped() == 2);
    readAgain.countDown();
    line();
  }

  @Test
  void ipv6AddressesAreInBrackets() throws Exception {
    InetAddress address = InetAddress.getByName("2001:db8::1");
    assertThat(AccessLog.address(new InetSocketAddress(address, 7)))
        .isEqualTo("[2001:db8:0:0:0:0:0:1]:7");
  }
}
