package io.rendezvous.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Listener;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Soak;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * TLS that is started after the first octets of a connection were read: it reads those first, no
 * matter how much of the ClientHello they are.
 */
class EarlyOctetsTest {
  private static final int HEADER = 5;
  private static final int COUNT = 200_000;

  private TlsRig rig;

  @BeforeEach
  void start() throws Exception {
    rig = new TlsRig();
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  /** Returns the setup of a server whose client has no session to resume. */
  private static TlsRig.Setup setup(String version) {
    return TlsRig.Setup.of(TlsRig.Role.SERVER, version)
        .keys(new TlsRig.Keyring(TlsRig.ec().server(), Keys.trust()));
  }

  /** Returns whether the octets are a whole ClientHello. */
  private static boolean isWhole(byte[] first) {
    return new ClientHello().read(ByteBuffer.wrap(first)) == ClientHello.Progress.WHOLE;
  }

  /** Has a client shake hands, send four octets and read four. */
  private static CompletableFuture<String> talk(SSLSocket client) {
    return Octets.beside(
        () -> {
          client.getOutputStream().write("ping".getBytes(StandardCharsets.US_ASCII));
          return new String(client.getInputStream().readNBytes(4), StandardCharsets.US_ASCII);
        });
  }

  /** Asserts that the handshake succeeds, that data flows both ways, and that no buffer is held. */
  private void assertCarries(TlsEnd ours, CompletableFuture<String> client) throws Exception {
    TlsEnd.Reading reading = ours.read(100);
    Awaitility.await().until(() -> reading.text().equals("ping"));
    ours.send("pong");
    assertThat(client.get(60, TimeUnit.SECONDS)).isEqualTo("pong");
    assertThat(ours.conn().isHandshaken()).isTrue();
    assertThat(reading.hasEnded()).isFalse();
    assertThat(rig.held(ours.conn())).isZero();
  }

  /**
   * Connects a client, reads its first octets before TLS is started, and has both ends talk.
   *
   * @return how many octets were read before
   */
  private int connect(TlsRig.Setup setup, Predicate<byte[]> enough, String... protocols)
      throws Exception {
    int[] looked = new int[1];
    try (Socket raw = new Socket("127.0.0.1", rig.port());
        SSLSocket client = naming(TlsRig.peer(raw, setup, true), protocols)) {
      CompletableFuture<String> talk = talk(client);
      TlsEnd ours =
          rig.accept(
              setup,
              first -> {
                looked[0] = first.length;
                return enough.test(first);
              });
      assertCarries(ours, talk);
      ours.conn().execute(ours.conn()::close);
    }
    return looked[0];
  }

  private static SSLSocket naming(SSLSocket client, String... protocols) {
    SSLParameters parameters = client.getSSLParameters();
    parameters.setApplicationProtocols(protocols);
    client.setSSLParameters(parameters);
    return client;
  }

  /** A ClientHello is parsed before TLS is started with the layer of the listener. */
  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void helloThatWasReadWholeIsReadByTls(String version) throws Exception {
    ClientHello hello = new ClientHello();
    try (Listener listener =
            rig.network()
                .listen(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                    Tls.accepting(rig.network(), Keys.server().context()),
                    new Listener.Limits(10, 10),
                    conn -> look(conn, hello));
        SSLSocket client =
            (SSLSocket)
                Keys.trust()
                    .getSocketFactory()
                    .createSocket("localhost", listener.address().getPort())) {
      client.setSoTimeout(60_000);
      client.setEnabledProtocols(new String[] {version});
      SSLParameters parameters = client.getSSLParameters();
      parameters.setServerNames(List.of(new SNIHostName("localhost")));
      client.setSSLParameters(parameters);
      CompletableFuture<String> sent =
          Octets.beside(() -> Octets.write(client.getOutputStream(), COUNT, 1));
      assertThat(Octets.read(client.getInputStream(), COUNT))
          .isEqualTo(sent.get(60, TimeUnit.SECONDS));
      assertThat(client.getSession().getProtocol()).isEqualTo(version);
      assertThat(hello.serverName()).contains("localhost");
      assertThat(listener.counts().handshakes()).isEqualTo(1);
    }
  }

  private static void look(Conn conn, ClientHello hello) {
    assertThat(conn.awaitsTls()).isTrue();
    conn.onReadable(
        () ->
            conn.readEach(
                octets -> {
                  ByteBuffer first = octets.duplicate();
                  assertThat(hello.read(octets)).isEqualTo(ClientHello.Progress.WHOLE);
                  conn.unread(first);
                  conn.startTls();
                  assertThat(conn.awaitsTls()).isFalse();
                  assertThat(conn.isHandshaken()).isFalse();
                  conn.onReadable(() -> echo(conn));
                  conn.resumeReads();
                  return false;
                }));
    conn.resumeReads();
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

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void helloMayBeReadUpToAnyOfItsOctets(String version) throws Exception {
    int whole = connect(setup(version), EarlyOctetsTest::isWhole);
    // Wherever a header of the record or of the message may be cut, and then at steps.
    for (int cut = 1; cut <= whole; cut += cut < 12 ? 1 : Soak.isFull() ? 1 : 11) {
      int early = cut;
      TlsRig.Setup setup =
          setup(version).onSocket(socket -> TlsPieces.cutReads(socket, cutAfter(early)));
      assertThat(connect(setup, first -> true)).isEqualTo(early);
    }
  }

  /** Ends the first read there, after which the socket once seems to have nothing more. */
  private static TlsPieces.Knife cutAfter(int octets) {
    return position -> position == 0 ? octets : 1 << 20;
  }

  /** Returns so many protocols that a ClientHello is at least of that length. */
  private static String[] protocolsOf(int length) {
    String[] protocols = new String[length / 100 + 1];
    Arrays.setAll(protocols, i -> "x".repeat(96) + String.format("%03d", i));
    protocols[protocols.length - 1] = "http/1.1";
    return protocols;
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void helloMayBeLongerThanAPacket(String version) throws Exception {
    int packet = 1460;
    TlsRig.Setup setup =
        setup(version).onSocket(socket -> TlsPieces.cutReads(socket, TlsPieces.every(packet, 0)));
    String[] protocols = protocolsOf(10_000);
    assertThat(connect(setup, EarlyOctetsTest::isWhole, protocols)).isGreaterThan(10_000);
    assertThat(connect(setup, first -> first.length > 2 * packet, protocols)).isEqualTo(3 * packet);
  }

  /** A message of the handshake may have 16 KiB (protocol.md, 1.1). */
  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void helloMayHaveSixteenKibibytes(String version) throws Exception {
    String[] protocols = protocolsOf(15_500);
    assertThat(connect(setup(version), EarlyOctetsTest::isWhole, protocols)).isGreaterThan(15_500);
  }

  /** The octets that were read before exceed a buffer of the pool. */
  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void longerHelloIsRefused(String version) throws Exception {
    TlsRig.Setup setup = setup(version);
    try (Socket raw = new Socket("127.0.0.1", rig.port());
        SSLSocket client = naming(TlsRig.peer(raw, setup, true), protocolsOf(20_000))) {
      CompletableFuture<String> talk = talk(client);
      TlsEnd ours = rig.accept(setup, first -> first.length > 20_000);
      assertThat(ours.read(100).end()).contains("exceeds the maximum allowed size");
      assertThat(talk).failsWithin(20, TimeUnit.SECONDS);
      assertThat(rig.held(ours.conn())).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void helloMayBeSpreadOverTwoRecords(String version) throws Exception {
    for (int cut : new int[] {1, 3, 4, 5, 38, 100, 150}) {
      assertThat(connectByRecords(setup(version), EarlyOctetsTest::isWhole, cut))
          .as("whole, cut after octet %d", cut)
          .isTrue();
      Predicate<byte[]> firstRecord = first -> first.length >= HEADER + cut;
      TlsRig.Setup one =
          setup(version).onSocket(socket -> TlsPieces.cutReads(socket, cutAfter(HEADER + cut)));
      assertThat(connectByRecords(one, firstRecord, cut))
          .as("the first record only, cut after octet %d", cut)
          .isTrue();
    }
  }

  /** Connects a client whose ClientHello is split into two records on the way. */
  private boolean connectByRecords(TlsRig.Setup setup, Predicate<byte[]> enough, int cut)
      throws Exception {
    try (ServerSocket between = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Socket near = new Socket("127.0.0.1", between.getLocalPort());
        SSLSocket client = TlsRig.peer(near, setup, true);
        Socket far = between.accept();
        Socket raw = new Socket("127.0.0.1", rig.port())) {
      CompletableFuture<String> talk = talk(client);
      raw.getOutputStream().write(inTwo(readRecord(far), cut));
      CompletableFuture<Long> forth =
          Octets.beside(() -> far.getInputStream().transferTo(raw.getOutputStream()));
      CompletableFuture<Long> back =
          Octets.beside(() -> raw.getInputStream().transferTo(far.getOutputStream()));
      TlsEnd ours = rig.accept(setup, enough);
      assertCarries(ours, talk);
      ours.conn().execute(ours.conn()::close);
      return !forth.isCompletedExceptionally() && !back.isCompletedExceptionally();
    }
  }

  private static byte[] readRecord(Socket from) throws IOException {
    DataInputStream in = new DataInputStream(from.getInputStream());
    byte[] header = in.readNBytes(HEADER);
    byte[] record = Arrays.copyOf(header, HEADER + ByteBuffer.wrap(header).getShort(3));
    in.readFully(record, HEADER, record.length - HEADER);
    return record;
  }

  private static byte[] inTwo(byte[] record, int cut) {
    int length = record.length - HEADER;
    return ByteBuffer.allocate(record.length + HEADER)
        .put(record, 0, 3)
        .putShort((short) cut)
        .put(record, HEADER, cut)
        .put(record, 0, 3)
        .putShort((short) (length - cut))
        .put(record, HEADER + cut, length - cut)
        .array();
  }
}
