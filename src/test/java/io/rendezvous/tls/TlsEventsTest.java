package io.rendezvous.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Listener;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.undertow.UndertowOptions;
import io.undertow.io.IoCallback;
import io.undertow.server.DefaultByteBufferPool;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.resource.PathResourceManager;
import io.undertow.server.handlers.resource.ResourceHandler;
import io.undertow.server.protocol.http.HttpOpenListener;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xnio.OptionMap;

/** The events of TLS connections, and what XNIO and Undertow expect of their channels. */
class TlsEventsTest {
  private static final String ROLES_AND_VERSIONS =
      "io.rendezvous.tls.TlsTransferTest#rolesAndVersions";
  private static final int MIB = 1024 * 1024;

  @TempDir private Path directory;
  private TlsRig rig;

  @BeforeEach
  void start() throws Exception {
    rig = new TlsRig();
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  private static TlsEnd.Reading shake(TlsRig.Pair pair) throws Exception {
    TlsEnd.Reading reading = pair.ours().read(50_000);
    CompletableFuture<Boolean> shaken =
        Octets.beside(
            () -> {
              pair.peer().startHandshake();
              return true;
            });
    shaken.get(60, TimeUnit.SECONDS);
    Awaitility.await().until(() -> pair.ours().conn().isHandshaken());
    return reading;
  }

  /** Lets the I/O thread run its tasks and look at its sockets several times. */
  private void turns(TlsEnd end) throws Exception {
    for (int i = 0; i < 20; i++) {
      TlsRig.on(end.conn(), () -> true);
    }
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void bytesThatWereReadAheadAreReportedAsLongAsSomeAreLeft(TlsRig.Role role, String version)
      throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
      shake(pair);
      TlsEnd.Reading reading = pair.ours().readOnceAnEvent(1);
      TlsRig.on(
          pair.ours().conn(),
          () -> {
            for (int i = 0; i < 10; i++) {
              pair.peer().getOutputStream().write(new byte[10]);
            }
            return true;
          });
      Awaitility.await().until(() -> reading.count() == 100);
      turns(pair.ours());
      assertThat(reading.events()).isBetween(100, 102);
      assertThat(rig.held(pair.ours().conn())).isZero();
    }
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void suspendedListenerDoesNotRunUntilItIsResumed(TlsRig.Role role, String version)
      throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
      shake(pair);
      Conn conn = pair.ours().conn();
      TlsEnd.Reading reading = pair.ours().readOnceAnEvent(10);
      TlsRig.on(
          conn,
          () -> {
            pair.peer().getOutputStream().write(new byte[100]);
            return true;
          });
      Awaitility.await().until(() -> reading.count() > 0);
      int[] seen = new int[1];
      TlsRig.on(
          conn,
          () -> {
            conn.suspendReads();
            seen[0] = reading.events();
            return true;
          });
      pair.peer().getOutputStream().write(new byte[100]);
      turns(pair.ours());
      assertThat(reading.events()).isEqualTo(seen[0]);
      conn.channel().getSourceChannel().resumeReads(); // on this thread
      Awaitility.await().until(() -> reading.count() == 200);
      conn.channel().getSourceChannel().suspendReads();
      TlsRig.on(conn, () -> true);
      int before = reading.events();
      pair.peer().getOutputStream().write(new byte[100]);
      turns(pair.ours());
      assertThat(reading.events()).isEqualTo(before);
      conn.channel().getSourceChannel().wakeupReads();
      Awaitility.await().until(() -> reading.count() == 300);
    }
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void endIsReportedOnceWhileReadsStayResumed(TlsRig.Role role, String version) throws Exception {
    for (int[] sizes : new int[][] {{10}, {10, 10_000}, {3, 3}, {1000}}) {
      try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
        shake(pair);
        TlsEnd.Reading reading = pair.ours().readOnceAnEvent(sizes);
        TlsRig.on(
            pair.ours().conn(),
            () -> {
              pair.peer().getOutputStream().write(new byte[15]);
              pair.peer().shutdownOutput();
              pair.raw().shutdownOutput();
              return true;
            });
        assertThat(reading.end()).isEqualTo("end");
        int before = reading.events();
        turns(pair.ours());
        assertThat(reading.events()).isLessThanOrEqualTo(before + 1);
        assertThat(reading.count()).isEqualTo(15);
        // It is reported again to a new owner.
        TlsEnd.Reading next = pair.ours().read(10);
        assertThat(next.end()).isEqualTo("end");
      }
    }
  }

  /** A listener that leaves decrypted bytes unread runs again when it is resumed, not before. */
  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void listenerThatDoesNotReadIsNotRunAgainForTheSame(TlsRig.Role role, String version)
      throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
      shake(pair);
      Conn conn = pair.ours().conn();
      TlsEnd.Reading first = pair.ours().readOnceAnEvent(10);
      TlsRig.on(
          conn,
          () -> {
            pair.peer().getOutputStream().write(new byte[100]);
            return true;
          });
      Awaitility.await().until(() -> first.count() > 0);
      TlsEnd.Reading reading = pair.ours().dontRead();
      turns(pair.ours());
      int before = reading.events();
      turns(pair.ours());
      assertThat(reading.events()).isEqualTo(before);
      TlsEnd.Reading last = pair.ours().readOnceAnEvent(1000);
      Awaitility.await().until(() -> first.count() + last.count() == 100);
    }
  }

  /** A reader of little that is sent much leaves another connection of its thread a turn. */
  @Test
  void readerOfLittleLeavesOthersATurn() throws Exception {
    try (TlsRig.Pair one = rig.open(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3"));
        TlsRig.Pair two = rig.open(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3"))) {
      shake(one);
      shake(two);
      TlsEnd.Reading first = one.ours().readOnceAnEvent(1000);
      CompletableFuture<String> flood =
          Octets.beside(
              () -> {
                try {
                  return Octets.write(one.peer().getOutputStream(), 1L << 40, 1);
                } catch (IOException e) {
                  return "closed";
                }
              });
      Awaitility.await().until(() -> first.count() > MIB);
      TlsEnd.Reading second = two.ours().read(100);
      two.peer().getOutputStream().write('x');
      Awaitility.await().until(() -> second.count() == 1);
      one.raw().close();
      assertThat(flood.get(60, TimeUnit.SECONDS)).isEqualTo("closed");
    }
  }

  /** A write listener runs while there is room, and not while it is suspended. */
  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void writeListenerRunsOnceTheHandshakeIsOver(TlsRig.Role role, String version) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
      AtomicInteger told = new AtomicInteger();
      Conn conn = pair.ours().conn();
      conn.execute(
          () -> {
            conn.onWritable(
                () -> {
                  told.incrementAndGet();
                  conn.suspendWrites();
                });
            conn.resumeWrites();
          });
      turns(pair.ours());
      int early = told.get();
      CompletableFuture<Boolean> shaken =
          Octets.beside(
              () -> {
                pair.peer().startHandshake();
                return true;
              });
      assertThat(shaken.get(60, TimeUnit.SECONDS)).isTrue();
      Awaitility.await().until(() -> told.get() == 1);
      turns(pair.ours());
      assertThat(early).isZero();
      assertThat(told).hasValue(1);
      conn.channel().getSinkChannel().wakeupWrites();
      Awaitility.await().until(() -> told.get() == 2);
      conn.channel().getSinkChannel().resumeWrites();
      Awaitility.await().until(() -> told.get() == 3);
    }
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void filesAreTransferredBothWays(TlsRig.Role role, String version) throws Exception {
    Path file = directory.resolve("file" + role + version);
    byte[] octets = new byte[100_000];
    new Random(1).nextBytes(octets);
    Files.write(file, octets);
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version));
        FileChannel from = FileChannel.open(file);
        FileChannel into =
            FileChannel.open(
                directory.resolve("into" + role + version),
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.WRITE,
                StandardOpenOption.READ)) {
      shake(pair);
      Conn conn = pair.ours().conn();
      TlsRig.on(
          conn,
          () -> {
            conn.suspendReads();
            return true;
          });
      CompletableFuture<byte[]> read =
          Octets.beside(() -> pair.peer().getInputStream().readNBytes(octets.length));
      long position = 0;
      while (position < octets.length) {
        long at = position;
        position +=
            TlsRig.on(
                conn,
                () -> conn.channel().getSinkChannel().transferFrom(from, at, octets.length - at));
      }
      TlsRig.on(conn, conn::flush);
      assertThat(read.get(60, TimeUnit.SECONDS)).isEqualTo(octets);
      pair.peer().getOutputStream().write(octets);
      long got = 0;
      while (got < octets.length) {
        long at = got;
        got +=
            TlsRig.on(
                conn,
                () ->
                    Math.max(
                        0, conn.channel().getSourceChannel().transferTo(at, octets.length, into)));
      }
      ByteBuffer all = ByteBuffer.allocate(octets.length);
      while (all.hasRemaining()) {
        into.read(all, all.position());
      }
      assertThat(all.array()).isEqualTo(octets);
    }
  }

  private Listener serve(HttpHandler handler) throws IOException {
    HttpOpenListener http = new HttpOpenListener(new DefaultByteBufferPool(false, 16_384, 100, 4));
    http.setUndertowOptions(OptionMap.create(UndertowOptions.MAX_ENTITY_SIZE, -1L));
    http.setRootHandler(handler);
    return rig.network()
        .listen(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            Tls.accepting(rig.network(), Keys.server().context()),
            new Listener.Limits(10, 10),
            conn -> {
              conn.startTls();
              http.handleEvent(conn.channel());
            });
  }

  /** Threads of a handler read and write, and block. */
  @Test
  void undertowHandlersMayBlock() throws Exception {
    try (Listener listener = serve(exchange -> exchange.dispatch(() -> echoBlocking(exchange)))) {
      for (String version : new String[] {"TLSv1.3", "TLSv1.2"}) {
        try (Peer peer =
            Peer.to(listener.address().getPort()).speaking(version).tls(Keys.trust())) {
          for (int i = 0; i < 3; i++) {
            peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + 8 * MIB + "\r\n\r\n");
            CompletableFuture<String> sent =
                Octets.beside(() -> Octets.write(peer.out(), 8 * MIB, 1));
            assertThat(peer.readHead()).startsWith("HTTP/1.1 200");
            assertThat(Octets.read(peer.in(), 8 * MIB)).isEqualTo(sent.get(60, TimeUnit.SECONDS));
          }
        }
      }
    }
  }

  private static void echoBlocking(HttpServerExchange exchange) {
    exchange.startBlocking();
    exchange.setResponseContentLength(8 * MIB);
    try (InputStream in = exchange.getInputStream();
        OutputStream out = exchange.getOutputStream()) {
      byte[] buffer = new byte[50_000];
      for (int n; (n = in.read(buffer)) > 0; ) {
        out.write(buffer, 0, n);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    exchange.endExchange();
  }

  @Test
  void undertowHandlersMaySendFilesAndText() throws Exception {
    Path file = directory.resolve("big.bin");
    try (OutputStream out = Files.newOutputStream(file)) {
      Octets.write(out, 4 * MIB, 1);
    }
    ResourceHandler files = new ResourceHandler(new PathResourceManager(directory));
    try (Listener listener =
        serve(
            exchange -> {
              if (exchange.getRequestPath().equals("/text")) {
                exchange.getResponseSender().send("text", IoCallback.END_EXCHANGE);
              } else {
                files.handleRequest(exchange);
              }
            })) {
      try (Peer peer = Peer.to(listener.address().getPort()).tls(Keys.trust());
          InputStream expected = Files.newInputStream(file)) {
        peer.send("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n");
        assertThat(peer.readHead()).contains("Content-Length: " + 4 * MIB);
        assertThat(Octets.read(peer.in(), 4 * MIB)).isEqualTo(Octets.read(expected, 4 * MIB));
        peer.send("GET /text HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100)); // in one record
        for (int i = 0; i < 100; i++) {
          assertThat(peer.readResponse()).endsWith("text");
        }
        peer.send("GET /text HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assertThat(peer.readAll().getBytes(StandardCharsets.US_ASCII)).isNotEmpty();
      }
    }
  }
}
