package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.requests.RequestHistory;
import io.rendezvous.net.Network;
import io.rendezvous.testing.FreePort;
import io.rendezvous.testing.Peer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests who may read and do what at the status port of an agent. */
class StatusPageTest {
  private Network network;
  private StatusServer server;
  private int port;

  @BeforeEach
  void start() throws Exception {
    network = new Network("test", 1);
    server =
        new StatusServer(
            new Address("127.0.0.1", FreePort.find()), network, Map::of, new RequestHistory());
    port = server.address().getPort();
  }

  @AfterEach
  void stop() {
    server.close();
    network.close();
  }

  /** Returns the response to a request with some header lines; {@code PORT} stands for the port. */
  private String ask(String line, String lines) throws Exception {
    try (Peer client = Peer.to(port).plain()) {
      String host = lines.contains("Host:") ? "" : "Host: 127.0.0.1:PORT\r\n";
      return client
          .send(
              (line + " HTTP/1.1\r\n" + host + lines + "Content-Length: 0\r\n\r\n")
                  .replace("PORT", Integer.toString(port)))
          .readResponse();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/", "/status.js", "/style.css", "/elements.js", "/requests.js", "/icon.svg"})
  void filesAreServedWithAStrictPolicy(String path) throws Exception {
    assertThat(ask("GET " + path, ""))
        .startsWith("HTTP/1.1 200 ")
        .contains("Content-Security-Policy: default-src 'none'; script-src 'self'")
        .contains("X-Content-Type-Options: nosniff")
        .doesNotContain("<script>", "style=", "onclick");
  }

  @ParameterizedTest
  @CsvSource({
    "GET /requests, 200",
    "POST /requests, 405",
    "GET /requests/1, 404",
    "GET /requests/1/replay, 405",
    "GET /requests/x, 404",
    "GET /requests/, 404",
    "GET /requests/99999999999999999999, 404",
    "GET /other, 404",
    "GET /app.js, 404",
    "GET /../StatusPage.class, 404",
  })
  void otherPathsAreNotThere(String line, int status) throws Exception {
    assertThat(ask(line, "")).startsWith("HTTP/1.1 " + status + " ");
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {
        "Origin: http://127.0.0.1:PORT, 404", // it may, but there is no such request
        "-, 403",
        "Origin: null, 403",
        "Origin: http://evil.example, 403",
        "Origin: http://127.0.0.1:1, 403",
        "Origin: http://localhost:PORT, 403",
        "Sec-Fetch-Site: cross-site, 403",
        "Sec-Fetch-Site: same-site, 403",
      })
  void onlyTheOwnPageMayReplay(String line, int status) throws Exception {
    assertThat(ask("POST /requests/1/replay", line == null ? "" : line + "\r\n"))
        .startsWith("HTTP/1.1 " + status + " ");
  }

  @Test
  void requestsAreNotReadByOtherSites() throws Exception {
    for (String path : List.of("/requests", "/requests/1")) {
      assertThat(ask("GET " + path, "Sec-Fetch-Site: cross-site\r\n")).startsWith("HTTP/1.1 403 ");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"evil.example:PORT", "127.0.0.1.evil.example", "192.168.0.1:PORT"})
  void hostsThatAreNotLoopbackAreRefused(String host) throws Exception {
    for (String line : List.of("GET /", "GET /requests", "POST /requests/1/replay")) {
      assertThat(ask(line, "Host: " + host + "\r\nOrigin: http://" + host + "\r\n"))
          .startsWith("HTTP/1.1 421 ");
    }
  }
}
