package io.rendezvous.net.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.UnixServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xnio.channels.StreamSinkChannel;
import org.xnio.channels.StreamSourceChannel;

/** Connections over Unix-domain sockets behave as XNIO expects of its connections. */
class UnixConnectionTest {
  private static final int MIB = 1024 * 1024;

  @TempDir private Path directory;
  private Network network;

  @BeforeEach
  void start() throws Exception {
    network = new Network("test", 1);
  }

  @AfterEach
  void stop() {
    network.close();
  }

  private Path path() {
    return directory.resolve("socket");
  }

  private UnixServer server(UnixServer.Service service) throws IOException {
    return new UnixServer(path(), service);
  }

  private static CompletableFuture<Conn> dial(Dialer dialer) {
    CompletableFuture<Conn> dialled = new CompletableFuture<>();
    dialer.dial(
        new Dialer.Result() {
          @Override
          public void opened(Conn conn) {
            dialled.complete(conn);
          }

          @Override
          public void failed(IOException reason) {
            dialled.completeExceptionally(reason);
          }
        });
    return dialled;
  }

  private Conn dial() throws Exception {
    return dial(new UnixDialer(network, path())).get(60, TimeUnit.SECONDS);
  }

  /** Runs a task on the I/O thread of a connection, and waits for its result. */
  private static <T> T on(Conn conn, Callable<T> task) throws Exception {
    CompletableFuture<T> done = new CompletableFuture<>();
    conn.execute(
        () -> {
          try {
            done.complete(task.call());
          } catch (Exception e) {
            done.completeExceptionally(e);
          }
        });
    return done.get(60, TimeUnit.SECONDS);
  }

  /** Collects what is read, as text. An end is "end", a reset "broken". */
  private static BlockingQueue<String> read(Conn conn, int octetsAtOnce) throws Exception {
    BlockingQueue<String> read = new LinkedBlockingQueue<>();
    Runnable reader =
        () -> {
          ByteBuffer buffer = ByteBuffer.allocate(octetsAtOnce);
          try {
            int n = conn.read(buffer);
            if (n < 0) {
              conn.suspendReads();
            }
            read.add(n < 0 ? "end" : new String(buffer.array(), 0, n, StandardCharsets.US_ASCII));
          } catch (IOException e) {
            conn.close();
            read.add("broken");
          }
        };
    on(
        conn,
        () -> {
          conn.onReadable(reader);
          conn.resumeReads();
          return true;
        });
    return read;
  }

  @Test
  void socketThatCannotBeReachedIsNamedWithTheReason() {
    assertThatThrownBy(() -> dial(new UnixDialer(network, path())).get())
        .isInstanceOf(ExecutionException.class)
        .hasRootCauseMessage("No such file or directory")
        .cause()
        .hasMessage("could not connect to " + path() + ": No such file or directory");
    Path longer = directory.resolve("x".repeat(200));
    assertThatThrownBy(() -> dial(new UnixDialer(network, longer)).get())
        .cause()
        .hasMessage("could not connect to " + longer + ": Unix domain path too long");
  }

  @Test
  void serverWithAFullQueueIsWaitedFor() throws Exception {
    List<CompletableFuture<Conn>> dialled = new ArrayList<>();
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path()), 1);
      for (int i = 0; i < 4; i++) {
        dialled.add(dial(new UnixDialer(network, path())));
      }
      for (CompletableFuture<Conn> one : dialled) {
        server.accept().close();
        one.get(60, TimeUnit.SECONDS);
      }
    }
  }

  @Test
  void listenerRunsAgainWhileBytesAreLeftAndAtTheEnd() throws Exception {
    try (UnixServer server = server(connection -> connection.send("abc"))) {
      BlockingQueue<String> read = read(dial(), 1);
      for (String expected : List.of("a", "b", "c", "end")) {
        assertThat(read.poll(60, TimeUnit.SECONDS)).isEqualTo(expected);
      }
      assertThat(server.path()).exists();
    }
  }

  @Test
  void suspendedListenerDoesNotRunUntilItIsResumed() throws Exception {
    try (UnixServer server = server(connection -> connection.in().transferTo(connection.out()))) {
      Conn conn = dial();
      BlockingQueue<String> read = read(conn, 10);
      on(
          conn,
          () -> {
            conn.suspendReads();
            return conn.write(ByteBuffer.wrap(new byte[] {'x'}));
          });
      assertThat(read.poll(200, TimeUnit.MILLISECONDS)).isNull();
      conn.execute(conn::resumeReads);
      assertThat(read.poll(60, TimeUnit.SECONDS)).isEqualTo("x");
      assertThat(server.path()).exists();
    }
  }

  @Test
  void wakeupRunsTheListenersAtLeastOnce() throws Exception {
    try (UnixServer server = server(connection -> connection.in().read())) {
      Conn conn = dial();
      BlockingQueue<String> read = read(conn, 10);
      AtomicInteger writable = new AtomicInteger();
      on(
          conn,
          () -> {
            conn.channel().getSourceChannel().wakeupReads();
            conn.onWritable(
                () -> {
                  writable.incrementAndGet();
                  conn.suspendWrites();
                });
            conn.channel().getSinkChannel().wakeupWrites();
            return true;
          });
      assertThat(read.poll(60, TimeUnit.SECONDS)).isEmpty();
      Awaitility.await().until(() -> writable.get() == 1);
      assertThat(server.path()).exists();
    }
  }

  @Test
  void threadMayBlockUntilBytesArrive() throws Exception {
    CompletableFuture<Boolean> go = new CompletableFuture<>();
    try (UnixServer server =
        server(
            connection -> {
              go.join();
              connection.send("x");
            })) {
      StreamSourceChannel source = dial().channel().getSourceChannel();
      source.awaitReadable(50, TimeUnit.MILLISECONDS);
      assertThat(source.read(ByteBuffer.allocate(1))).isZero();
      CompletableFuture<Boolean> readable =
          Octets.beside(
              () -> {
                source.awaitReadable();
                return true;
              });
      assertThat(readable).isNotDone();
      go.complete(true);
      assertThat(readable.get(60, TimeUnit.SECONDS)).isTrue();
      assertThat(source.read(ByteBuffer.allocate(1))).isEqualTo(1);
      assertThat(server.path()).exists();
    }
  }

  @Test
  void threadMayBlockUntilThereIsRoom() throws Exception {
    CompletableFuture<String> received = new CompletableFuture<>();
    CompletableFuture<Boolean> go = new CompletableFuture<>();
    try (UnixServer server =
        server(
            connection -> {
              go.join();
              received.complete(Octets.read(connection.in(), 4 * MIB));
            })) {
      StreamSinkChannel sink = dial().channel().getSinkChannel();
      ByteBuffer buffer = ByteBuffer.allocate(4 * MIB);
      while (sink.write(buffer) > 0) {
        assertThat(buffer.hasRemaining()).isTrue();
      }
      go.complete(true);
      while (buffer.hasRemaining()) {
        sink.awaitWritable(5, TimeUnit.SECONDS);
        assertThat(sink.write(buffer)).isPositive();
      }
      assertThat(received.get(60, TimeUnit.SECONDS)).isNotEmpty();
      assertThat(server.path()).exists();
    }
  }

  @Test
  void closeFreesAThreadThatBlocks() throws Exception {
    try (UnixServer server = server(connection -> connection.in().read())) {
      Conn conn = dial();
      CompletableFuture<Boolean> readable =
          Octets.beside(
              () -> {
                conn.channel().getSourceChannel().awaitReadable();
                return true;
              });
      assertThat(readable).isNotDone();
      conn.execute(conn::close);
      assertThat(readable.get(60, TimeUnit.SECONDS)).isTrue();
      assertThat(server.path()).exists();
    }
  }

  @Test
  void closeRunsItsListenersOnceAndEndsTheStream() throws Exception {
    CompletableFuture<Integer> end = new CompletableFuture<>();
    AtomicInteger closed = new AtomicInteger();
    AtomicInteger parts = new AtomicInteger();
    try (UnixServer server = server(connection -> end.complete(connection.in().read()))) {
      Conn conn = dial();
      on(
          conn,
          () -> {
            conn.onClosed(closed::incrementAndGet);
            conn.channel().getSourceChannel().setCloseListener(c -> parts.incrementAndGet());
            conn.channel().getSinkChannel().setCloseListener(c -> parts.incrementAndGet());
            conn.shutdownWrites();
            conn.shutdownWrites();
            conn.close();
            conn.close();
            return true;
          });
      assertThat(end.get(60, TimeUnit.SECONDS)).isEqualTo(-1);
      Awaitility.await().until(() -> closed.get() > 0);
      on(conn, () -> true); // anything that ran twice has run by now
      assertThat(closed).hasValue(1);
      assertThat(parts).hasValue(2);
      assertThat(server.path()).exists();
    }
  }

  @Test
  void peerThatLeavesBytesUnreadHasReset() throws Exception {
    CompletableFuture<Boolean> sent = new CompletableFuture<>();
    try (UnixServer server = server(connection -> sent.join())) {
      Conn conn = dial();
      on(conn, () -> conn.write(ByteBuffer.allocate(1)));
      BlockingQueue<String> read = read(conn, 10);
      sent.complete(true);
      assertThat(read.poll(60, TimeUnit.SECONDS)).isEqualTo("broken");
      assertThat(server.path()).exists();
    }
  }

  @Test
  void abortResetsAPeerWhoseBytesWereNotRead() throws Exception {
    CompletableFuture<String> heard = new CompletableFuture<>();
    try (UnixServer server =
        server(
            connection -> {
              connection.send("unread");
              try {
                heard.complete("" + connection.in().read());
              } catch (IOException e) {
                heard.complete(e.getMessage());
              }
            })) {
      Conn conn = dial();
      conn.channel().getSourceChannel().awaitReadable();
      conn.execute(conn::abort);
      assertThat(heard.get(60, TimeUnit.SECONDS)).isEqualTo("Connection reset");
      assertThat(server.path()).exists();
    }
  }

  @Test
  void closingTheNetworkClosesItsSockets() throws Exception {
    CompletableFuture<Integer> end = new CompletableFuture<>();
    try (UnixServer server = server(connection -> end.complete(connection.in().read()))) {
      dial();
      network.close();
      assertThat(end.get(60, TimeUnit.SECONDS)).isEqualTo(-1);
      assertThat(server.path()).exists();
    }
  }

  private static void endless(UnixServer.Connection connection) throws IOException {
    SocketChannel socket = connection.socket();
    ByteBuffer buffer = ByteBuffer.allocateDirect(MIB);
    while (true) {
      socket.write(buffer.clear());
    }
  }

  /** Reads byte by byte, which takes long and leaves much unread. */
  private static void readOn(Conn conn, ByteBuffer buffer, AtomicLong count) {
    try {
      for (int turn = 0; turn < 1000; turn++) {
        int n = conn.read(buffer.clear());
        if (n <= 0) {
          return;
        }
        count.addAndGet(n);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Both ends of the TCP connection are on the busy thread, so that no other thread matters. */
  @Test
  void busyUnixSocketsLeaveTcpSocketsTheirTurn() throws Exception {
    AtomicLong count = new AtomicLong();
    try (UnixServer server = server(UnixConnectionTest::endless);
        Listener echo =
            network.listen(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                null,
                new Listener.Limits(1, 1),
                conn -> bounce(conn, () -> {}))) {
      for (int i = 0; i < 6; i++) {
        Conn conn = dial();
        ByteBuffer buffer = ByteBuffer.allocate(1);
        conn.onReadable(() -> readOn(conn, buffer, count));
        conn.execute(conn::resumeReads);
      }
      Awaitility.await().until(() -> count.get() > 100_000);
      Conn other =
          dial(network.dialer("127.0.0.1", echo.address().getPort(), null))
              .get(60, TimeUnit.SECONDS);
      List<Long> counts = new CopyOnWriteArrayList<>();
      on(
          other,
          () -> {
            bounce(other, () -> counts.add(count.get()));
            return other.write(ByteBuffer.wrap(new byte[] {'x'}));
          });
      Awaitility.await().until(() -> counts.size() > 20);
      long turns = (counts.get(20) - counts.get(0)) / 6 / 1000; // of each socket
      assertThat(turns).isLessThan(20 * 25L); // a few for each echo are normal, hundreds are not
      assertThat(server.path()).exists();
    }
  }

  /** Sends back each byte that arrives. */
  private static void bounce(Conn conn, Runnable each) {
    ByteBuffer octet = ByteBuffer.allocate(1);
    conn.onReadable(
        () -> {
          try {
            if (conn.read(octet.clear()) > 0) {
              each.run();
              conn.write(octet.flip());
            }
          } catch (IOException e) {
            conn.close();
          }
        });
    conn.resumeReads();
  }
}
