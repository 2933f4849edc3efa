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
 * The clients of a hidden server as connected sockets, for any server of the same process that
 * takes such in place of those from a {@link ServerSocket}:
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
 * <p>Each is one end of a connection within this machine, whose other end is joined to the tunnel.
 * Nothing listens but for the moment in which one is made, and what anybody else of this machine
 * connects then is dropped. Any thread may call.
 */
public final class AcceptedSockets implements Supplier<SocketChannel> {
  private static final int BACKLOG = 128;
  private static final int PATIENCE = 10_000;

  private final BlockingQueue<Optional<SocketChannel>> accepted = new LinkedBlockingQueue<>();
  private final Semaphore room = new Semaphore(BACKLOG);
  private boolean closed; // guarded by this

  /**
   * Waits for the next client and returns a connection to it, which blocks as any new one does.
   * Whoever takes it closes it.
   *
   * @throws IllegalStateException once the hidden server is closed, or if the thread is interrupted
   */
  @Override
  public SocketChannel get() {
    try {
      Optional<SocketChannel> next = accepted.take();
      if (next.isEmpty()) {
        accepted.add(next); // for others who wait
        throw new IllegalStateException("the hidden server is closed");
      }
      room.release();
      return next.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a client", e);
    }
  }

  /** Returns the way here from tunnels. */
  TcpTarget.Local on(Network network) {
    return new TcpTarget.Local() {
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

  /** Returns whether somebody may still take it. */
  private synchronized boolean offer(SocketChannel socket) {
    return !closed && accepted.add(Optional.of(socket));
  }

  /** Closes those that nobody has taken, and has nobody wait any more. */
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
      // Then it is of no use to anybody either.
    }
  }

  /** Makes a connection, keeps one end of it for who asks next, and hands out the other. */
  private void open(Network network, Conn tunnel, Dialer.Result result) {
    if (!room.tryAcquire()) {
      result.failed(new IOException("nobody takes the clients that come"));
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

  /** Makes room again for what failed. */
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
      room.release();
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
      listening.socket().setSoTimeout(PATIENCE);
      while (true) {
        Socket socket = listening.socket().accept();
        if (socket.getRemoteSocketAddress().equals(expected)) {
          socket.setTcpNoDelay(true);
          return socket.getChannel();
        }
        socket.close(); // a stranger's
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
