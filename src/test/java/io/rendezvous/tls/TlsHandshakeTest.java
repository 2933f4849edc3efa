package io.rendezvous.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.Listener;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Octets;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xnio.StreamConnection;
import org.xnio.conduits.AbstractStreamSourceConduit;
import org.xnio.conduits.StreamSourceConduit;

/** The TLS handshake: what it agrees on, how it fails, and what may happen meanwhile. */
class TlsHandshakeTest {
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

  private static CompletableFuture<String> shake(SSLSocket peer) {
    return Octets.beside(
        () -> {
          try {
            peer.startHandshake();
            return peer.getInputStream().read() < 0 ? "end" : "octets";
          } catch (IOException e) {
            return String.valueOf(e.getMessage());
          }
        });
  }

  private void assertNothingHeld(TlsEnd end) throws Exception {
    assertThat(rig.held(end.conn())).isZero();
  }

  /** Asserts that a handshake fails like that, and returns how it failed for the peer. */
  private String fails(TlsRig.Pair pair, String how) throws Exception {
    CompletableFuture<String> peer = shake(pair.peer());
    TlsEnd.Reading reading = pair.ours().readOnceAnEvent(100);
    assertThat(reading.end()).matches("(?s).*(" + how + ").*");
    String seen = peer.get(60, TimeUnit.SECONDS);
    assertThatThrownBy(() -> pair.ours().send("x")).hasCauseInstanceOf(SSLException.class);
    assertThat(pair.ours().conn().isHandshaken()).isFalse();
    assertThat(reading.events()).isLessThan(6);
    assertNothingHeld(pair.ours());
    return seen;
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void untrustedCertificateIsRefused(String version) throws Exception {
    TlsRig.Keyring wrong = new TlsRig.Keyring(TlsRig.rsa().server(), TlsRig.ec().client());
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(TlsRig.Role.CLIENT, version).keys(wrong))) {
      assertThat(fails(pair, "PKIX path")).contains("certificate_unknown");
    }
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(TlsRig.Role.SERVER, version).keys(wrong))) {
      assertThat(fails(pair, "certificate_unknown")).contains("PKIX path");
    }
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void certificatesOfEveryKindAreAccepted(TlsRig.Role role, String version) throws Exception {
    for (String curve : List.of("secp256r1", "secp384r1", "secp521r1")) {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec(curve));
      agree(role, version, TlsRig.keys(generator.generateKeyPair(), "SHA256withECDSA"));
    }
    agree(role, version, TlsRig.rsa());
    KeyPairGenerator ed25519 = KeyPairGenerator.getInstance("Ed25519");
    agree(role, version, TlsRig.keys(ed25519.generateKeyPair(), "Ed25519"));
  }

  private void agree(TlsRig.Role role, String version, TlsRig.Keyring keys) throws Exception {
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version).keys(keys))) {
      CompletableFuture<String> peer = shake(pair.peer());
      pair.ours().read(100);
      Awaitility.await().until(() -> pair.ours().conn().isHandshaken());
      pair.ours().shutdownWrites();
      assertThat(peer.get(60, TimeUnit.SECONDS)).isEqualTo("end");
    }
  }

  @ParameterizedTest
  @EnumSource(TlsRig.Role.class)
  void endsWithNothingInCommonFail(TlsRig.Role role) throws Exception {
    for (String[] versions : new String[][] {{"TLSv1.3", "TLSv1.2"}, {"TLSv1.2", "TLSv1.3"}}) {
      try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, versions[0]))) {
        pair.peer().setEnabledProtocols(new String[] {versions[1]});
        assertThat(fails(pair, "protocol|version|not enabled"))
            .containsPattern("protocol_version|not supported|not accepted|appropriate protocol");
      }
    }
    try (TlsRig.Pair pair =
        rig.open(TlsRig.Setup.of(role, "TLSv1.3").suite("TLS_AES_128_GCM_SHA256"))) {
      pair.peer().setEnabledCipherSuites(new String[] {"TLS_AES_256_GCM_SHA384"});
      assertThat(fails(pair, "handshake_failure|cipher suites in common"))
          .containsPattern("handshake_failure|cipher suites in common");
    }
  }

  /** Octets that are no valid handshake make it fail, whatever they are. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\u0000\u0000\u0000\u0000\u0000\u0000\u0000",
        "\u0016\u0003\u0001\u00ff\u00ff\u0001\u0000", // a record of 65535 octets
        "\u0016\u0003\u0001\u0000\u0004\u0001\u00ff\u00ff\u00ff" + "xxxxxxxxxxxxxxxxxx",
        "\u0017\u0003\u0003\u0000\u0005early", // application data
        "\u0014\u0003\u0003\u0000\u0001\u0001" + "\u0016\u0003\u0003\u0000\u0001\u0014",
        "\u0015\u0003\u0003\u0000\u0002\u0002\u0014", // an alert
      })
  void garbageEndsTheHandshake(String garbage) throws Exception {
    try (Socket raw = new Socket("127.0.0.1", rig.port())) {
      TlsEnd ours = rig.accept(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3"));
      TlsEnd.Reading reading = ours.readOnceAnEvent(100);
      raw.getOutputStream().write(garbage.getBytes(StandardCharsets.ISO_8859_1));
      assertThat(reading.end()).isNotEqualTo("end").isNotEqualTo("truncated");
      assertThat(reading.count()).isZero();
      assertThat(reading.events()).isLessThan(6);
      raw.getOutputStream().write(new byte[100_000]); // not read by anybody
      assertThatThrownBy(() -> ours.send("x")).hasCauseInstanceOf(SSLException.class);
      assertNothingHeld(ours);
      assertThat(reading.events()).isLessThan(6);
      ours.conn().execute(ours.conn()::close);
    }
  }

  /** Returns a ClientHello in records of one octet each, and all the rest in the last one. */
  private static byte[] helloIn(int records) throws Exception {
    byte[] hello = ClientHelloTest.of("home").getBytes(StandardCharsets.ISO_8859_1);
    ByteArrayOutputStream cut = new ByteArrayOutputStream();
    int header = 5;
    for (int i = 1; i <= records; i++) {
      int length = i < records ? 1 : hello.length - header - records + 1;
      cut.writeBytes(new byte[] {22, 3, 1, (byte) (length >> 8), (byte) length});
      cut.write(hello, header + i - 1, length);
    }
    return cut.toByteArray();
  }

  @ParameterizedTest
  @CsvSource({"1, true", "2, true", "64, true", "64, false", "65, true", "65, false", "200, true"})
  void messageOfTheHandshakeMayBeCutIntoFewRecordsOnly(int records, boolean inOnePiece)
      throws Exception {
    try (Socket raw = new Socket("127.0.0.1", rig.port())) {
      TlsEnd ours = rig.accept(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3"));
      TlsEnd.Reading reading = ours.readOnceAnEvent(100);
      raw.setTcpNoDelay(true);
      raw.setSoTimeout(60_000);
      byte[] hello = helloIn(records);
      int piece = inOnePiece ? hello.length : 1;
      for (int i = 0; i < hello.length; i += piece) {
        raw.getOutputStream().write(hello, i, piece);
      }
      if (records <= 64) {
        int handshakeRecord = 22;
        assertThat(raw.getInputStream().read()).isEqualTo(handshakeRecord);
      } else {
        assertThat(reading.end()).contains("a message of the handshake in too many records");
        assertNothingHeld(ours);
      }
      ours.conn().execute(ours.conn()::close);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsRig.Role.class)
  void peerThatEndsWithinTheHandshakeIsTruncatedAndAcceptsNothing(TlsRig.Role role)
      throws Exception {
    for (String words : List.of("", "\u0016\u0003", "\u0016\u0003\u0003\u0001\u0000xx")) {
      try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, "TLSv1.3"))) {
        AtomicInteger writable = new AtomicInteger();
        CompletableFuture<Boolean> refused = new CompletableFuture<>();
        Conn conn = pair.ours().conn();
        TlsEnd.Reading reading = pair.ours().readOnceAnEvent(100);
        conn.execute(
            () -> {
              conn.onWritable(
                  () -> {
                    writable.incrementAndGet();
                    try {
                      conn.write(ByteBuffer.allocate(1));
                    } catch (IOException e) {
                      conn.suspendWrites();
                      refused.complete(true);
                    }
                  });
              conn.resumeWrites();
            });
        pair.raw().getOutputStream().write(words.getBytes(StandardCharsets.ISO_8859_1));
        pair.raw().shutdownOutput();
        assertThat(reading.end()).isEqualTo("truncated");
        assertThat(refused.get(60, TimeUnit.SECONDS)).isTrue();
        assertThat(writable).hasValueLessThan(4);
        assertThat(reading.events()).isLessThan(4);
        assertNothingHeld(pair.ours());
      }
    }
  }

  /** Keeps the tasks of an engine until the test runs them. */
  private static final class HeldTasks {
    final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();

    Runnable next() throws InterruptedException {
      Runnable task = tasks.poll(60, TimeUnit.SECONDS);
      if (task == null) {
        throw new AssertionError("there is no task");
      }
      return task;
    }
  }

  /** Counts how often a socket is read. */
  private static void count(StreamConnection socket, AtomicInteger reads) {
    StreamSourceConduit below = socket.getSourceChannel().getConduit();
    socket
        .getSourceChannel()
        .setConduit(
            new AbstractStreamSourceConduit<>(below) {
              @Override
              public int read(ByteBuffer into) throws IOException {
                reads.incrementAndGet();
                return super.read(into);
              }
            });
  }

  @Test
  void socketIsNotReadWhileATaskRuns() throws Exception {
    HeldTasks held = new HeldTasks();
    AtomicInteger reads = new AtomicInteger();
    TlsRig.Setup setup =
        TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3")
            .tasks(held.tasks::add)
            .onSocket(socket -> count(socket, reads));
    try (TlsRig.Pair pair = rig.open(setup)) {
      CompletableFuture<String> peer = shake(pair.peer());
      TlsEnd.Reading reading = pair.ours().readOnceAnEvent(100);
      Runnable task = held.next();
      int before = reads.get();
      pair.raw().getOutputStream().write(new byte[100_000]); // not TLS
      for (int i = 0; i < 5; i++) {
        assertThat(TlsRig.on(pair.ours().conn(), () -> readOne(pair.ours()))).isZero();
      }
      // Another connection comes and goes, so the thread has looked at its sockets meanwhile.
      new Socket("127.0.0.1", rig.port()).close();
      rig.accept(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3")).conn().execute(() -> {});
      assertThat(reads).hasValue(before);
      assertThat(reading.events()).isLessThan(3);
      task.run();
      assertThat(reading.end()).isNotEqualTo("end").isNotEqualTo("truncated");
      assertThat(peer.get(60, TimeUnit.SECONDS)).isNotEqualTo("octets");
      assertNothingHeld(pair.ours());
    }
  }

  private static int readOne(TlsEnd end) throws IOException {
    return end.conn().read(ByteBuffer.allocate(1));
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void closeWhileATaskRunsIsTheEnd(TlsRig.Role role, String version) throws Exception {
    HeldTasks held = new HeldTasks();
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version).tasks(held.tasks::add))) {
      CompletableFuture<String> peer = shake(pair.peer());
      pair.ours().readOnceAnEvent(100);
      Runnable task = held.next();
      TlsRig.on(
          pair.ours().conn(),
          () -> {
            pair.ours().conn().close();
            return true;
          });
      task.run();
      TlsRig.on(pair.ours().conn(), () -> true); // what follows the task has run by now
      assertThat(peer.get(60, TimeUnit.SECONDS)).isNotEqualTo("octets");
      assertThat(held.tasks).isEmpty();
      assertNothingHeld(pair.ours());
    }
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void endOfWritesWhileATaskRunsEndsTheHandshake(TlsRig.Role role, String version)
      throws Exception {
    HeldTasks held = new HeldTasks();
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version).tasks(held.tasks::add))) {
      CompletableFuture<String> peer = shake(pair.peer());
      TlsEnd.Reading reading = pair.ours().readOnceAnEvent(100);
      Runnable task = held.next();
      pair.ours().shutdownWrites();
      task.run();
      while (!peer.isDone() || !reading.hasEnded()) {
        Runnable more = held.tasks.poll(5, TimeUnit.MILLISECONDS);
        if (more != null) {
          more.run();
        }
        TlsRig.on(pair.ours().conn(), () -> pair.ours().conn().flush());
        if (peer.isDone()) {
          pair.raw().close();
        }
      }
      assertThat(peer.get(60, TimeUnit.SECONDS)).isNotEqualTo("octets");
      assertThat(reading.end()).isNotNull();
      assertNothingHeld(pair.ours());
    }
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void endOfWritesBeforeTheHandshakeEndsIt(TlsRig.Role role, String version) throws Exception {
    for (boolean reading : new boolean[] {false, true}) {
      try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version))) {
        if (reading) {
          pair.ours().readOnceAnEvent(100); // so it has begun
          TlsRig.on(pair.ours().conn(), () -> true);
        }
        pair.ours().shutdownWrites();
        CompletableFuture<String> peer = shake(pair.peer());
        assertThat(peer.get(60, TimeUnit.SECONDS)).isNotEqualTo("octets");
        pair.raw().close();
        TlsEnd.Reading after = pair.ours().readOnceAnEvent(100);
        assertThat(after.end()).isNotNull();
        assertNothingHeld(pair.ours());
      }
    }
  }

  /** Trusts every certificate, once the test allows it. */
  private static final class SlowTrustManager implements X509TrustManager {
    final CompletableFuture<Boolean> asked = new CompletableFuture<>();
    final CompletableFuture<Boolean> may = new CompletableFuture<>();
    final AtomicInteger times = new AtomicInteger();

    SSLContext context() throws Exception {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {this}, null);
      return context;
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {
      throw new AssertionError();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {
      times.incrementAndGet();
      asked.complete(true);
      may.join();
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }

  /** A write that ends the handshake may read bytes after it. These are reported to the reader. */
  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void bytesThatAWriteHasReadAreReported(String version) throws Exception {
    SlowTrustManager trusting = new SlowTrustManager();
    TlsRig.Keyring keys = new TlsRig.Keyring(TlsRig.ec().server(), trusting.context());
    try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(TlsRig.Role.SERVER, version).keys(keys))) {
      TlsEnd.Reading reading = pair.ours().readOnceAnEvent(100);
      CompletableFuture<Boolean> sent = new CompletableFuture<>();
      CompletableFuture<Boolean> peer =
          Octets.beside(
              () -> {
                if (version.equals("TLSv1.2")) { // its handshake ends after ours
                  sent.complete(true);
                }
                pair.peer().startHandshake();
                pair.peer().getOutputStream().write("glued".getBytes(StandardCharsets.UTF_8));
                sent.complete(true);
                return pair.peer().getInputStream().read() == 'w';
              });
      assertThat(trusting.asked.get(60, TimeUnit.SECONDS)).isTrue();
      TlsRig.on(
          pair.ours().conn(),
          () -> {
            trusting.may.complete(true);
            sent.join();
            ByteBuffer octets = ByteBuffer.wrap(new byte[] {'w'});
            pair.ours().conn().write(octets);
            return octets.hasRemaining();
          });
      Awaitility.await().until(() -> reading.text().equals("glued"));
      if (version.equals("TLSv1.3")) {
        assertThat(peer.get(60, TimeUnit.SECONDS)).isTrue();
      }
    }
  }

  @ParameterizedTest
  @MethodSource(ROLES_AND_VERSIONS)
  void sessionsAreResumed(TlsRig.Role role, String version) throws Exception {
    SlowTrustManager trusting = new SlowTrustManager();
    trusting.may.complete(true);
    TlsRig.Keyring keys = new TlsRig.Keyring(TlsRig.ec().server(), trusting.context());
    for (int i = 0; i < 3; i++) {
      try (TlsRig.Pair pair = rig.open(TlsRig.Setup.of(role, version).keys(keys))) {
        TlsEnd.Reading reading = pair.ours().read(1000);
        CompletableFuture<Boolean> peer =
            Octets.beside(
                () -> {
                  pair.peer().getOutputStream().write('a');
                  return pair.peer().getInputStream().read() == 'b';
                });
        Awaitility.await().until(() -> reading.count() == 1);
        pair.ours().send("b");
        assertThat(peer.get(60, TimeUnit.SECONDS)).isTrue();
      }
    }
    assertThat(trusting.times).hasValue(1); // a resumed handshake has no certificate
  }

  private Listener listen(BlockingQueue<Conn> accepted) throws IOException {
    return rig.network()
        .listen(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            Tls.accepting(rig.network(), Keys.server().context()),
            new Listener.Limits(10, 10),
            conn -> {
              conn.startTls();
              accepted.add(conn);
              conn.onReadable(() -> echo(conn));
              conn.resumeReads();
            });
  }

  private static void echo(Conn conn) {
    conn.readEach(
        octets -> {
          try {
            conn.write(octets);
          } catch (IOException e) {
            conn.close();
          }
          return true;
        });
  }

  private static SSLSocket client(int port, String... protocols) throws IOException {
    SSLSocket client = (SSLSocket) Keys.trust().getSocketFactory().createSocket("127.0.0.1", port);
    client.setSoTimeout(60_000);
    SSLParameters parameters = client.getSSLParameters();
    parameters.setApplicationProtocols(protocols);
    client.setSSLParameters(parameters);
    return client;
  }

  @Test
  void http1IsTheOnlyApplicationProtocol() throws Exception {
    try (Listener listener = listen(new LinkedBlockingQueue<>())) {
      int port = listener.address().getPort();
      try (SSLSocket both = client(port, "h2", "http/1.1");
          SSLSocket old = client(port, "http/1.0");
          SSLSocket older = client(port, "http/1.0", "http/1.1");
          SSLSocket none = client(port);
          SSLSocket other = client(port, "h2")) {
        both.startHandshake();
        assertThat(both.getApplicationProtocol()).isEqualTo("http/1.1");
        old.startHandshake(); // as curl -0 does
        assertThat(old.getApplicationProtocol()).isEqualTo("http/1.0");
        older.startHandshake();
        assertThat(older.getApplicationProtocol()).isEqualTo("http/1.1");
        none.startHandshake();
        assertThat(none.getApplicationProtocol()).isEmpty();
        none.getOutputStream().write('x');
        assertThat(none.getInputStream().read()).isEqualTo('x');
        assertThatThrownBy(other::startHandshake).hasMessageContaining("no_application_protocol");
      }
    }
  }

  @Test
  void serverNameIsSentForNamesOnly() throws Exception {
    try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      assertThat(nameAskedOf(server, "localhost")).contains("localhost");
      assertThat(nameAskedOf(server, "127.0.0.1")).isEmpty();
    }
  }

  private Optional<String> nameAskedOf(ServerSocket server, String host) throws Exception {
    CompletableFuture<Conn> dialled = new CompletableFuture<>();
    rig.network()
        .dialer(
            host,
            server.getLocalPort(),
            Tls.connecting(rig.network(), Keys.trusted(), host, server.getLocalPort()))
        .dial(
            new Dialer.Result() {
              @Override
              public void opened(Conn conn) {
                conn.onReadable(() -> echo(conn));
                conn.resumeReads();
                dialled.complete(conn);
              }

              @Override
              public void failed(IOException reason) {
                dialled.completeExceptionally(reason);
              }
            });
    try (Socket raw = server.accept();
        SSLSocket ssl =
            (SSLSocket) Keys.server().context().getSocketFactory().createSocket(raw, null, false)) {
      ssl.setSoTimeout(60_000);
      ssl.setUseClientMode(false);
      ssl.startHandshake();
      ssl.getOutputStream().write('x');
      assertThat(ssl.getInputStream().read()).isEqualTo('x');
      Conn conn = dialled.get(60, TimeUnit.SECONDS);
      assertThat(conn.isHandshaken()).isTrue();
      conn.execute(conn::close);
      return ((ExtendedSSLSession) ssl.getSession())
          .getRequestedServerNames().stream()
              .map(name -> new String(name.getEncoded(), StandardCharsets.US_ASCII))
              .findFirst();
    }
  }

  @Test
  void networkMayEndWithinAHandshake() throws Exception {
    for (int i = 0; i < 5; i++) {
      TlsRig short1 = new TlsRig();
      HeldTasks held = new HeldTasks();
      TlsRig.Pair in = short1.open(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3"));
      TlsRig.Pair inTask =
          short1.open(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3").tasks(held.tasks::add));
      in.ours().read(100);
      inTask.ours().read(100);
      CompletableFuture<String> peer = shake(inTask.peer());
      Runnable task = held.next();
      short1.close();
      task.run();
      assertThat(peer.get(60, TimeUnit.SECONDS)).isNotEqualTo("octets");
      in.raw().setSoTimeout(60_000);
      try {
        assertThat(in.raw().getInputStream().read()).isEqualTo(-1);
      } catch (SocketTimeoutException e) {
        throw e;
      } catch (IOException e) {
        // It was reset.
      }
    }
  }
}
