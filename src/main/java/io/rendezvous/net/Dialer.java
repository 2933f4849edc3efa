package io.rendezvous.net;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.xnio.IoFuture;
import org.xnio.OptionMap;
import org.xnio.Options;
import org.xnio.StreamConnection;
import org.xnio.XnioExecutor;
import org.xnio.XnioIoThread;
import org.xnio.XnioWorker;

/** Opens connections to one server, trying each of its addresses in turn. Any thread may call. */
public final class Dialer {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final OptionMap OPTIONS =
      OptionMap.create(Options.TCP_NODELAY, true, Options.KEEP_ALIVE, true);

  /** Hears how dialling went: once, on the I/O thread that the connection lives on. */
  public interface Result {
    /** It is open; over TLS the handshake is still to come, with the first read or write. */
    void opened(Conn conn);

    /** It could not be opened. */
    void failed(IOException reason);
  }

  private final XnioWorker worker;
  private final @Nullable Tls tls;
  private final Buffers buffers;
  private final String host;
  private final int port;
  private final boolean verifyName;

  Dialer(
      XnioWorker worker,
      @Nullable Tls tls,
      Buffers buffers,
      String host,
      int port,
      boolean verifyName) {
    this.worker = worker;
    this.tls = tls;
    this.buffers = buffers;
    this.host = host;
    this.port = port;
    this.verifyName = verifyName;
  }

  /** Opens a connection on whichever I/O thread. */
  public void dial(Result result) {
    dial(worker.getIoThread(), result);
  }

  /** Opens a connection on the I/O thread of another, so that a relay need not change threads. */
  public void dialBeside(Conn other, Result result) {
    dial(other.ioThread(), result);
  }

  private void dial(XnioIoThread thread, Result result) {
    try {
      worker.execute(() -> resolve(thread, result));
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  private void resolve(XnioIoThread thread, Result result) {
    try {
      List<InetAddress> addresses = List.of(InetAddress.getAllByName(host));
      thread.execute(() -> tryNext(thread, new ArrayDeque<>(addresses), result));
    } catch (UnknownHostException e) {
      IOException reason = new IOException("no address is known for " + host, e);
      thread.execute(() -> result.failed(reason));
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  private void tryNext(XnioIoThread thread, Queue<InetAddress> addresses, Result result) {
    InetSocketAddress address = new InetSocketAddress(addresses.remove(), port);
    IoFuture<StreamConnection> future = thread.openStreamConnection(address, null, OPTIONS);
    XnioExecutor.Key timeout =
        thread.executeAfter(future::cancel, PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    future.addNotifier(
        (done, on) -> {
          timeout.remove();
          on.execute(() -> onTried(on, done, address, addresses, result));
        },
        thread);
  }

  private void onTried(
      XnioIoThread thread,
      IoFuture<? extends StreamConnection> done,
      InetSocketAddress address,
      Queue<InetAddress> others,
      Result result) {
    try {
      if (done.getStatus() == IoFuture.Status.CANCELLED) {
        throw new IOException("no answer within " + PATIENCE.toSeconds() + " s");
      }
      opened(done.get(), result);
    } catch (IOException e) {
      if (!others.isEmpty()) {
        tryNext(thread, others, result);
        return;
      }
      String where = address.getAddress().getHostAddress() + " port " + port;
      result.failed(new IOException("could not connect to " + where + ": " + e.getMessage(), e));
    }
  }

  private void opened(StreamConnection socket, Result result) {
    Sockets.keepAlive(socket);
    SocketWatch watch = new SocketWatch(socket);
    StreamConnection channel = tls == null ? socket : tls.connect(socket, host, port, verifyName);
    Conn conn = new Conn(channel, watch, buffers);
    socket.setCloseListener(closed -> conn.closed());
    result.opened(conn);
  }
}
