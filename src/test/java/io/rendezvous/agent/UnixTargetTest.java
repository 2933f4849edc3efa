package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.proxy.ReverseProxy;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Site;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.testing.UnixServer;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A hidden server with a local server on a Unix-domain socket, as a relay or a reverse proxy. */
class UnixTargetTest {
  private static final int MIB = 1024 * 1024;

  @TempDir private Path directory;
  private final Queue<String> events = new ConcurrentLinkedQueue<>();
  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start();
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  private Path path() {
    return directory.resolve("app.sock");
  }

  private UnixServer local(UnixServer.Service service) throws IOException {
    return new UnixServer(path(), service);
  }

  private HiddenServer.Builder hiddenServer() {
    Provisioning provisioning =
        new Provisioning(
            broker.id(),
            List.of("home"),
            broker.entry().totp(),
            "localhost",
            broker.port(),
            Optional.empty());
    return HiddenServer.of(provisioning)
        .trusting(Keys.trusted())
        .tunnels(2)
        .maxTunnels(2)
        .events(event -> events.add(event.text()));
  }

  private HiddenServer relay() throws IOException {
    HiddenServer server = hiddenServer().relay(path(), true);
    broker.awaitParked(2);
    return server;
  }

  private HiddenServer proxy(boolean rewriteHost) throws IOException {
    HiddenServer server =
        hiddenServer()
            .proxy(
                path(),
                new ReverseProxy.Options(
                    rewriteHost, true, TrustedCertificates.all(), Duration.ofSeconds(30)));
    broker.awaitParked(2);
    return server;
  }

  @RepeatedTest(5)
  void bytesPassBothWaysAndSoDoTheEnds() throws Exception {
    try (UnixServer local =
            local(
                connection -> {
                  connection.readHead();
                  connection.in().transferTo(connection.out());
                  connection.send("end");
                });
        HiddenServer server = relay();
        Peer client = broker.connect()) {
      client.send(broker.request("POST", broker.entry(), "/", ""));
      CompletableFuture<String> sent =
          Octets.beside(
              () -> {
                String hash = Octets.write(client.out(), 8 * MIB, 1);
                client.shutdownOutput();
                return hash;
              });
      assertThat(Octets.read(client.in(), 8 * MIB)).isEqualTo(sent.get());
      assertThat(client.readAll()).isEqualTo("end");
      assertThat(List.of(server, local)).hasSize(2);
    }
  }

  @Test
  void localServerMayEndItsHalfAndStillReadTheRest() throws Exception {
    CompletableFuture<String> received = new CompletableFuture<>();
    try (UnixServer local =
            local(
                connection -> {
                  connection.readHead();
                  connection.send("that is all").shutdownOutput();
                  received.complete(Octets.read(connection.in(), 4 * MIB));
                });
        HiddenServer server = relay();
        Peer client = broker.connect()) {
      client.send(broker.request("POST", broker.entry(), "/", ""));
      assertThat(client.readAll()).isEqualTo("that is all");
      String sent = Octets.write(client.out(), 4 * MIB, 2);
      assertThat(received.get(60, TimeUnit.SECONDS)).isEqualTo(sent);
      assertThat(List.of(server, local)).hasSize(2);
    }
  }

  @Test
  void readerThatStopsHoldsTheLocalServerUp() throws Exception {
    AtomicLong written = new AtomicLong();
    CompletableFuture<String> sent = new CompletableFuture<>();
    try (UnixServer local =
            local(
                connection -> {
                  connection.readHead();
                  sent.complete(Octets.write(counted(connection.out(), written), 64 * MIB, 3));
                });
        HiddenServer server = relay();
        Peer client = broker.connect(broker.dial().buffering(64 * 1024))) {
      client.send(broker.get(broker.entry(), "/"));
      AtomicLong before = new AtomicLong(-1);
      Awaitility.await()
          .pollInterval(Duration.ofMillis(500))
          .until(() -> before.getAndSet(written.get()) == written.get() && written.get() > 0);
      assertThat(written.get()).isLessThan(24L * MIB); // what sockets and rings of buffers hold
      assertThat(Octets.read(client.in(), 64 * MIB)).isEqualTo(sent.get(60, TimeUnit.SECONDS));
      assertThat(List.of(server, local)).hasSize(2);
    }
  }

  private static OutputStream counted(OutputStream out, AtomicLong count) {
    return new OutputStream() {
      @Override
      public void write(int octet) throws IOException {
        out.write(octet);
        count.incrementAndGet();
      }

      @Override
      public void write(byte[] from, int offset, int length) throws IOException {
        out.write(from, offset, length);
        count.addAndGet(length);
      }
    };
  }

  @Test
  void localServerThatBreaksOffResetsTheClient() throws Exception {
    try (UnixServer local =
            local(
                connection -> {
                  connection.readHead();
                  connection.send("some");
                  connection.in().read(); // and leaves the rest unread, which is a reset here
                });
        HiddenServer server = relay();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      assertThat(client.read(4)).isEqualTo("some");
      client.send("more");
      assertThatThrownBy(() -> client.in().read()).isInstanceOf(SocketException.class);
      assertThat(List.of(server, local)).hasSize(2);
    }
  }

  @Test
  void clientThatBreaksOffEndsTheLocalConnection() throws Exception {
    CompletableFuture<String> heard = new CompletableFuture<>();
    try (UnixServer local =
            local(
                connection -> {
                  connection.readHead();
                  connection.send("some");
                  heard.complete(Octets.untilItBreaks(connection.in()));
                });
        HiddenServer server = relay();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      client.read(4);
      client.reset();
      assertThat(heard.get(60, TimeUnit.SECONDS)).isEmpty();
      assertThat(List.of(server, local)).hasSize(2);
    }
  }

  @Test
  void localServerThatEndsWithoutAnAnswerIsA502() throws Exception {
    try (UnixServer local = local(UnixServer.Connection::readHead);
        HiddenServer server = relay();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      assertThat(client.readAll()).startsWith("HTTP/1.1 502 ").contains("ended without an answer");
      assertThat(List.of(server, local)).hasSize(2);
    }
  }

  @Test
  void pathThatIsMissingIsNamed() throws Exception {
    try (HiddenServer server = relay();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      assertThat(client.readAll()).startsWith("HTTP/1.1 502 ");
      Awaitility.await()
          .until(
              () ->
                  events.stream()
                      .anyMatch(e -> e.endsWith(path() + ": No such file or directory")));
      awaitParked(server);
    }
    broker.awaitParked(0);
    try (HiddenServer server = proxy(false);
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      assertThat(client.readResponse())
          .startsWith("HTTP/1.1 502 ")
          .contains("the local server at " + path() + " cannot be reached");
      awaitParked(server);
    }
  }

  @Test
  void oneLocalConnectionIsKeptAsLongAsTheClients() throws Exception {
    BlockingQueue<CompletableFuture<Integer>> ends = new LinkedBlockingQueue<>();
    try (UnixServer local =
            local(
                connection -> {
                  CompletableFuture<Integer> end = new CompletableFuture<>();
                  ends.add(end);
                  for (int i = 0; i < 20; i++) {
                    assertThat(connection.readHead()).startsWith("GET /" + i + " HTTP/1.1\r\n");
                    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
                  }
                  end.complete(connection.in().read());
                });
        HiddenServer server = proxy(false);
        Peer client = broker.connect()) {
      for (int i = 0; i < 20; i++) {
        client.send(broker.get(broker.entry(), "/" + i));
        assertThat(client.readResponse()).startsWith("HTTP/1.1 200 ");
      }
      client.end();
      assertThat(ends.take().get(60, TimeUnit.SECONDS)).isEqualTo(-1);
      assertThat(ends).isEmpty();
      assertThat(List.of(server, local)).hasSize(2);
    }
  }

  @Test
  void localServerIsCalledLocalhostWhereItIsToSeeItsOwnName() throws Exception {
    BlockingQueue<String> heads = new LinkedBlockingQueue<>();
    try (UnixServer local =
            local(
                connection -> {
                  heads.add(connection.readHead());
                  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
                });
        HiddenServer server = proxy(true);
        Peer client = broker.connect()) {
      client.send(
          broker.get(broker.entry(), "/").replace("Host: localhost", "Host: broker.example:8899"));
      client.readResponse();
      assertThat(heads.take())
          .contains("\r\nHost: localhost\r\n")
          .contains("\r\nX-Forwarded-Host: broker.example:8899\r\n");
      assertThat(List.of(server, local)).hasSize(2);
    }
  }

  @Test
  void largeBodiesAndWebSocketsPass() throws Exception {
    try (Site site = new Site();
        UnixServer local = UnixServer.before(path(), site.port());
        HiddenServer server = proxy(false);
        Peer client = broker.connect()) {
      client.send(
          broker.request(
              "POST", broker.entry(), "/upload", "Content-Length: " + 16 * MIB + "\r\n"));
      Octets.write(client.out(), 16 * MIB, 1);
      assertThat(client.readResponse()).endsWith("received " + 16 * MIB);
      client.send(broker.get(broker.entry(), "/bytes?count=" + 16 * MIB)).readHead();
      assertThat(Octets.read(client.in(), 16 * MIB))
          .isEqualTo(Octets.write(OutputStream.nullOutputStream(), 16 * MIB, 1));
      client.send(
          broker.request(
              "GET",
              broker.entry(),
              "/chat",
              """
              Connection: Upgrade\r
              Upgrade: websocket\r
              Sec-WebSocket-Version: 13\r
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
              """));
      assertThat(client.readHead()).startsWith("HTTP/1.1 101 ");
      client.send(new byte[] {(byte) 0x81, (byte) 0x84, 0, 0, 0, 0, 'p', 'i', 'n', 'g'});
      assertThat(client.read(11)).isEqualTo("\u0081\techo ping");
      assertThat(List.of(server, local)).hasSize(2);
    }
  }

  @Test
  void requestToALocalServerThatLeavesIsToldSo() throws Exception {
    try (UnixServer local = local(UnixServer.Connection::readHead);
        HiddenServer server = proxy(false);
        Peer client = broker.connect()) {
      client.send(
          broker.request("POST", broker.entry(), "/", "Content-Length: " + 64L * MIB + "\r\n"));
      CompletableFuture<String> answer =
          Octets.beside(() -> new String(client.in().readNBytes(12), StandardCharsets.ISO_8859_1));
      Octets.beside(() -> Octets.write(client.out(), 64L * MIB, 1))
          .handle((n, broke) -> broke)
          .get();
      String heard = answer.handle((head, broke) -> head).get(60, TimeUnit.SECONDS);
      assertThat(heard).as("nothing but an end, or a 502").isIn(null, "", "HTTP/1.1 502");
      assertThat(List.of(server, local)).hasSize(2);
    }
  }

  /** Waits until tunnels that were taken have been replaced. */
  private static void awaitParked(HiddenServer server) {
    Awaitility.await().until(() -> server.status().parked() > 0);
  }
}
