package io.rendezvous.net;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.xnio.IoFuture;
import org.xnio.OptionMap;
import org.xnio.Options;
import org.xnio.StreamConnection;
import org.xnio.XnioExecutor;
import org.xnio.XnioIoThread;
import org.xnio.XnioWorker;

/** Opens connections to a host and port, trying each of the host's addresses in turn. */
final class TcpDialer extends Dialer {
  private static final OptionMap OPTIONS =
      OptionMap.create(Options.TCP_NODELAY, true, Options.KEEP_ALIVE, true);

  /** An IPv4 address, or an IPv6 address as far as its colon tells; no name is like that. */
  private static final Pattern ADDRESS =
      Pattern.compile("((25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(?!$)|$)){4}|.*:.*");

  /**
   * Where to.
   *
   * @param host its name or address; an IPv6 address without brackets
   */
  record Destination(String host, int port) {}

  private final Executor resolver;
  private final @Nullable Layer layer;
  private final Destination to;

  /**
   * Creates one.
   *
   * @param resolver runs what waits for DNS
   * @param layer what connections speak, or null for plain TCP
   */
  TcpDialer(
      XnioWorker worker,
      Executor resolver,
      BufferPool buffers,
      @Nullable Layer layer,
      Destination to) {
    super(worker, buffers);
    this.resolver = resolver;
    this.layer = layer;
    this.to = to;
  }

  @Override
  protected void start(XnioIoThread thread, Result result) {
    // An address need not wait behind names that DNS is slow to tell.
    Executor executor = ADDRESS.matcher(to.host()).matches() ? thread : resolver;
    executor.execute(() -> resolve(thread, result));
  }

  private void resolve(XnioIoThread thread, Result result) {
    try {
      List<InetAddress> addresses = List.of(InetAddress.getAllByName(to.host()));
      execute(thread, () -> tryNext(thread, new ArrayDeque<>(addresses), result));
    } catch (UnknownHostException e) {
      IOException reason = new IOException("no address is known for " + to.host(), e);
      execute(thread, () -> result.failed(reason));
    }
  }

  private static void execute(XnioIoThread thread, Runnable task) {
    try {
      thread.execute(task);
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  private void tryNext(XnioIoThread thread, Queue<InetAddress> addresses, Result result) {
    InetSocketAddress address = new InetSocketAddress(addresses.remove(), to.port());
    IoFuture<StreamConnection> future = thread.openStreamConnection(address, null, OPTIONS);
    XnioExecutor.Key timeout;
    try {
      timeout = thread.executeAfter(future::cancel, PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) { // the process ends
      future.cancel();
      return;
    }
    future.addNotifier(
        (done, on) -> {
          timeout.remove();
          execute(on, () -> onTried(on, done, address, addresses, result));
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
      String where = address.getAddress().getHostAddress() + " port " + to.port();
      result.failed(new IOException("could not connect to " + where + ": " + e.getMessage(), e));
    }
  }

  private void opened(StreamConnection socket, Result result) {
    KeepAlive.keepAlive(socket);
    result.opened(conn(socket, layer));
  }
}
