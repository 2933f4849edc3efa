package io.rendezvous.testing;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.Network;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Connections of a network of two I/O threads, each with a blocking socket at its other end. */
public final class Links implements AutoCloseable {
  private final Network network = new Network("links-test", 2);
  private final ServerSocket server = new ServerSocket(0, 2, InetAddress.getLoopbackAddress());
  private final List<Socket> peers = new ArrayList<>();

  /**
   * A connection and its other end.
   *
   * @param peer gives up reading after 20 s
   */
  public record Link(Conn conn, Socket peer) {}

  /** Creates a network without connections. */
  public Links() throws IOException {}

  /** Opens a connection. */
  public Link open() throws Exception {
    CompletableFuture<Conn> opened = new CompletableFuture<>();
    network
        .dialer("127.0.0.1", server.getLocalPort(), null)
        .dial(
            new Dialer.Result() {
              @Override
              public void opened(Conn conn) {
                opened.complete(conn);
              }

              @Override
              public void failed(IOException reason) {
                opened.completeExceptionally(reason);
              }
            });
    Socket peer = server.accept();
    peers.add(peer);
    peer.setSoTimeout(60_000);
    return new Link(opened.get(60, TimeUnit.SECONDS), peer);
  }

  @Override
  public void close() throws IOException {
    for (Socket peer : peers) {
      peer.close();
    }
    server.close();
    network.close();
  }
}
