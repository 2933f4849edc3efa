package io.rendezvous.testing;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/**
 * A server on a Unix-domain socket, that does with each connection what a test says. What Java
 * makes of such channels for streams cannot be read and written at once, so here are our own.
 */
public final class UnixServer implements Closeable {
  private final Path path;
  private final ServerSocketChannel server;

  /** What is done with a connection. */
  public interface Service {
    /** Serves it; it is closed afterwards. */
    void serve(Connection connection) throws IOException;
  }

  /** A connection that was accepted. */
  public record Connection(SocketChannel socket) implements Closeable {
    /** Returns the stream to read from. */
    public InputStream in() {
      return new In(socket);
    }

    /** Returns the stream to write to. */
    public OutputStream out() {
      return new Out(socket);
    }

    /** Reads up to and with the empty line that ends a head. */
    public String readHead() throws IOException {
      InputStream in = in();
      ByteArrayOutputStream head = new ByteArrayOutputStream();
      while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
        int octet = in.read();
        if (octet < 0) {
          throw new IOException("ended within a head: " + head);
        }
        head.write(octet);
      }
      return head.toString(StandardCharsets.ISO_8859_1);
    }

    /** Sends text, a char an octet. */
    public Connection send(String text) throws IOException {
      out().write(text.getBytes(StandardCharsets.ISO_8859_1));
      return this;
    }

    /** Says that it sends nothing more, and goes on reading. */
    public void shutdownOutput() throws IOException {
      socket.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  /** Starts to listen. */
  public UnixServer(Path path, Service service) throws IOException {
    this.path = path;
    this.server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(path), 100);
    start(() -> accept(service));
  }

  /** Starts to listen for a server that knows TCP only. */
  public static UnixServer before(Path path, int port) throws IOException {
    return new UnixServer(path, connection -> join(connection, port));
  }

  private void accept(Service service) {
    while (true) {
      try {
        SocketChannel accepted = server.accept();
        start(() -> serve(service, accepted));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "test-unix-server");
    thread.setDaemon(true);
    thread.start();
  }

  private static void serve(Service service, SocketChannel accepted) {
    try (Connection connection = new Connection(accepted)) {
      service.serve(connection);
    } catch (IOException e) {
      // The other side is tested, not this one.
    }
  }

  private static void join(Connection near, int port) throws IOException {
    try (Socket far = new Socket("127.0.0.1", port)) {
      CompletableFuture<Long> up =
          Octets.beside(
              () -> {
                long n = near.in().transferTo(far.getOutputStream());
                far.shutdownOutput();
                return n;
              });
      far.getInputStream().transferTo(near.out());
      near.shutdownOutput();
      up.join();
    }
  }

  /** Returns where it listens. */
  public Path path() {
    return path;
  }

  @Override
  public void close() throws IOException {
    server.close();
  }

  private static final class In extends InputStream {
    private final SocketChannel socket;

    In(SocketChannel socket) {
      this.socket = socket;
    }

    @Override
    public int read() throws IOException {
      byte[] octet = new byte[1];
      return read(octet, 0, 1) < 0 ? -1 : octet[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      return socket.read(ByteBuffer.wrap(into, offset, length));
    }
  }

  private static final class Out extends OutputStream {
    private final SocketChannel socket;

    Out(SocketChannel socket) {
      this.socket = socket;
    }

    @Override
    public void write(int octet) throws IOException {
      write(new byte[] {(byte) octet}, 0, 1);
    }

    @Override
    public void write(byte[] from, int offset, int length) throws IOException {
      ByteBuffer left = ByteBuffer.wrap(from, offset, length);
      while (left.hasRemaining()) {
        socket.write(left);
      }
    }
  }
}
