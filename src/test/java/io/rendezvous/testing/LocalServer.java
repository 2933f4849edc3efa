package io.rendezvous.testing;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/**
 * A server behind an agent, or behind anything, that does with each connection what a test says.
 */
public final class LocalServer implements Closeable {
  private final ServerSocket socket;

  /** What is done with a connection. */
  public interface Service {
    /** Serves it; it is closed afterwards. */
    void serve(Peer connection) throws IOException;
  }

  /** Starts to listen on a free port. */
  public LocalServer(Service service) throws IOException {
    socket = new ServerSocket(0, 100, InetAddress.getByName("127.0.0.1"));
    Thread acceptor = new Thread(() -> accept(service), "test-local-server");
    acceptor.setDaemon(true);
    acceptor.start();
  }

  private void accept(Service service) {
    while (true) {
      Socket accepted;
      try {
        accepted = socket.accept();
      } catch (IOException e) {
        return; // closed
      }
      Thread thread = new Thread(() -> serve(service, accepted), "test-local-connection");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private static void serve(Service service, Socket accepted) {
    try (Peer connection = Peer.of(accepted)) {
      service.serve(connection);
    } catch (IOException e) {
      // The other side is tested, not this one.
    }
  }

  /** Answers each request of a connection with its path. */
  public static void answerWithPath(Peer connection) throws IOException {
    while (true) {
      String path = connection.readHead().split(" ", -1)[1];
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + path.length() + "\r\n\r\n" + path);
    }
  }

  /** Returns its port. */
  public int port() {
    return socket.getLocalPort();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
