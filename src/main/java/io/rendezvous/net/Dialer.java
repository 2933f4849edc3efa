package io.rendezvous.net;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import org.xnio.StreamConnection;
import org.xnio.XnioIoThread;
import org.xnio.XnioWorker;

/** Opens connections to one server. Any thread may call. */
public abstract class Dialer {
  static final Duration PATIENCE = Duration.ofSeconds(10);

  /** Hears how dialling went: once, on the I/O thread that the connection lives on. */
  public interface Result {
    /** It is open; over TLS the handshake is still to come, with the first read or write. */
    void opened(Conn conn);

    /** It could not be opened. */
    void failed(IOException reason);
  }

  private final XnioWorker worker;
  private final BufferPool buffers;

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

  abstract void start(XnioIoThread thread, Result result);

  /**
   * Makes a connection of an open socket.
   *
   * @param channel what reads and writes plaintext
   * @param watch sits on the socket
   */
  final Conn conn(StreamConnection socket, SocketMonitor watch, StreamConnection channel) {
    Conn conn = new Conn(channel, watch, buffers);
    socket.setCloseListener(closed -> conn.closed());
    return conn;
  }
}
