package io.rendezvous.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tests the lines of the access log for requests of guarded relays: each of them has one. */
class GuardedRequestLinesTest {
  private static final String ANSWER = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi";

  private LoggedBroker logged;
  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    logged = new LoggedBroker("relay", "guarded");
    broker = logged.broker();
  }

  @AfterEach
  void stop() throws Exception {
    logged.close();
  }

  private String line() throws InterruptedException {
    return logged.requestLine();
  }

  @Test
  void eachRequestHasItsLineWhenItIsOver() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      String first =
          broker.request("POST", broker.entry(), "/1?q", "Content-Length: 3\r\n") + "abc";
      client.send(first);
      tunnel.readHead();
      tunnel.read(3);
      tunnel.send(ANSWER);
      client.readResponse();
      assertThat(line())
          .contains(" method=POST path=/1 status=201 first=false ")
          .contains(" in=" + first.length() + " out=" + ANSWER.length() + " end=whole");
      client.send(broker.get(broker.entry(), "/2"));
      tunnel.readHead();
      tunnel.send("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
      client.readHead();
      assertThat(line()).contains(" method=GET path=/2 status=404 first=false ");
    }
  }

  @Test
  void pipelinedRequestsHaveTheirOwnAnswers() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(
          broker.get(broker.entry(), "/1")
              + broker.get(broker.entry(), "/2")
              + broker.get(broker.entry(), "/3"));
      for (int i = 0; i < 3; i++) {
        tunnel.readHead();
      }
      tunnel.send(
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 A\r\nContent-Length: 0\r\n\r\n"
              + "HTTP/1.1 304 B\r\nContent-Length: 9\r\n\r\nHTTP/1.1 403 C\r\n\r\nto the end");
      tunnel.end();
      client.readAll();
      client.end();
      assertThat(line()).contains(" path=/1 status=201 ").endsWith(" end=whole");
      assertThat(line()).contains(" path=/2 status=304 ").endsWith(" end=whole");
      assertThat(line()).contains(" path=/3 status=403 ").endsWith(" end=whole");
    }
  }

  @Test
  void requestThatSeveralTunnelsDoNotAnswerHasOneLine() throws Exception {
    logged.sendToTunnelsThatReset("/lost");
    assertThat(line()).contains(" path=/lost status=502 ").endsWith(" end=unanswered");
    logged.assertNoOtherRequest();
  }

  @Test
  void upgradeIsSeen() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      String lines = "Connection: Upgrade\r\nUpgrade: x\r\n";
      client.send(broker.request("GET", broker.entry(), "/chat", lines));
      tunnel.readHead();
      tunnel.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
      client.readHead();
      assertThat(line()).contains(" path=/chat status=101 ").endsWith(" end=upgraded");
    }
  }

  @Test
  void requestsThatGoOnEndWithTheConnection() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/1") + broker.get(broker.entry(), "/2"));
      tunnel.readHead();
      tunnel.readHead();
      tunnel.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart");
      client.readHead();
      client.reset();
      assertThat(line()).contains(" path=/1 status=200 ").endsWith(" end=client-broke");
      assertThat(line()).contains(" path=/2 status=- ").endsWith(" end=client-broke");
    }
  }
}
