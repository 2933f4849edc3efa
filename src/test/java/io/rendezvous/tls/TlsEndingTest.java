package io.rendezvous.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import io.rendezvous.testing.Octets;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The end of streams over TLS: in order, one direction first, truncated, reset, of either side. */
class TlsEndingTest {
  private static final String ROLES_AND_VERSIONS =
      "io.rendezvous.tls.TlsTransferTest#rolesAndVersions";

  private TlsRig rig;

  @BeforeEach
  void start() throws Exception {
    rig = new TlsRig();
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  private static byte[] octets(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Has both ends shake hands. Ours reads from then on. */
  private static TlsEnd.Reading shake(TlsRig.Pair pair) throws Exception {
    TlsEnd.Reading reading = pair.ours().read(1000);
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

  private void assertNothingHeld(TlsRig.Pair pair) throws Exception {
    assertThat(rig.held(pair.ours().conn())).isZero();
  }

  @ParameterizedTest
  @EnumSource(TlsRig.Role.class)
  void eitherDirectionMayEndFirstInTls13(TlsRig.Role role) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, "TLSv1.3"))) {
      TlsEnd.Reading reading = shake(pair);
      pair.ours().send("ours");
      pair.ours().shutdownWrites();
      assertThat(pair.peer().getInputStream().readAllBytes()).isEqualTo(octets("ours"));
      assertThat(reading.hasEnded()).isFalse();
      String sent = Octets.write(pair.peer().getOutputStream(), 300_000, 1);
      pair.peer().shutdownOutput();
      assertThat(reading.hash()).isEqualTo(sent);
      assertThat(reading.end()).isEqualTo("end");
      assertNothingHeld(pair);
    }
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, "TLSv1.3"))) {
      TlsEnd.Reading reading = shake(pair);
      pair.peer().shutdownOutput();
      assertThat(reading.end()).isEqualTo("end");
      CompletableFuture<String> received =
          Octets.beside(() -> Octets.read(pair.peer().getInputStream(), 300_000));
      assertThat(
              pair.ours()
                  .write(300_000, 2, TlsEnd.Ending.CLOSE_NOTIFY, 20_000)
                  .get(60, TimeUnit.SECONDS))
          .isEqualTo(received.get(60, TimeUnit.SECONDS));
      assertThat(pair.peer().getInputStream().read()).isEqualTo(-1);
      assertNothingHeld(pair);
    }
  }

  /** The answer to a close_notify is a close_notify (RFC 5246, 7.2.1). */
  @ParameterizedTest
  @EnumSource(TlsRig.Role.class)
  void bothDirectionsEndTogetherInTls12(TlsRig.Role role) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, "TLSv1.2"))) {
      TlsEnd.Reading reading = shake(pair);
      pair.peer().getOutputStream().write(octets("last words"));
      pair.peer().shutdownOutput();
      assertThat(reading.end()).isEqualTo("end");
      assertThat(reading.text()).isEqualTo("last words");
      assertThatThrownBy(() -> pair.ours().send("too late"))
          .hasRootCauseInstanceOf(ClosedChannelException.class);
      assertThat(pair.peer().getInputStream().read()).isEqualTo(-1);
      assertNothingHeld(pair);
    }
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void ourEndIsSentAndNothingMoreIsWritten(TlsRig.Role role, String version) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
      shake(pair);
      pair.ours().send("all");
      pair.ours().shutdownWrites();
      assertThatThrownBy(() -> pair.ours().send("more"))
          .hasRootCauseInstanceOf(ClosedChannelException.class);
      pair.ours().shutdownWrites(); // a second time does no harm
      assertThat(pair.peer().getInputStream().readAllBytes()).isEqualTo(octets("all"));
      assertThat(pair.raw().getInputStream().read()).isEqualTo(-1); // TCP has ended too
      assertNothingHeld(pair);
    }
  }

  /** An end of the TCP stream without a close_notify is told apart from one with it. */
  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void streamWithoutCloseNotifyIsTruncated(TlsRig.Role role, String version) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
      TlsEnd.Reading reading = shake(pair);
      pair.peer().getOutputStream().write(octets("not all"));
      pair.raw().shutdownOutput();
      assertThat(reading.end()).isEqualTo("truncated");
      assertThat(reading.text()).isEqualTo("not all");
      pair.ours().send("heard"); // the other direction goes on
      assertThat(pair.peer().getInputStream().readNBytes(5)).isEqualTo(octets("heard"));
      assertNothingHeld(pair);
    }
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void closeNotifyTogetherWithFinIsAnOrderlyEnd(TlsRig.Role role, String version) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
      TlsEnd.Reading reading = shake(pair);
      TlsRig.on(
          pair.ours().conn(),
          () -> {
            // All of this arrives before our end reads.
            pair.peer().getOutputStream().write(octets("all"));
            pair.peer().shutdownOutput();
            pair.raw().shutdownOutput();
            return true;
          });
      assertThat(reading.end()).isEqualTo("end");
      assertThat(reading.text()).isEqualTo("all");
      assertNothingHeld(pair);
    }
  }

  /** Octets after a close_notify are ignored and not kept, and cause no endless events. */
  @ParameterizedTest
  @EnumSource(TlsRig.Role.class)
  void octetsAfterCloseNotifyAreIgnored(TlsRig.Role role) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, "TLSv1.3"))) {
      shake(pair);
      TlsEnd.Reading reading = pair.ours().readOnceAnEvent(100);
      TlsRig.on(
          pair.ours().conn(),
          () -> {
            pair.peer().getOutputStream().write(octets("all"));
            pair.peer().shutdownOutput();
            pair.raw().getOutputStream().write(new byte[10_000]);
            return true;
          });
      assertThat(reading.end()).isEqualTo("end");
      pair.ours().send("x");
      assertThat(pair.peer().getInputStream().read()).isEqualTo('x');
      assertThat(reading.events()).isLessThan(6);
      assertNothingHeld(pair);
    }
  }

  /** Wherever the second record is cut, the first is delivered, and the stream is truncated. */
  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void streamCutWithinARecordIsTruncated(TlsRig.Role role, String version) throws Exception {
    for (int keep : new int[] {0, 1, 4, 5, 6, 20, 40, 60}) {
      TlsRig.Role other = role == TlsRig.Role.SERVER ? TlsRig.Role.CLIENT : TlsRig.Role.SERVER;
      try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        // Both ends are ours. The test passes the records between them.
        Socket toServer = new Socket("127.0.0.1", rig.port());
        TlsEnd first = rig.accept(TlsRig.Setup.of(TlsRig.Role.SERVER, version));
        TlsEnd second =
            rig.dial(TlsRig.Setup.of(TlsRig.Role.CLIENT, version), server.getLocalPort());
        Socket toClient = server.accept();
        TlsEnd sender = other == TlsRig.Role.SERVER ? first : second;
        TlsEnd receiver = other == TlsRig.Role.SERVER ? second : first;
        Socket fromSender = other == TlsRig.Role.SERVER ? toServer : toClient;
        Socket fromReceiver = other == TlsRig.Role.SERVER ? toClient : toServer;
        CompletableFuture<Long> back =
            Octets.beside(
                () -> fromReceiver.getInputStream().transferTo(fromSender.getOutputStream()));
        BlockingQueue<byte[]> forth = new LinkedBlockingQueue<>();
        Octets.beside(
                () -> {
                  byte[] buffer = new byte[100_000];
                  for (int n; (n = fromSender.getInputStream().read(buffer)) > 0; ) {
                    forth.add(Arrays.copyOf(buffer, n));
                  }
                  return true;
                })
            .isDone();
        TlsEnd.Reading reading = receiver.read(1000);
        sender.read(1000);
        pass(forth, fromReceiver, () -> sender.conn().isHandshaken());
        sender.send("the first record");
        pass(forth, fromReceiver, () -> reading.text().equals("the first record"));
        sender.send("the second record, of more than sixty octets, which is cut somewhere");
        fromReceiver.getOutputStream().write(forth.take(), 0, keep);
        fromReceiver.shutdownOutput();
        assertThat(reading.end()).isEqualTo("truncated");
        assertThat(reading.text()).isEqualTo("the first record");
        assertThat(rig.held(receiver.conn())).isZero();
        receiver.conn().execute(receiver.conn()::close);
        sender.conn().execute(sender.conn()::close);
        toServer.close();
        toClient.close();
        assertThat(back).isNotNull();
      }
    }
  }

  private static void pass(BlockingQueue<byte[]> from, Socket to, BooleanSupplier enough)
      throws Exception {
    while (!enough.getAsBoolean()) {
      byte[] some = from.poll(5, TimeUnit.MILLISECONDS);
      if (some != null) {
        to.getOutputStream().write(some);
      }
    }
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void resetFailsEachRead(TlsRig.Role role, String version) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
      shake(pair);
      TlsEnd.Reading reading = pair.ours().readOnceAnEvent(100);
      pair.raw().setSoLinger(true, 0);
      pair.raw().close();
      assertThat(reading.end()).isEqualTo("Connection reset");
      List<String> again = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(() -> TlsRig.on(pair.ours().conn(), () -> readOne(pair)))
            .hasRootCauseInstanceOf(IOException.class)
            .satisfies(e -> again.add(e.getMessage()));
      }
      assertThat(reading.events()).isLessThan(6);
      assertThat(again).hasSize(3);
      assertNothingHeld(pair);
    }
  }

  private static int readOne(TlsRig.Pair pair) throws IOException {
    return pair.ours().conn().read(ByteBuffer.allocate(1));
  }

  /** The bytes before a forged record are delivered, and the peer is sent an alert. */
  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void forgedRecordIsAFailureAfterWhatCameBefore(TlsRig.Role role, String version)
      throws Exception {
    for (int[] sizes : new int[][] {{100}, {3}, {2, 2, 1, 50, 50}, {BufferPool.SIZE}, {100_000}}) {
      try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
        shake(pair);
        TlsEnd.Reading reading = pair.ours().readOnceAnEvent(sizes);
        byte[] forged = new byte[5 + 50];
        forged[0] = 23;
        forged[1] = 3;
        forged[2] = 3;
        forged[4] = 50;
        TlsRig.on(
            pair.ours().conn(),
            () -> {
              pair.peer().getOutputStream().write(octets("whole"));
              pair.raw().getOutputStream().write(forged);
              pair.raw().getOutputStream().write(forged);
              return true;
            });
        assertThat(reading.end()).isNotEqualTo("end").isNotEqualTo("truncated");
        assertThat(reading.text()).isEqualTo("whole");
        assertThatThrownBy(() -> pair.peer().getInputStream().read()).hasMessageContaining("alert");
        assertThatThrownBy(() -> TlsRig.on(pair.ours().conn(), () -> readOne(pair)))
            .hasCauseInstanceOf(SSLException.class);
        assertThatThrownBy(() -> pair.ours().send("x")).hasRootCauseInstanceOf(IOException.class);
        assertThat(reading.events()).isLessThan(12);
        assertNothingHeld(pair);
      }
    }
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void closeGivesBuffersBackAndRunsItsListeners(TlsRig.Role role, String version) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
      shake(pair);
      TlsEnd.Reading reading = pair.ours().readOnceAnEvent(1);
      CompletableFuture<String> written =
          pair.ours().write(1L << 40, 1, TlsEnd.Ending.NONE, 1 << 20);
      TlsRig.on(
          pair.ours().conn(),
          () -> {
            pair.peer().getOutputStream().write(octets("more than one octet"));
            byte[] beginning = Arrays.copyOf(new byte[] {23, 3, 3, 0x40, 0}, 2000);
            pair.raw().getOutputStream().write(beginning); // of a record
            return true;
          });
      Awaitility.await().until(() -> reading.count() == 19);
      Awaitility.await().until(() -> rig.held(pair.ours().conn()) == 2);
      AtomicInteger told = new AtomicInteger();
      Conn conn = pair.ours().conn();
      TlsRig.on(
          conn,
          () -> {
            conn.channel().getSourceChannel().setCloseListener(c -> told.incrementAndGet());
            conn.channel().getSinkChannel().setCloseListener(c -> told.incrementAndGet());
            conn.channel().setCloseListener(c -> told.incrementAndGet());
            conn.close();
            conn.channel().close();
            return true;
          });
      assertNothingHeld(pair);
      assertThat(told).hasValue(3);
      assertThat(written).isNotDone();
    }
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void closeOnAnotherThreadGivesBuffersBackAtAnyTime(TlsRig.Role role, String version)
      throws Exception {
    for (int i = 0; i < 40; i++) {
      int pause = i * 100;
      try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
        pair.ours().read(10_000);
        CompletableFuture<String> written =
            pair.ours().write(1L << 40, 1, TlsEnd.Ending.NONE, 100_000);
        SSLSocket peer = pair.peer();
        CompletableFuture<Boolean> talk =
            Octets.beside(
                () -> {
                  try {
                    Octets.write(peer.getOutputStream(), 1 << 24, 1);
                  } catch (IOException e) {
                    // It was closed.
                  }
                  return true;
                });
        for (int spin = 0; spin < pause; spin++) {
          Thread.onSpinWait();
        }
        pair.ours().conn().channel().close(); // on this thread
        assertThat(talk.get(60, TimeUnit.SECONDS)).isTrue();
        Awaitility.await().until(() -> rig.held(pair.ours().conn()) == 0);
        assertThat(written).isNotNull();
      }
    }
  }
}
