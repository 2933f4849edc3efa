package io.rendezvous.protocol.taas;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The whole story of a hidden server and a client (protocol.md, 3). */
class TaasTest {
  private static final int MIB = 1024 * 1024;

  private TaasBroker taas;

  @BeforeEach
  void start() throws Exception {
    taas = new TaasBroker();
  }

  @AfterEach
  void stop() throws Exception {
    taas.close();
  }

  @Test
  void tlsOfTheClientEndsAtTheHiddenServer() throws Exception {
    try (Peer parked = taas.park()) {
      String redirect = taas.get("home", "/path/x?y=z&q");
      int port = TaasBroker.port(redirect);
      assertThat(redirect)
          .startsWith("HTTP/1.1 307 Temporary Redirect\r\n")
          .contains("\r\nLocation: https://home.servers.example:" + port + "/path/x?y=z&q\r\n")
          .contains("\r\nContent-Length: 0\r\n")
          .endsWith("\r\n\r\n");
      try (TaasBroker.Pair pair = TaasBroker.meet(port, parked)) {
        CompletableFuture<String> up =
            Octets.beside(() -> Octets.write(pair.client().out(), 8 * MIB, 1));
        CompletableFuture<String> down =
            Octets.beside(() -> Octets.write(pair.server().out(), 8 * MIB, 2));
        CompletableFuture<String> upRead =
            Octets.beside(() -> Octets.read(pair.server().in(), 8 * MIB));
        assertThat(Octets.read(pair.client().in(), 8 * MIB)).isEqualTo(down.get());
        assertThat(upRead.get()).isEqualTo(up.get());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void oneDirectionMayEndWhileTheOtherGoesOn(boolean clientFirst) throws Exception {
    try (Peer parked = taas.park();
        TaasBroker.Pair pair = TaasBroker.meet(taas.redirected("home"), parked)) {
      Peer first = clientFirst ? pair.client() : pair.server();
      Peer second = clientFirst ? pair.server() : pair.client();
      first.send("all").shutdownOutput();
      assertThat(second.read(3)).isEqualTo("all");
      assertThat(second.in().read()).isEqualTo(-1);
      CompletableFuture<String> sent = Octets.beside(() -> Octets.write(second.out(), 3 * MIB, 3));
      assertThat(Octets.read(first.in(), 3 * MIB)).isEqualTo(sent.get());
      second.end();
      assertThat(first.in().read()).isEqualTo(-1);
    }
  }
}
