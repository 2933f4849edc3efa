package io.rendezvous.net;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.xnio.StreamConnection;
import org.xnio.XnioIoThread;
import org.xnio.XnioWorker;

/** Opens connections to one server. Any thread may call. */
public abstract class Dialer {
  /** Longest time to wait for an address to accept the connection. */
  protected static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

  /** Receives the outcome of dialling once, on the I/O thread that was chosen. */
  public interface Result {
    /**
     * Takes the connection over, which is open. Over TLS the handshake has yet to begin: it does so
     * with the first read or write.
     */
    void opened(Conn conn);

    /** Handles that no connection was opened. */
    void failed(IOException reason);
  }

  private final XnioWorker worker;
  private final BufferPool buffers;

  /** Creates a dialer that opens connections on the network's I/O threads. */
  protected Dialer(Network network) {
    this(network.xnioWorker(), network.buffers());
  }

  Dialer(XnioWorker worker, BufferPool buffers) {
    this.worker = worker;
    this.buffers = buffers;
  }

  /** Opens a connection on any I/O thread. */
  public final void dial(Result result) {
    dialOn(worker.getIoThread(), result);
  }

  /** Opens a connection on the I/O thread of another one, so that a relay stays on one thread. */
  public final void dialBeside(Conn other, Result result) {
    dialOn(other.ioThread(), result);
  }

  /** Opens a connection on one of the network's I/O threads. */
  public final void dialOn(XnioIoThread thread, Result result) {
    try {
      start(thread, result);
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  /**
   * Starts to open a connection on that I/O thread. Does not block.
   *
   * @throws RejectedExecutionException if the process ends; the result then never comes
   */
  protected abstract void start(XnioIoThread thread, Result result);

  /**
   * Hands the connection of a socket that was opened over. Called on its I/O thread.
   *
   * @param layer the TLS that is started on it, or null for a plain connection
   */
  protected final void opened(StreamConnection socket, @Nullable Layer layer, Result result) {
    Conn conn = new Conn(socket, new SocketMonitor(socket), buffers, layer);
    socket.setCloseListener(closed -> conn.onSocketClosed());
    if (layer != null) {
      conn.startTls();
    }
    conn.run(() -> result.opened(conn));
  }
}
