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

/**
 * Opens TCP connections to a host and port. It looks the host up each time, and tries one address
 * after the other, each for 10 s, until one accepts. Any thread may call.
 */
final class TcpDialer extends Dialer {
  private static final OptionMap OPTIONS =
      OptionMap.create(Options.TCP_NODELAY, true, Options.KEEP_ALIVE, true);

  /** Matches addresses and no names: an IPv4 address, or an IPv6 address by its colon. */
  private static final Pattern ADDRESS =
      Pattern.compile("((25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(?!$)|$)){4}|.*:.*");

  /**
   * The server to connect to.
   *
   * @param host a name or an address; an IPv6 address without brackets
   */
  record Destination(String host, int port) {}

  private final Executor resolver;
  private final @Nullable Layer layer;
  private final Destination destination;

  /**
   * Creates a dialer.
   *
   * @param resolver runs look-ups, which block
   * @param layer TLS, or null for plain TCP
   */
  TcpDialer(
      XnioWorker worker,
      Executor resolver,
      BufferPool buffers,
      @Nullable Layer layer,
      Destination destination) {
    super(worker, buffers);
    this.resolver = resolver;
    this.layer = layer;
    this.destination = destination;
  }

  @Override
  protected void start(XnioIoThread thread, Result result) {
    // An address does not have to wait behind names that DNS is slow to resolve.
    Executor executor = ADDRESS.matcher(destination.host()).matches() ? thread : resolver;
    executor.execute(() -> resolve(thread, result));
  }

  private void resolve(XnioIoThread thread, Result result) {
    try {
      List<InetAddress> addresses = List.of(InetAddress.getAllByName(destination.host()));
      execute(thread, () -> tryNext(thread, new ArrayDeque<>(addresses), result));
    } catch (UnknownHostException e) {
      IOException reason = new IOException("no address is known for " + destination.host(), e);
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
    InetSocketAddress address = new InetSocketAddress(addresses.remove(), destination.port());
    IoFuture<StreamConnection> future = thread.openStreamConnection(address, null, OPTIONS);
    XnioExecutor.Key timeout;
    try {
      timeout =
          thread.executeAfter(future::cancel, CONNECT_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
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
        throw new IOException("no answer within " + CONNECT_TIMEOUT.toSeconds() + " s");
      }
      opened(done.get(), result);
    } catch (IOException e) {
      if (!others.isEmpty()) {
        tryNext(thread, others, result);
        return;
      }
      String where = address.getAddress().getHostAddress() + " port " + destination.port();
      result.failed(new IOException("could not connect to " + where + ": " + FailureText.of(e), e));
    }
  }

  private void opened(StreamConnection socket, Result result) {
    KeepAlive.configure(socket);
    opened(socket, layer, result);
  }
}
