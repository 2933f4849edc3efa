package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The two directions of a relay end, each by itself or both at once (protocol.md, 1.3). */
class RelayEndTest {
  private static final int MIB = 1024 * 1024;

  private TestBroker broker;

  String relay() {
    return "raw";
  }

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start("relay", relay());
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  /** Sends a request, so that the two are joined, and has the hidden server read it. */
  private void pair(Peer client, Peer tunnel) throws IOException {
    client.send(broker.request("POST", broker.entry(), "/", "Upgrade: x\r\n"));
    tunnel.readHead();
    tunnel.send("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    client.readHead();
  }

  @Test
  void responseThatEndsByCloseArrivesWhole() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      tunnel.send("HTTP/1.1 200 OK\r\n\r\n");
      String sent = Octets.write(tunnel.out(), 300_000, 3);
      tunnel.end();
      client.readHead();
      assertThat(Octets.read(client.in(), 300_000)).isEqualTo(sent);
      assertThat(client.in().read()).isEqualTo(-1);
    }
  }

  @Test
  void clientMayEndItsHalfAndStillReadTheAnswer() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/")).shutdownOutput();
      tunnel.readHead();
      assertThat(tunnel.in().read()).isEqualTo(-1);
      tunnel.send("HTTP/1.1 200 OK\r\n\r\n");
      client.readHead();
      CompletableFuture<String> sent = Octets.beside(() -> Octets.write(tunnel.out(), 3 * MIB, 4));
      assertThat(Octets.read(client.in(), 3 * MIB)).isEqualTo(sent.get());
      tunnel.end();
      assertThat(client.in().read()).isEqualTo(-1);
    }
  }

  @Test
  void hiddenServerMayEndItsHalfAndStillReadTheRest() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      pair(client, tunnel);
      tunnel.shutdownOutput();
      assertThat(client.in().read()).isEqualTo(-1);
      CompletableFuture<String> sent = Octets.beside(() -> Octets.write(client.out(), 3 * MIB, 5));
      assertThat(Octets.read(tunnel.in(), 3 * MIB)).isEqualTo(sent.get());
      client.end();
      assertThat(tunnel.in().read()).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"client", "tunnel"})
  void overTls12TheEndOfOneIsTheEndOfBothAfterTheFlush(String old) throws Exception {
    Peer.Dial tls12 = broker.dial().speaking("TLSv1.2");
    try (Peer tunnel = broker.park(broker.entry(), old.equals("tunnel") ? tls12 : broker.dial());
        Peer client = broker.connect(old.equals("client") ? tls12 : broker.dial())) {
      pair(client, tunnel);
      String sent = Octets.write(tunnel.out(), 300_000, 6);
      tunnel.shutdownOutput();
      assertThat(Octets.read(client.in(), 300_000)).isEqualTo(sent);
      assertThat(client.in().read()).isEqualTo(-1);
      assertThat(tunnel.in().read()).isEqualTo(-1);
    }
  }

  @Test
  void resetOfTheClientResetsTheHiddenServer() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      pair(client, tunnel);
      client.reset();
      assertThatThrownBy(() -> tunnel.in().read()).isInstanceOf(SocketException.class);
    }
  }

  @Test
  void resetOfTheHiddenServerResetsTheClient() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      pair(client, tunnel);
      tunnel.reset();
      assertThatThrownBy(() -> client.in().read()).isInstanceOf(SocketException.class);
    }
  }

  @Test
  void silentHalfIsEndedAfterTheLinger() throws Exception {
    try (TestBroker hasty = TestBroker.start("relay", relay(), "linger", "300ms");
        Peer tunnel = hasty.park();
        Peer client = hasty.connect()) {
      client.send(hasty.get(hasty.entry(), "/"));
      tunnel.readHead();
      tunnel.send("HTTP/1.1 200 OK\r\n\r\nhi").shutdownOutput();
      assertThat(client.readAll()).isEqualTo("HTTP/1.1 200 OK\r\n\r\nhi");
      // The client keeps its half open and is silent for longer than the linger.
      Awaitility.await().until(() -> hasty.broker().paired() == 0);
      assertThatThrownBy(() -> tunnel.in().read()).isInstanceOf(IOException.class);
    }
  }

  @Test
  void lingerIsCountedOnlyWhileNothingMoves() throws Exception {
    Duration linger = Duration.ofHours(1);
    try (TestBroker patient = TestBroker.start("relay", relay(), "linger", "1h", "stall", "3h");
        Peer tunnel = patient.park();
        Peer client = patient.connect()) {
      client.send(patient.get(patient.entry(), "/")).shutdownOutput();
      tunnel.readHead();
      assertThat(tunnel.in().read()).isEqualTo(-1);
      for (int i = 0; i < 10; i++) {
        long before = System.nanoTime();
        tunnel.send("x");
        assertThat(client.read(1)).isEqualTo("x");
        patient.broker().sweep(before + linger.toNanos());
      }
      assertThat(patient.broker().paired()).isEqualTo(1);
      Awaitility.await()
          .until(
              () -> {
                patient.broker().sweep(System.nanoTime() + linger.toNanos());
                return patient.broker().paired() == 0;
              });
    }
  }

  @Test
  void readerThatStallsForTooLongEndsTheRelay() throws Exception {
    try (TestBroker hasty = TestBroker.start("relay", relay(), "stall", "500ms");
        Peer tunnel = hasty.park();
        Peer client = hasty.connect(hasty.dial().buffering(4096))) {
      client.send(hasty.get(hasty.entry(), "/"));
      tunnel.readHead();
      assertThatThrownBy(() -> Octets.write(tunnel.out(), 256L * MIB, 8))
          .isInstanceOf(IOException.class);
      Awaitility.await().until(() -> hasty.broker().paired() == 0);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void earlyAnswerArrivesThoughTheHiddenServerDoesNotReadTheUpload(String version)
      throws Exception {
    for (int round = 0; round < 5; round++) {
      try (Peer tunnel = broker.park(broker.entry(), broker.dial().speaking(version));
          Peer client = broker.connect()) {
        client.send(broker.request("POST", broker.entry(), "/", "Content-Length: 33554432\r\n"));
        CompletableFuture<String> upload =
            Octets.beside(() -> Octets.write(client.out(), 32 * MIB, 11));
        tunnel.readHead();
        tunnel.read(1);
        tunnel.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\nno").end(); // and a reset
        assertThat(client.readAll()).endsWith("\r\n\r\nno");
        assertThat(upload.handle((hash, e) -> true).get()).isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void bytesBeforeTheEndArriveThoughTheReaderGoesOnSending(String version) throws Exception {
    try (Peer tunnel = broker.park(broker.entry(), broker.dial().speaking(version));
        Peer client = broker.connect(broker.dial().buffering(16 * 1024))) {
      pair(client, tunnel);
      CompletableFuture<String> sent =
          Octets.beside(
              () -> {
                String hash = Octets.write(tunnel.out(), 8 * MIB, 12);
                tunnel.shutdownOutput();
                return hash;
              });
      for (int i = 0; i < 3; i++) {
        client.send("x");
        Awaitility.await().pollDelay(Duration.ofMillis(100)).until(() -> true);
      }
      assertThat(Octets.read(client.in(), 8 * MIB)).isEqualTo(sent.get());
      assertThat(client.in().read()).isEqualTo(-1);
    }
  }

  /**
   * Bytes may still be on their way to a reader that goes on sending when TLS 1.2 ends both ways.
   */
  @RepeatedTest(6)
  void talkativeReaderLosesNothingAtTheEndOverTls12() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    try (Peer tunnel = broker.park(broker.entry(), broker.dial().speaking("TLSv1.2"));
        Peer client = broker.connect(broker.dial().buffering(16 * 1024))) {
      pair(client, tunnel);
      CompletableFuture<String> sent =
          Octets.beside(
              () -> {
                String hash = Octets.write(tunnel.out(), 8 * MIB, 12);
                tunnel.shutdownOutput();
                return hash;
              });
      CompletableFuture<Boolean> talking =
          Octets.beside(
              () -> {
                while (!done.get()) {
                  client.send("x");
                  Thread.sleep(2);
                }
                return true;
              });
      assertThat(Octets.read(client.in(), 8 * MIB)).isEqualTo(sent.get());
      assertThat(client.in().read()).isEqualTo(-1);
      done.set(true);
      assertThat(talking.get()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void truncatedStreamIsDistinguishedFromOneThatHasEnded(boolean cut) throws Exception {
    Process client =
        new ProcessBuilder("openssl", "s_client", "-connect", "localhost:" + broker.port())
            .redirectErrorStream(true)
            .start();
    try (Peer tunnel = broker.park();
        OutputStream typed = client.getOutputStream()) {
      broker.awaitParked(1);
      typed.write(broker.get(broker.entry(), "/").getBytes(StandardCharsets.US_ASCII));
      typed.flush();
      tunnel.readHead();
      tunnel.send("HTTP/1.1 200 OK\r\n\r\nhalf of it");
      if (cut) {
        tunnel.cut();
      } else {
        tunnel.end();
      }
      String shown =
          new String(client.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      assertThat(shown).contains("half of it");
      assertThat(shown.contains("unexpected eof")).isEqualTo(cut);
    } finally {
      client.destroy();
    }
  }

  @Test
  void clientWhoseStreamWasTruncatedStillReadsTheAnswer() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      pair(client, tunnel);
      client.shutdownTcpOutput();
      assertThat(tunnel.in().read()).isEqualTo(-1);
      tunnel.send("all the same").end();
      assertThat(client.readAll()).isEqualTo("all the same");
    }
  }
}
