package io.rendezvous.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.BufferPool;
import io.rendezvous.testing.Octets;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.xnio.StreamConnection;

/** Transfers between our TLS and sockets of JSSE: all bytes arrive, however the stream is cut. */
class TlsTransferTest {
  private static final int MIB = 1024 * 1024;
  private static final String[] VERSIONS = {"TLSv1.3", "TLSv1.2"};

  private TlsRig rig;

  @BeforeEach
  void start() throws Exception {
    rig = new TlsRig();
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  static Stream<Arguments> rolesAndVersions() {
    return Stream.of(TlsRig.Role.values())
        .flatMap(role -> Stream.of(VERSIONS).map(version -> Arguments.of(role, version)));
  }

  static Stream<Arguments> suites() {
    List<Arguments> all = new ArrayList<>();
    for (TlsRig.Role role : TlsRig.Role.values()) {
      for (String suite :
          List.of(
              "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")) {
        all.add(Arguments.of(role, "TLSv1.3", suite, TlsRig.ec()));
        all.add(Arguments.of(role, "TLSv1.3", suite, TlsRig.rsa()));
      }
      for (String cipher :
          List.of("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256")) {
        all.add(Arguments.of(role, "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_" + cipher, TlsRig.ec()));
        all.add(Arguments.of(role, "TLSv1.2", "TLS_ECDHE_RSA_WITH_" + cipher, TlsRig.rsa()));
      }
    }
    return all.stream();
  }

  /** Has the peer send that many bytes and end, while it reads as many, and the end. */
  private static CompletableFuture<List<String>> exchange(SSLSocket peer, long count, long seed) {
    return Octets.beside(
        () -> {
          peer.startHandshake();
          CompletableFuture<String> sent =
              Octets.beside(() -> Octets.write(peer.getOutputStream(), count, seed));
          String read = Octets.read(peer.getInputStream(), count);
          String written = sent.join();
          peer.shutdownOutput();
          return List.of(written, read, Integer.toString(peer.getInputStream().read()));
        });
  }

  private void bothWays(TlsRig.Setup setup, long count, int[] reads, int[] writes)
      throws Exception {
    try (TlsRig.Pair pair = rig.open(setup)) {
      CompletableFuture<List<String>> peer = exchange(pair.peer(), count, 1);
      TlsEnd.Reading reading = pair.ours().read(reads);
      String written =
          pair.ours().write(count, 2, TlsEnd.Ending.NONE, writes).get(60, TimeUnit.SECONDS);
      assertThat(reading.hash()).isEqualTo(firstOf(peer, pair));
      assertThat(peer.get().get(1)).isEqualTo(written);
      assertThat(peer.get().get(2)).isEqualTo("-1");
      assertThat(reading.end()).isEqualTo("end");
      assertThat(reading.count()).isEqualTo(count);
      assertThat(rig.held(pair.ours().conn())).isZero();
    }
    assertThat(rig.network()).isNotNull();
  }

  /** Ends our stream, which the peer waits for, and returns the hash of what it sent. */
  private static String firstOf(CompletableFuture<List<String>> peer, TlsRig.Pair pair)
      throws Exception {
    pair.ours().shutdownWrites();
    return peer.get(60, TimeUnit.SECONDS).get(0);
  }

  @ParameterizedTest
  @MethodSource("suites")
  void everySuiteTransfersBothWays(
      TlsRig.Role role, String version, String suite, TlsRig.Keyring keys) throws Exception {
    bothWays(
        TlsRig.Setup.of(role, version).suite(suite).keys(keys),
        300_000,
        new int[] {BufferPool.SIZE},
        new int[] {BufferPool.SIZE});
  }

  @ParameterizedTest
  @MethodSource("rolesAndVersions")
  void everySizeArrives(TlsRig.Role role, String version) throws Exception {
    for (int count : new int[] {0, 1, 16_383, 16_384, 16_385, 32_768, 32_769, MIB}) {
      bothWays(
          TlsRig.Setup.of(role, version), count, new int[] {BufferPool.SIZE}, new int[] {1 << 20});
    }
  }

  @ParameterizedTest
  @MethodSource("rolesAndVersions")
  void buffersMayHaveAnySize(TlsRig.Role role, String version) throws Exception {
    int[][] all = {
      {1},
      {7},
      {8},
      {16_384},
      {BufferPool.SIZE},
      {2 * 16_384},
      {BufferPool.LARGE_SIZE},
      {1 << 20},
      {1, 7, 16_384, 100_000},
      {16_384, 1, 0, 8},
    };
    for (int[] sizes : all) {
      bothWays(TlsRig.Setup.of(role, version), sizes[0] < 10 ? 20_000 : 300_000, sizes, sizes);
    }
  }

  private static TlsRig.Setup cut(
      TlsRig.Role role, String version, TlsPieces.Knife in, TlsPieces.Knife out) {
    Consumer<StreamConnection> both =
        socket -> {
          TlsPieces.cutReads(socket, in);
          TlsPieces.cutWrites(socket, out);
        };
    return TlsRig.Setup.of(role, version).onSocket(both);
  }

  @ParameterizedTest
  @MethodSource("rolesAndVersions")
  void streamMayArriveOctetByOctet(TlsRig.Role role, String version) throws Exception {
    TlsPieces.Knife knife = position -> 1;
    bothWays(cut(role, version, knife, knife), 20_000, new int[] {100}, new int[] {10_000});
  }

  /** In one of the rounds, the stream is cut after each of its octets. */
  @ParameterizedTest
  @MethodSource("rolesAndVersions")
  void streamMayBeCutAnywhere(TlsRig.Role role, String version) throws Exception {
    int rounds = 61;
    for (int rest = 0; rest < rounds; rest++) {
      TlsPieces.Knife knife = TlsPieces.every(rounds, rest);
      bothWays(cut(role, version, knife, knife), 200, new int[] {1000}, new int[] {150});
    }
  }

  @ParameterizedTest
  @MethodSource("rolesAndVersions")
  void streamMayBeCutAtRandom(TlsRig.Role role, String version) throws Exception {
    for (long seed = 1; seed <= 8; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      int max = 1 << 2 + random.nextInt(15);
      int[] reads = {1 + random.nextInt(50_000), 1 + random.nextInt(50_000)};
      int[] writes = {1 + random.nextInt(50_000)};
      bothWays(
          cut(role, version, TlsPieces.random(seed, max), TlsPieces.random(-seed, max)),
          Math.min(max * 100, 300_000),
          reads,
          writes);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsRig.Role.class)
  void readerAtRandomReceivesAll(TlsRig.Role role) throws Exception {
    for (long seed = 1; seed <= 30; seed++) {
      TlsRig.Setup setup =
          cut(role, VERSIONS[(int) seed % 2], TlsPieces.random(seed, 30_000), position -> 100_000);
      try (TlsRig.Pair pair = rig.open(setup)) {
        long octets = 10_000 * seed;
        long given = seed;
        CompletableFuture<String> sent =
            Octets.beside(
                () -> {
                  String hash = Octets.write(pair.peer().getOutputStream(), octets, given);
                  pair.peer().shutdownOutput();
                  return hash;
                });
        TlsEnd.Reading reading = pair.ours().readAtRandom(seed);
        assertThat(reading.hash()).as("seed %d", seed).isEqualTo(sent.get(60, TimeUnit.SECONDS));
        assertThat(rig.held(pair.ours().conn())).as("seed %d", seed).isZero();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("rolesAndVersions")
  void peerThatDoesNotReadStopsOurWrites(TlsRig.Role role, String version) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
      CompletableFuture<Boolean> shaken =
          Octets.beside(
              () -> {
                pair.peer().startHandshake();
                return true;
              });
      pair.ours().read(100);
      CompletableFuture<String> written =
          pair.ours().write(64 * MIB, 3, TlsEnd.Ending.CLOSE_NOTIFY, 1 << 20);
      shaken.get(60, TimeUnit.SECONDS);
      Awaitility.await().until(() -> rig.held(pair.ours().conn()) == 1); // the records that wait
      InputStream in = pair.peer().getInputStream();
      String read = Octets.read(in, 64 * MIB);
      assertThat(read).isEqualTo(written.get(60, TimeUnit.SECONDS));
      assertThat(in.read()).isEqualTo(-1);
      assertThat(rig.held(pair.ours().conn())).isZero();
    }
  }

  @Test
  void handshakeAndDataMayArriveTogether() throws Exception {
    for (String version : VERSIONS) {
      for (TlsRig.Role role : TlsRig.Role.values()) {
        try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
          CompletableFuture<Boolean> peer =
              Octets.beside(
                  () -> {
                    pair.peer().startHandshake();
                    pair.peer()
                        .getOutputStream()
                        .write("at once".getBytes(StandardCharsets.US_ASCII));
                    pair.peer().shutdownOutput();
                    return true;
                  });
          TlsEnd.Reading reading = pair.ours().readOnceAnEvent(3);
          assertThat(reading.end()).isEqualTo("end");
          assertThat(reading.text()).isEqualTo("at once");
          assertThat(peer.get(60, TimeUnit.SECONDS)).isTrue();
          assertThat(rig.held(pair.ours().conn())).isZero();
        }
      }
    }
  }
}
