package io.rendezvous.http.undertow;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Undertow serves connections that it has not accepted. */
class UndertowServerTest {
  private static final Duration PATIENCE = Duration.ofMillis(300);

  private static Listener listen(Network network) throws Exception {
    UndertowServer server =
        new UndertowServer(
            network,
            user -> false,
            exchange ->
                exchange
                    .getRequestReceiver()
                    .receiveFullString(
                        (whole, body) -> whole.getResponseSender().send("got " + body),
                        (broken, e) -> broken.endExchange()),
            PATIENCE);
    return network.listen(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
        null,
        new Listener.Limits(10, 10),
        conn -> server.accept(conn, ByteBuffer.allocate(0), Optional.empty(), () -> {}));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "POST / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"})
  void requestThatIsTooSlowIsEnded(String some) throws Exception {
    try (Network network = new Network("test", 1);
        Listener listener = listen(network);
        Peer slow = Peer.to(listener.address().getPort()).plain()) {
      assertThat(slow.send(some).readAll()).isEmpty();
    }
  }

  @Test
  void connectionOutlivesTheBodyThatCame() throws Exception {
    try (Network network = new Network("test", 1);
        Listener listener = listen(network);
        Peer client = Peer.to(listener.address().getPort()).plain()) {
      String head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n";
      client.send(head).send("ab");
      assertThat(client.readHead()).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void moreFirstOctetsThanABufferHoldsAreRefused() throws Exception {
    CompletableFuture<Boolean> over = new CompletableFuture<>();
    try (Network network = new Network("handler", 1);
        ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      UndertowServer server = new UndertowServer(network, user -> false, exchange -> {});
      network
          .dialer("127.0.0.1", socket.getLocalPort(), null)
          .dial(
              new Dialer.Result() {
                @Override
                public void opened(Conn conn) {
                  ByteBuffer first = ByteBuffer.allocate(20_000);
                  server.accept(conn, first, Optional.empty(), () -> over.complete(true));
                }

                @Override
                public void failed(IOException reason) {
                  over.completeExceptionally(reason);
                }
              });
      try (Peer broker = Peer.of(socket.accept())) {
        assertThat(over.get(60, TimeUnit.SECONDS)).isTrue();
        assertThat(Octets.untilItBreaks(broker.in())).isEmpty();
      }
    }
  }
}
