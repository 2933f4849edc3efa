package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Soak;
import io.rendezvous.testing.TestBroker;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A client is relayed to its hidden server, byte for byte (protocol.md, 1.3). */
class RendezvousTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  private static final int MIB = 1024 * 1024;

  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start();
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  @Test
  void requestReachesTheHiddenServerWithoutItsAuthorization() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/a?b=c"));
      assertThat(tunnel.readHead()).isEqualTo("GET /a?b=c HTTP/1.1\r\nHost: localhost\r\n\r\n");
      tunnel.send(OK);
      assertThat(client.readResponse()).isEqualTo(OK);
    }
  }

  @Test
  void headPassesByteForByte() throws Exception {
    String before = "GeT /%2e%2E//;p=1?q=|{}^`[]\\'&\u00fc HTTP/1.1\r\nX-b:  two  blanks \t\r\n";
    String after = "HOST: localhost\r\nX-B:\r\ncookie: a=1\r\nCookie: b=2\r\nx-l1: \u00e9\r\n\r\n";
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(before + "aUTHORIZATION:Digest uSERNAME=" + broker.id() + "\r\n" + after);
      assertThat(tunnel.readHead()).isEqualTo(before + after);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 1023, 16384, 16385, 70_000, 5 * MIB, 64 * MIB})
  void bytesPassBothWaysAtOnce(long count) throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      pair(client, tunnel);
      exchange(client, tunnel, count);
    }
  }

  private void exchange(Peer client, Peer tunnel, long count) throws Exception {
    CompletableFuture<String> up = Octets.beside(() -> Octets.write(client.out(), count, 1));
    CompletableFuture<String> down = Octets.beside(() -> Octets.write(tunnel.out(), count, 2));
    CompletableFuture<String> atTunnel = Octets.beside(() -> Octets.read(tunnel.in(), count));
    String atClient = Octets.read(client.in(), count);
    assertThat(atClient).isEqualTo(down.get());
    assertThat(atTunnel.get()).isEqualTo(up.get());
  }

  /** Sends a request, so that the two are joined, and has the hidden server read it. */
  private void pair(Peer client, Peer tunnel) throws IOException {
    pair(broker.entry(), client, tunnel);
  }

  private void pair(Entry entry, Peer client, Peer tunnel) throws IOException {
    client.send(broker.request("POST", entry, "/", ""));
    tunnel.readHead();
    tunnel.send("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    client.readHead();
  }

  @Test
  void smallSocketBuffersOnManyThreadsLoseNothing() throws Exception {
    List<CompletableFuture<?>> all = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      Entry entry = broker.addEntry();
      all.add(
          Octets.beside(
              () -> {
                try (Peer tunnel = broker.park(entry, broker.dial().buffering(4096));
                    Peer client = broker.connect(broker.dial().buffering(4096))) {
                  pair(entry, client, tunnel);
                  exchange(client, tunnel, MIB);
                  return true;
                }
              }));
    }
    CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).get();
  }

  @Test
  void bodyInThePacketOfTheHeadPasses() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.request("POST", broker.entry(), "/", "Content-Length: 5\r\n") + "hello");
      assertThat(tunnel.readHead()).startsWith("POST / HTTP/1.1\r\n");
      assertThat(tunnel.read(5)).isEqualTo("hello");
    }
  }

  @Test
  void chunkedBodyPassesUnchanged() throws Exception {
    String chunks = "5;ext=1\r\nhello\r\n0\r\nTrailer: x\r\n\r\n";
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(
          broker.request("POST", broker.entry(), "/", "Transfer-Encoding: chunked\r\n") + chunks);
      tunnel.readHead();
      assertThat(tunnel.read(chunks.length())).isEqualTo(chunks);
    }
  }

  @Test
  void hundredContinueIsLeftToTheHiddenServer() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(
          broker.request(
              "PUT", broker.entry(), "/", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
      assertThat(tunnel.readHead()).contains("Expect: 100-continue\r\n");
      tunnel.send("HTTP/1.1 100 Continue\r\n\r\n");
      assertThat(client.readHead()).isEqualTo("HTTP/1.1 100 Continue\r\n\r\n");
      client.send("hello");
      assertThat(tunnel.read(5)).isEqualTo("hello");
    }
  }

  @Test
  void furtherRequestsOfTheConnectionGoToTheSameHiddenServer() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      String second = "GET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n";
      client.send(broker.get(broker.entry(), "/1") + second);
      tunnel.readHead();
      assertThat(tunnel.readHead()).isEqualTo(second);
      tunnel.send(OK + OK);
      client.readResponse();
      assertThat(client.readResponse()).isEqualTo(OK);
      client.send(broker.get(broker.entry(), "/3"));
      assertThat(tunnel.readHead()).contains("GET /3").contains("Authorization: Digest");
    }
  }

  @Test
  void readerThatStallsHoldsOnlyItsSender() throws Exception {
    Entry other = broker.addEntry();
    try (Peer tunnel = broker.park();
        Peer client = broker.connect(broker.dial().buffering(16 * 1024));
        Peer otherTunnel = broker.park(other);
        Peer otherClient = broker.connect()) {
      pair(client, tunnel);
      pair(other, otherClient, otherTunnel);
      long[] written = new long[1];
      CompletableFuture<String> sent =
          Octets.beside(() -> Octets.write(counting(tunnel.out(), written), 64 * MIB, 7));
      long[] before = {-1};
      Awaitility.await()
          .pollInterval(Duration.ofMillis(300))
          .until(
              () -> {
                boolean stands = written[0] == before[0];
                before[0] = written[0];
                return stands;
              });
      assertThat(written[0]).isLessThan(32 * MIB);
      exchange(otherClient, otherTunnel, 8 * MIB);
      assertThat(Octets.read(client.in(), 64 * MIB)).isEqualTo(sent.get());
    }
  }

  private static OutputStream counting(OutputStream out, long[] written) {
    return new FilterOutputStream(out) {
      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        out.write(bytes, offset, length);
        written[0] += length;
      }
    };
  }

  @Test
  void manyInARowOnOneIdAreNeitherLostNorCrossed() throws Exception {
    for (int i = 0; i < Soak.repetitions(1000); i++) {
      try (Peer tunnel = broker.park();
          Peer client = broker.connect()) {
        assertAnswered(broker.entry(), client, tunnel, "/" + i);
      }
    }
    Awaitility.await().until(() -> broker.broker().connections() == 0);
  }

  private void assertAnswered(Entry entry, Peer client, Peer tunnel, String path)
      throws IOException {
    client.send(broker.get(entry, path));
    String asked = tunnel.readHead().lines().findFirst().orElseThrow().split(" ", -1)[1];
    String body = entry.id() + asked;
    tunnel.send("HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
    assertThat(client.readResponse()).endsWith("\r\n\r\n" + entry.id() + path);
  }

  @Test
  void fiftyAtOnceOnFiftyIdsAreNotCrossed() throws Exception {
    List<CompletableFuture<?>> all = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      Entry entry = broker.addEntry();
      all.add(
          Octets.beside(
              () -> {
                for (int round = 0; round < 3; round++) {
                  try (Peer tunnel = broker.park(entry);
                      Peer client = broker.connect()) {
                    assertAnswered(entry, client, tunnel, "/" + round);
                  }
                }
                return true;
              }));
    }
    CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).get();
  }

  @ParameterizedTest
  @ValueSource(strings = {"true", "false"})
  void uploadGoesOnWhileTheClientReadsNothing(String tls) throws Exception {
    for (int round = 0; round < 2; round++) {
      try (TestBroker other = TestBroker.start("tls.enabled", tls);
          Peer tunnel = other.park();
          Peer client = other.connect()) {
        client.send(other.request("POST", other.entry(), "/", ""));
        tunnel.readHead();
        CompletableFuture<String> down =
            Octets.beside(() -> Octets.write(tunnel.out(), 32 * MIB, 9));
        CompletableFuture<String> up =
            Octets.beside(() -> Octets.write(client.out(), 32 * MIB, 10));
        // First everything comes to a standstill, then the hidden server reads.
        Awaitility.await().pollDelay(Duration.ofMillis(500)).until(() -> true);
        assertThat(Octets.read(tunnel.in(), 32 * MIB)).isEqualTo(up.get());
        assertThat(Octets.read(client.in(), 32 * MIB)).isEqualTo(down.get());
      }
    }
  }

  @Test
  void entryWithProxyProtocolIsToldItsClientsAddresses() throws Exception {
    Entry asks = broker.addEntry(List.of("proxyProtocol"));
    String signature = "\r\n\r\n\u0000\r\nQUIT\n";
    String addresses = "\u007f\u0000\u0000\u0009\u007f\u0000\u0000\u0001";
    Peer told = broker.park(asks);
    broker.awaitParked(1);
    try (Peer client = broker.connect(broker.dial().from("127.0.0.9"))) {
      client.send(broker.get(asks, "/"));
      for (int i = 0; i < 2; i++) {
        assertThat(told.read(16)).isEqualTo(signature + "!\u0011\u0000\u000c");
        assertThat(told.read(8)).isEqualTo(addresses);
        String ports = told.read(4);
        assertThat(ports.charAt(2) * 256 + ports.charAt(3)).isEqualTo(broker.port());
        assertThat(told.readHead()).startsWith("GET / HTTP/1.1\r\n");
        told.end(); // and the next tunnel is tried
        told = broker.park(asks);
      }
    } finally {
      told.end();
    }
  }

  @Test
  void keyUpdateOfAPeerChangesNothing() throws Exception {
    try (Peer parked = broker.park(broker.addEntry());
        Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      pair(client, tunnel);
      for (Peer peer : List.of(parked, tunnel, client)) {
        peer.updateKeys();
      }
      // Longer than a head may take: a KeyUpdate is not taken for a handshake that a head follows.
      Awaitility.await().pollDelay(Duration.ofSeconds(11)).until(() -> true);
      exchange(client, tunnel, 100_000);
      assertThat(parked.hearsNothing()).isTrue();
    }
  }
}
