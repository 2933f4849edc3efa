package io.rendezvous.net.unix;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.NothingUncaught;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xnio.OptionMap;
import org.xnio.Xnio;
import org.xnio.XnioIoThread;
import org.xnio.XnioWorker;

/** The poller goes on after an error. */
class UnixPollerTest {
  private final UnixPoller poller = new UnixPoller();
  private XnioWorker worker;

  @BeforeEach
  void start() throws Exception {
    worker = Xnio.getInstance().createWorker(OptionMap.EMPTY);
  }

  @AfterEach
  void stop() {
    poller.close();
    worker.shutdownNow();
  }

  /** A socket that has something to read, and does as the test says when the poller sees it. */
  private final class Socket implements UnixPoller.Watched, AutoCloseable {
    private final SocketChannel near;
    private final SocketChannel far;
    private final SelectionKey key;
    private final Runnable onReady;
    private final CompletableFuture<Boolean> ready = new CompletableFuture<>();
    private final CompletableFuture<Boolean> abandoned = new CompletableFuture<>();

    Socket(Runnable onReady) throws Exception {
      this.onReady = onReady;
      try (ServerSocketChannel server = ServerSocketChannel.open()) {
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        near = SocketChannel.open(server.getLocalAddress());
        far = server.accept();
      }
      near.configureBlocking(false);
      key = poller.register(near, this);
    }

    void receive() throws Exception {
      far.write(ByteBuffer.allocate(1));
      key.interestOps(SelectionKey.OP_READ);
      poller.wakeup();
    }

    @Override
    public XnioIoThread thread() {
      return worker.getIoThread();
    }

    @Override
    public void onReady(SelectionKey readyKey, UnixPoller.Turn turn) {
      readyKey.interestOps(0);
      onReady.run();
      ready.complete(true);
    }

    @Override
    public void onAbandoned() {
      abandoned.complete(true);
    }

    @Override
    public void close() throws IOException {
      near.close();
      far.close();
    }
  }

  @Test
  void socketWhoseHandlerFailsIsClosedAndTheOthersAreWatched() throws Exception {
    RuntimeException failure = new IllegalStateException(NothingUncaught.EXPECTED);
    try (Socket other = new Socket(() -> {});
        Socket failing =
            new Socket(
                () -> {
                  throw failure;
                })) {
      failing.receive();
      assertThat(failing.abandoned.get(60, TimeUnit.SECONDS)).isTrue();
      assertThat(failing.near.isOpen()).isFalse();
      other.receive();
      assertThat(other.ready.get(60, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void socketsAreWatchedAnewAfterTheSelectorWasGivenUp() throws Exception {
    Error failure = new AssertionError(NothingUncaught.EXPECTED);
    try (Socket other = new Socket(() -> {});
        Socket failing =
            new Socket(
                () -> {
                  throw failure;
                })) {
      failing.receive();
      assertThat(other.abandoned.get(60, TimeUnit.SECONDS)).isTrue();
      assertThat(other.near.isOpen()).isFalse();
      try (Socket next = new Socket(() -> {})) {
        next.receive();
        assertThat(next.ready.get(60, TimeUnit.SECONDS)).isTrue();
      }
    }
  }
}
