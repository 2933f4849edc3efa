package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.Network;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class HandlerServerTest {
  @Test
  void moreFirstOctetsThanABufferHoldsAreRefused() throws Exception {
    CompletableFuture<Boolean> over = new CompletableFuture<>();
    try (Network network = new Network("handler", 1);
        ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      HandlerServer server = new HandlerServer(network, user -> false, exchange -> {});
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
        assertThat(over.get(5, TimeUnit.SECONDS)).isTrue();
        assertThat(Octets.untilItBreaks(broker.in())).isEmpty();
      }
    }
  }
}
