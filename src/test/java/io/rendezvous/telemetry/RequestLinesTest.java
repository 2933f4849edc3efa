package io.rendezvous.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tests the lines of the access log for requests. */
class RequestLinesTest {
  private static final String ANSWER = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi";

  private LoggedBroker logged;
  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    logged = new LoggedBroker();
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
    logged.assertNoOtherRequest();
  }

  @Test
  void requestThatSeveralTunnelsDoNotAnswerHasOneLine() throws Exception {
    logged.sendToTunnelsThatReset("/lost");
    assertThat(line())
        .contains(" path=/lost status=502 ")
        .contains(" answered_ms=- ")
        .endsWith(" end=unanswered");
    logged.assertNoOtherRequest();
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
