package io.rendezvous.protocol.registrar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Soak;
import java.net.SocketException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two connections are joined by their cookies, and end. */
class JoinTest {
  private static final int MIB = 1024 * 1024;

  private OldBroker old;
  private String hiddenCookie;
  private String clientCookie;
  private Peer hidden;
  private Peer client;

  @BeforeEach
  void start() throws Exception {
    old = OldBroker.start();
    hiddenCookie = old.register();
    clientCookie = old.find();
    hidden = old.park(hiddenCookie);
    client = old.line(clientCookie + "\n");
    assertThat(client.read(4)).isEqualTo("+OK\n");
    assertThat(hidden.read(4)).isEqualTo("+OK\n");
  }

  @AfterEach
  void stop() throws Exception {
    client.end();
    hidden.end();
    old.close();
  }

  @Test
  void bytesPassBothWaysAtOnce() throws Exception {
    CompletableFuture<String> up = Octets.beside(() -> Octets.write(client.out(), 5 * MIB, 1));
    CompletableFuture<String> down = Octets.beside(() -> Octets.write(hidden.out(), 5 * MIB, 2));
    CompletableFuture<String> heard = Octets.beside(() -> Octets.read(hidden.in(), 5 * MIB));
    assertThat(Octets.read(client.in(), 5 * MIB)).isEqualTo(down.get());
    assertThat(heard.get()).isEqualTo(up.get());
  }

  @Test
  void clientMayEndItsHalfAndStillRead() throws Exception {
    client.send("all I say").shutdownOutput();
    assertThat(hidden.readAll()).isEqualTo("all I say");
    CompletableFuture<String> sent = Octets.beside(() -> Octets.write(hidden.out(), 3 * MIB, 3));
    assertThat(Octets.read(client.in(), 3 * MIB)).isEqualTo(sent.get());
    hidden.end();
    assertThat(client.in().read()).isEqualTo(-1);
    Awaitility.await().until(() -> old.broker().broker().connections() == 0);
  }

  @Test
  void silentHiddenServerMayEndItsHalfAndStillRead() throws Exception {
    hidden.shutdownOutput();
    assertThat(client.in().read()).isEqualTo(-1);
    CompletableFuture<String> sent = Octets.beside(() -> Octets.write(client.out(), 3 * MIB, 4));
    assertThat(Octets.read(hidden.in(), 3 * MIB)).isEqualTo(sent.get());
    client.end();
    assertThat(hidden.in().read()).isEqualTo(-1);
    Awaitility.await().until(() -> old.broker().broker().connections() == 0);
  }

  @Test
  void resetOfOneIsAResetOfTheOther() throws Exception {
    client.reset();
    assertThatThrownBy(() -> hidden.in().read()).isInstanceOf(SocketException.class);
    try (Peer second = old.park(hiddenCookie);
        Peer other = old.line(clientCookie + "\n")) {
      assertThat(other.read(4) + second.read(4)).isEqualTo("+OK\n+OK\n");
      second.reset();
      assertThatThrownBy(() -> other.in().read()).isInstanceOf(SocketException.class);
    }
  }

  @Test
  void manyInARowLeaveNothingBehind() throws Exception {
    client.end();
    hidden.end();
    for (int i = 0; i < Soak.repetitions(1000); i++) {
      try (Peer parked = old.line(hiddenCookie + "\n")) {
        old.broker().awaitParked(1);
        try (Peer asks = old.line(clientCookie + "\nping " + i).shutdownOutput()) {
          assertThat(parked.readAll()).isEqualTo("+OK\nping " + i);
          parked.send("pong " + i).end();
          assertThat(asks.readAll()).isEqualTo("+OK\npong " + i);
        }
      }
    }
    Awaitility.await().until(() -> old.broker().broker().connections() == 0);
    assertThat(old.broker().broker().connected().totals().parked()).isZero();
    assertThat(old.broker().broker().paired()).isZero();
    assertThat(old.counts().paired()).isZero();
    assertThat(old.counts().parked()).isZero();
  }

  @Test
  void rendezvousAreToldLikeAllOthers() throws Exception {
    assertThat(old.broker().broker().paired()).isEqualTo(1);
    assertThat(old.counts().paired()).isEqualTo(1);
    client.send("12345").shutdownOutput();
    hidden.readAll();
    hidden.send("123").end();
    client.readAll();
    Awaitility.await()
        .untilAsserted(
            () ->
                assertThat(old.broker().broker().metrics().scrape())
                    .contains("rendezvous_paired_total 1.0")
                    .contains("rendezvous_over_total{end=\"whole\"} 1.0")
                    .contains("rendezvous_octets_total{direction=\"in\"} 5.0")
                    .contains("rendezvous_octets_total{direction=\"out\"} 3.0"));
  }

  @Test
  void drainEndsParkedConnectionsAndLetsTheRestFinish() throws Exception {
    try (Peer parked = old.park(hiddenCookie);
        Peer half = old.line("R12");
        Peer silent = old.line("")) {
      Awaitility.await().until(() -> old.broker().broker().connections() == 5);
      CompletableFuture<Boolean> drained =
          Octets.beside(
              () -> {
                old.broker().broker().drain(Duration.ofSeconds(20));
                return true;
              });
      assertThat(parked.readAll()).isEmpty();
      assertThat(half.readAll()).isIn("-ERR not ready\n", ""); // if none of it was read yet
      assertThat(silent.readAll()).isEmpty();
      client.send("last words").shutdownOutput();
      assertThat(hidden.readAll()).isEqualTo("last words");
      assertThat(drained.isDone()).isFalse();
      hidden.send("and the answer").end();
      assertThat(client.readAll()).isEqualTo("and the answer");
      assertThat(drained.get()).isTrue();
    }
  }
}
