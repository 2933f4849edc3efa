package io.rendezvous.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Program;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Keys that change within a connection (RFC 8446, 4.6.3), and the proof of life by them. */
class TlsKeysTest {
  /** The line that JSSE logs for each KeyUpdate that it sends. */
  private static final String PRODUCED = "Produced KeyUpdate post-handshake message";

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

  /** Accepts a client, which shakes hands with our server. */
  private TlsEnd.Reading meet(Socket raw, TlsPeer[] peer, TlsEnd[] ours) throws Exception {
    raw.setSoTimeout(60_000);
    ours[0] = rig.accept(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3"));
    TlsEnd.Reading reading = ours[0].read(50_000);
    peer[0] = TlsPeer.of(raw);
    peer[0].shakeHands();
    Awaitility.await().until(() -> ours[0].conn().isHandshaken());
    return reading;
  }

  /** The peer changes its keys and asks for new ones of ours, while both directions are busy. */
  @Test
  void peerMayChangeKeysAtAnyTime() throws Exception {
    try (Socket raw = new Socket("127.0.0.1", rig.port())) {
      TlsPeer[] peer = new TlsPeer[1];
      TlsEnd[] ours = new TlsEnd[1];
      TlsEnd.Reading reading = meet(raw, peer, ours);
      MessageDigest hash = MessageDigest.getInstance("SHA-256");
      CompletableFuture<String> read = Octets.beside(() -> peer[0].read(2 * MIB, hash));
      CompletableFuture<String> written = ours[0].write(2 * MIB, 1, TlsEnd.Ending.NONE, 30_000);
      for (int i = 0; i < 200; i++) {
        peer[0].send(3, peer[0]::octet);
        peer[0].send(1, peer[0]::keyUpdate);
      }
      assertThat(written.get(60, TimeUnit.SECONDS)).isEqualTo(read.get(60, TimeUnit.SECONDS));
      Awaitility.await().until(() -> reading.count() == 600);
      assertThat(reading.hasEnded()).isFalse();
      assertThat(rig.held(ours[0].conn())).isZero();
    }
  }

  /** A little data does not entitle the peer to any number of answers. */
  @Test
  void peerThatAsksMuchMoreThanItSendsIsRefused() throws Exception {
    try (Socket raw = new Socket("127.0.0.1", rig.port())) {
      TlsPeer[] peer = new TlsPeer[1];
      TlsEnd.Reading reading = meet(raw, peer, new TlsEnd[1]);
      CompletableFuture<Boolean> asking =
          Octets.beside(
              () -> {
                for (int i = 0; i < 1000 && !reading.hasEnded(); i++) {
                  peer[0].send(10, peer[0]::keyUpdate);
                  peer[0].send(1, peer[0]::octet);
                }
                return true;
              });
      assertThat(reading.end()).isEqualTo("too many records without data");
      assertThat(reading.count()).isLessThan(20);
      assertThat(asking).isNotNull();
    }
  }

  /** Answers that the peer asks for and does not read do not take up memory without bound. */
  @Test
  void peerThatAsksAndDoesNotReadIsRefused() throws Exception {
    try (Socket raw = new Socket("127.0.0.1", rig.port())) {
      TlsPeer[] peer = new TlsPeer[1];
      TlsEnd[] ours = new TlsEnd[1];
      TlsEnd.Reading reading = meet(raw, peer, ours);
      CompletableFuture<String> written = ours[0].write(1L << 40, 1, TlsEnd.Ending.NONE, 1 << 20);
      CompletableFuture<Boolean> asking =
          Octets.beside(
              () -> {
                for (int i = 0; i < 100_000 && !reading.hasEnded(); i++) {
                  peer[0].send(1, peer[0]::octet);
                  peer[0].send(1, peer[0]::keyUpdate);
                }
                return true;
              });
      assertThat(reading.end()).isEqualTo("the peer does not read what it asks for");
      assertThat(reading.count()).isLessThan(20_000);
      assertThat(written).isNotNull();
      assertThat(asking).isNotNull();
    }
  }

  /** A read handles few records that cost much to answer. */
  @Test
  void readHandlesFewKeyUpdatesAtOnce() throws Exception {
    try (Socket raw = new Socket("127.0.0.1", rig.port())) {
      TlsEnd ours = rig.accept(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3"));
      TlsEnd.Reading reading = ours.readOnceAnEvent(50_000);
      TlsPeer peer = TlsPeer.of(raw);
      peer.shakeHands();
      peer.send(
          100,
          records -> {
            peer.octet(records);
            peer.keyUpdate(records);
          });
      Awaitility.await().until(() -> reading.count() == 100);
      assertThat(reading.events()).isGreaterThan(20);
    }
  }

  /** The answer waits until the peer reads what goes before. */
  @ParameterizedTest
  @EnumSource(TlsRig.Role.class)
  void keysMayChangeWhileThePeerDoesNotRead(TlsRig.Role role) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, "TLSv1.3"))) {
      TlsEnd.Reading reading = shake(pair);
      CompletableFuture<String> written =
          pair.ours().write(32 * MIB, 1, TlsEnd.Ending.CLOSE_NOTIFY, 1 << 20);
      for (int i = 0; i < 50; i++) {
        pair.peer().startHandshake();
        pair.peer().getOutputStream().write('x');
      }
      Awaitility.await().until(() -> reading.count() == 50);
      assertThat(written).isNotDone();
      assertThat(Octets.read(pair.peer().getInputStream(), 32 * MIB))
          .isEqualTo(written.get(60, TimeUnit.SECONDS));
      assertThat(pair.peer().getInputStream().read()).isEqualTo(-1);
      assertThat(rig.held(pair.ours().conn())).isZero();
    }
  }

  /** After the end of our stream nothing is answered, and that of the peer goes on. */
  @ParameterizedTest
  @EnumSource(TlsRig.Role.class)
  void keysMayChangeAfterOurEnd(TlsRig.Role role) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, "TLSv1.3"))) {
      TlsEnd.Reading reading = shake(pair);
      pair.ours().shutdownWrites();
      for (int i = 1; i <= 5; i++) {
        int times = i;
        pair.peer().startHandshake();
        pair.peer().getOutputStream().write('y');
        Awaitility.await().until(() -> reading.count() == times);
      }
      pair.peer().shutdownOutput();
      assertThat(reading.end()).isEqualTo("end");
      assertThat(rig.held(pair.ours().conn())).isZero();
    }
  }

  /** A peer that sends KeyUpdates only is refused, whether or not it reads the answers. */
  @ParameterizedTest
  @EnumSource(TlsRig.Role.class)
  void peerThatOnlyAsksIsRefused(TlsRig.Role role) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, "TLSv1.3"))) {
      TlsEnd.Reading reading = shake(pair);
      CompletableFuture<String> written =
          pair.ours().write(1L << 40, 1, TlsEnd.Ending.NONE, 1 << 20);
      CompletableFuture<Boolean> asking =
          Octets.beside(
              () -> {
                for (int i = 0; i < 10_000 && !reading.hasEnded(); i++) {
                  pair.peer().startHandshake();
                }
                return true;
              });
      assertThat(reading.end()).isEqualTo("too many records without data");
      assertThat(asking.get(60, TimeUnit.SECONDS)).isTrue();
      assertThat(written).isNotDone();
    }
  }

  private static boolean probe(TlsEnd ours, AtomicInteger heard) throws Exception {
    return TlsRig.on(
        ours.conn(),
        () -> {
          boolean asked = ours.tls().probe(heard::incrementAndGet);
          return asked;
        });
  }

  @ParameterizedTest
  @EnumSource(TlsRig.Role.class)
  void probeIsAnsweredOnceAndNotNoticed(TlsRig.Role role) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, "TLSv1.3"))) {
      AtomicInteger heard = new AtomicInteger();
      pair.ours().read(1000);
      assertThat(probe(pair.ours(), heard)).isFalse(); // the handshake is not over
      TlsEnd.Reading reading = shake(pair);
      CompletableFuture<Integer> peer = Octets.beside(() -> pair.peer().getInputStream().read());
      for (int i = 1; i <= 20; i++) {
        int times = i;
        assertThat(probe(pair.ours(), heard)).isTrue();
        Awaitility.await().until(() -> heard.get() == times);
      }
      assertThat(reading.count()).isZero();
      assertThat(rig.held(pair.ours().conn())).isZero();
      assertThat(peer).isNotDone();
      pair.ours().send("x");
      assertThat(peer.get(60, TimeUnit.SECONDS)).isEqualTo('x');
      pair.peer().getOutputStream().write("yy".getBytes(StandardCharsets.US_ASCII));
      Awaitility.await().until(() -> reading.text().equals("yy"));
      assertThat(heard).hasValue(20);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsRig.Role.class)
  void probesDoNotDisturbTheData(TlsRig.Role role) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, "TLSv1.3"))) {
      AtomicInteger heard = new AtomicInteger();
      TlsEnd.Reading reading = shake(pair);
      CompletableFuture<String> written = pair.ours().write(4 * MIB, 1, TlsEnd.Ending.NONE, 30_000);
      CompletableFuture<String> read =
          Octets.beside(
              () -> {
                String hash = Octets.read(pair.peer().getInputStream(), 4 * MIB);
                assertThat(pair.peer().getInputStream().read())
                    .isEqualTo(-1); // which answers the probes that follow
                return hash;
              });
      CompletableFuture<String> sent =
          Octets.beside(() -> Octets.write(pair.peer().getOutputStream(), 4 * MIB, 2));
      for (int i = 1; i <= 30; i++) {
        int times = i;
        assertThat(probe(pair.ours(), heard)).isTrue();
        Awaitility.await().until(() -> heard.get() == times);
      }
      sent.get(60, TimeUnit.SECONDS);
      written.get(60, TimeUnit.SECONDS);
      pair.ours().shutdownWrites();
      assertThat(written.join()).isEqualTo(read.get(60, TimeUnit.SECONDS));
      pair.peer().shutdownOutput();
      assertThat(reading.hash()).isEqualTo(sent.join());
      assertThat(heard).hasValue(30);
    }
  }

  @Test
  void peerThatCannotBeProbedIsNotProbed() throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.2"))) {
      shake(pair);
      assertThat(probe(pair.ours(), new AtomicInteger())).isFalse();
    }
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3"))) {
      shake(pair);
      pair.ours().shutdownWrites();
      assertThatThrownBy(() -> probe(pair.ours(), new AtomicInteger()))
          .hasCauseInstanceOf(IOException.class);
    }
  }

  /** JSSE reads its limits once, so this takes another process. */
  @Test
  void jsseChangesKeysOnItsOwn() throws Exception {
    Path limits = directory.resolve("limits");
    Files.writeString(
        limits,
        "jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 2^18, ChaCha20-Poly1305 KeyUpdate 2^18\n");
    String classes =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    try (Program program =
        Program.start(
            directory,
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Djava.security.properties=" + limits,
            "-Djavax.net.debug=ssl:handshake",
            "-cp",
            classes,
            TlsKeyLimits.class.getName())) {
      assertThat(program.exitCode()).as(String.join("\n", tail(program.lines()))).isZero();
      assertThat(program.output()).contains("both done", "SERVER done", "CLIENT done");
      assertThat(program.lines().stream().filter(line -> line.contains(PRODUCED)))
          .hasSizeGreaterThan(80); // 4 MiB in each direction, one every 256 KiB at least
    }
  }

  private static List<String> tail(List<String> lines) {
    return lines.subList(Math.max(0, lines.size() - 40), lines.size());
  }
}
