package io.rendezvous.agent;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.Network;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * Hands out the clients of a hidden server as connected sockets, for a server in the same process
 * that can take its connections from elsewhere than a {@link ServerSocket}. It is used in a loop:
 *
 * <pre>{@code
 * AcceptedSockets clients = new AcceptedSockets();
 * HiddenServer server = HiddenServer.of(entry).relay(clients);
 * while (true) {
 *   SocketChannel client = clients.get(); // or .get().socket()
 *   …
 * }
 * }</pre>
 *
 * <p>Each socket is one end of a loopback connection whose other end is relayed to the tunnel. A
 * port is open only for the moment in which such a connection is made, and a connection that
 * another program of this machine opens meanwhile is dropped. At most 128 clients wait to be taken;
 * further ones are refused. Any thread may call.
 */
public final class AcceptedSockets implements Supplier<SocketChannel> {
  private static final int BACKLOG = 128;
  private static final int ACCEPT_TIMEOUT_MS = 10_000;

  private final BlockingQueue<Optional<SocketChannel>> accepted = new LinkedBlockingQueue<>();
  private final Semaphore free = new Semaphore(BACKLOG); // places in the backlog
  private boolean closed; // guarded by this

  /**
   * Waits for the next client, and returns a socket channel in blocking mode. The caller owns it
   * and closes it.
   *
   * @throws IllegalStateException once the hidden server is closed, or if the thread is interrupted
   */
  @Override
  public SocketChannel get() {
    try {
      Optional<SocketChannel> next = accepted.take();
      if (next.isEmpty()) {
        accepted.add(next); // for other threads that wait
        throw new IllegalStateException("the hidden server is closed");
      }
      free.release();
      return next.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a client", e);
    }
  }

  /** Returns the local server that a {@link TcpTarget} connects its tunnels to. */
  TcpTarget.LocalServer on(Network network) {
    return new TcpTarget.LocalServer() {
      @Override
      public void connect(Conn tunnel, Dialer.Result result) {
        open(network, tunnel, result);
      }

      @Override
      public void close() {
        AcceptedSockets.this.close();
      }
    };
  }

  /** Adds a socket to the backlog. Returns false if this is closed. */
  private synchronized boolean offer(SocketChannel socket) {
    return !closed && accepted.add(Optional.of(socket));
  }

  /** Closes the sockets in the backlog, and wakes all threads that wait. */
  private void close() {
    List<Optional<SocketChannel>> left = new ArrayList<>();
    synchronized (this) {
      closed = true;
      accepted.drainTo(left);
      accepted.add(Optional.empty());
    }
    left.forEach(socket -> socket.ifPresent(AcceptedSockets::drop));
  }

  private static void drop(SocketChannel socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // Nobody uses it.
    }
  }

  /** Makes a loopback connection: one end goes to the backlog, the other to the result. */
  private void open(Network network, Conn tunnel, Dialer.Result result) {
    if (!free.tryAcquire()) {
      result.failed(
          new IOException("the program does not take its clients: " + BACKLOG + " are waiting"));
      return;
    }
    try {
      network.worker().execute(() -> listen(network, tunnel, new Releasing(result)));
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  private void listen(Network network, Conn tunnel, Dialer.Result result) {
    try {
      ServerSocketChannel listening = ServerSocketChannel.open();
      try {
        listening.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        InetSocketAddress address = (InetSocketAddress) listening.getLocalAddress();
        network
            .dialer(address.getHostString(), address.getPort(), null)
            .dialBeside(tunnel, new Accepting(network, listening, result));
      } catch (IOException e) {
        listening.close();
        throw e;
      }
    } catch (IOException e) {
      tunnel.execute(() -> result.failed(e));
    }
  }

  /** Frees the place in the backlog if the connection fails. */
  private final class Releasing implements Dialer.Result {
    private final Dialer.Result result;

    Releasing(Dialer.Result result) {
      this.result = result;
    }

    @Override
    public void opened(Conn conn) {
      result.opened(conn);
    }

    @Override
    public void failed(IOException reason) {
      free.release();
      result.failed(reason);
    }
  }

  /** Accepts the other end of the connection that was opened. */
  private final class Accepting implements Dialer.Result {
    private final Network network;
    private final ServerSocketChannel listening;
    private final Dialer.Result result;

    Accepting(Network network, ServerSocketChannel listening, Dialer.Result result) {
      this.network = network;
      this.listening = listening;
      this.result = result;
    }

    @Override
    public void opened(Conn conn) {
      network.worker().execute(() -> accept(conn));
    }

    private void accept(Conn conn) {
      try (listening) {
        SocketChannel other = accept(conn.local());
        if (!offer(other)) {
          drop(other);
          throw new IOException("the hidden server is closed");
        }
        conn.execute(() -> result.opened(conn));
      } catch (IOException e) {
        conn.execute(
            () -> {
              conn.abort();
              result.failed(e);
            });
      }
    }

    private SocketChannel accept(InetSocketAddress expected) throws IOException {
      listening.socket().setSoTimeout(ACCEPT_TIMEOUT_MS);
      while (true) {
        Socket socket = listening.socket().accept();
        if (socket.getRemoteSocketAddress().equals(expected)) {
          socket.setTcpNoDelay(true);
          return socket.getChannel();
        }
        socket.close(); // another program's
      }
    }

    @Override
    public void failed(IOException reason) {
      try {
        listening.close();
      } catch (IOException e) {
        reason.addSuppressed(e);
      }
      result.failed(reason);
    }
  }
}
