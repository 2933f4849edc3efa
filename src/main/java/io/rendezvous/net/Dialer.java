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
  public static final Duration PATIENCE = Duration.ofSeconds(10);

  /** Hears how dialling went: once, on the I/O thread that the connection lives on. */
  public interface Result {
    /** It is open; over TLS the handshake is still to come, with the first read or write. */
    void opened(Conn conn);

    /** It could not be opened. */
    void failed(IOException reason);
  }

  private final XnioWorker worker;
  private final BufferPool buffers;

  /** Creates one that opens connections on the network's I/O threads. */
  protected Dialer(Network network) {
    this(network.xnioWorker(), network.buffers());
  }

  Dialer(XnioWorker worker, BufferPool buffers) {
    this.worker = worker;
    this.buffers = buffers;
  }

  /** Opens a connection on whichever I/O thread. */
  public final void dial(Result result) {
    dialOn(worker.getIoThread(), result);
  }

  /** Opens a connection on the I/O thread of another, so that a relay need not change threads. */
  public final void dialBeside(Conn other, Result result) {
    dialOn(other.ioThread(), result);
  }

  /** Opens a connection on an I/O thread of the same network. */
  public final void dialOn(XnioIoThread thread, Result result) {
    try {
      start(thread, result);
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  /** Opens a connection on that I/O thread. */
  protected abstract void start(XnioIoThread thread, Result result);

  /**
   * Makes a connection of an open socket.
   *
   * @param layer TLS, which starts with the first read or write, or null for a plain connection
   */
  protected final Conn conn(StreamConnection socket, @Nullable Layer layer) {
    Conn conn = new Conn(socket, new SocketMonitor(socket), buffers, layer);
    socket.setCloseListener(closed -> conn.closed());
    if (layer != null) {
      conn.startTls();
    }
    return conn;
  }
}
