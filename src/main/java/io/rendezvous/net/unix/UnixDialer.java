package io.rendezvous.net.unix;

import io.rendezvous.net.Dialer;
import io.rendezvous.net.FailureText;
import io.rendezvous.net.Network;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.xnio.IoUtils;
import org.xnio.XnioIoThread;

/**
 * Opens connections to a Unix-domain socket. Connecting succeeds or fails at once. If the queue of
 * the server is full, it is tried again every 20 ms, for at most 10 s. Any thread may call.
 */
public final class UnixDialer extends Dialer {
  private static final long RETRY_AFTER_MS = 20;

  /**
   * The message of EAGAIN. Where the messages of the system are in another language, it counts as
   * any other error.
   */
  private static final String QUEUE_FULL = "Resource temporarily unavailable";

  private final UnixPoller poller;
  private final Path path;

  /** Creates a dialer that opens connections to the socket at that path. */
  public UnixDialer(Network network, Path path) {
    super(network);
    this.poller = network.shared(UnixPoller.class, UnixPoller::new);
    this.path = path;
  }

  @Override
  protected void start(XnioIoThread thread, Result result) {
    long until = System.nanoTime() + CONNECT_TIMEOUT.toNanos();
    thread.execute(() -> attempt(thread, until, result));
  }

  private void attempt(XnioIoThread thread, long until, Result result) {
    UnixConnection socket;
    try {
      socket = connect(thread);
    } catch (IOException e) {
      if (QUEUE_FULL.equals(e.getMessage()) && System.nanoTime() - until < 0) {
        attemptLater(thread, until, result);
      } else {
        result.failed(
            new IOException("could not connect to " + path + ": " + FailureText.of(e), e));
      }
      return;
    }
    opened(socket, null, result);
  }

  private void attemptLater(XnioIoThread thread, long until, Result result) {
    try {
      thread.executeAfter(
          () -> attempt(thread, until, result), RETRY_AFTER_MS, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  private UnixConnection connect(XnioIoThread thread) throws IOException {
    SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      socket.configureBlocking(false);
      if (!socket.connect(UnixDomainSocketAddress.of(path))) {
        throw new IOException(QUEUE_FULL);
      }
      return new UnixConnection(thread, socket, poller);
    } catch (IOException e) {
      IoUtils.safeClose(socket);
      throw e;
    }
  }
}
