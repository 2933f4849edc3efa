package io.rendezvous.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Listener;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Program;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xnio.StreamConnection;
import org.xnio.conduits.AbstractStreamSourceConduit;
import org.xnio.conduits.StreamSourceConduit;

/** Our TLS with other implementations: OpenSSL, curl, Node, Go. */
class TlsProgramsIT {
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

  /** An interactive program. */
  private static final class Terminal implements Closeable {
    private final Process process;
    private final StringBuilder output = new StringBuilder(); // guarded by itself
    private final OutputStream in;

    Terminal(String... command) throws IOException {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
      in = process.getOutputStream();
      BufferedReader reader = process.inputReader(StandardCharsets.ISO_8859_1);
      Octets.beside(
              () -> {
                for (int octet; (octet = reader.read()) >= 0; ) {
                  synchronized (output) {
                    output.append((char) octet);
                  }
                }
                return true;
              })
          .isDone();
    }

    Terminal type(String line) throws IOException {
      in.write((line + "\n").getBytes(StandardCharsets.ISO_8859_1));
      in.flush();
      return this;
    }

    private String output() {
      synchronized (output) {
        return output.toString();
      }
    }

    /** Forgets the output so far. */
    Terminal forget() {
      synchronized (output) {
        output.setLength(0);
      }
      return this;
    }

    void await(String text) {
      Awaitility.await().untilAsserted(() -> assertThat(output()).contains(text));
    }

    int port(String before) {
      await(before);
      Awaitility.await().until(() -> output().indexOf('\n', output().indexOf(before)) > 0);
      String line = output().substring(output().indexOf(before)).lines().findFirst().orElseThrow();
      return Integer.parseInt(line.substring(line.lastIndexOf(':') + 1).strip());
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }

  private static boolean isThere(String program) {
    try {
      return new ProcessBuilder(program, "version").start().waitFor(20, TimeUnit.SECONDS);
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Sends back what arrives, in upper case so that it differs from what was typed. */
  private static void answer(TlsEnd end) throws Exception {
    Conn conn = end.conn();
    TlsRig.on(
        conn,
        () -> {
          conn.onReadable(() -> echo(conn));
          conn.resumeReads();
          return true;
        });
  }

  private static void echo(Conn conn) {
    conn.readEach(
        octets -> {
          try {
            for (int i = octets.position(); i < octets.limit(); i++) {
              octets.put(i, (byte) Character.toUpperCase(octets.get(i)));
            }
            conn.write(octets);
          } catch (IOException e) {
            conn.close();
          }
          return true;
        });
  }

  /** Something that makes a peer write. */
  private interface Prompt {
    void run() throws Exception;
  }

  /**
   * Probes the peer, and has it write. OpenSSL answers no sooner than that (its pull request 8773),
   * which is all that RFC 8446 demands; Go and JSSE answer at once.
   */
  private void probe(TlsEnd end, boolean atOnce, Prompt prompt) throws Exception {
    AtomicInteger heard = new AtomicInteger();
    assertThat(
            TlsRig.on(
                end.conn(),
                () -> {
                  boolean asked = end.tls().probe(heard::incrementAndGet);
                  return asked;
                }))
        .isTrue();
    if (atOnce) {
      Awaitility.await().until(() -> heard.get() == 1);
    }
    prompt.run();
    Awaitility.await().until(() -> heard.get() == 1);
    assertThat(rig.held(end.conn())).isZero();
  }

  @Test
  void opensslAsClientChangesKeysAndAnswersProbes() throws Exception {
    try (Terminal openssl =
        new Terminal("openssl", "s_client", "-connect", "127.0.0.1:" + rig.port(), "-tls1_3")) {
      TlsEnd ours = rig.accept(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3"));
      answer(ours);
      openssl.type("first").await("FIRST");
      openssl.type("K").await("KEYUPDATE");
      openssl.type("second").await("SECOND");
      openssl.forget().type("k").await("KEYUPDATE");
      openssl.type("third").await("THIRD");
      probe(ours, false, () -> openssl.type("fourth").await("FOURTH"));
      for (int i = 0; i < 3; i++) {
        openssl.forget().type("K").await("KEYUPDATE");
      }
      openssl.type("fifth").await("FIFTH");
      openssl.type("Q");
      Awaitility.await().until(() -> !ours.conn().isOpen());
      assertThat(ours.conn().isTruncated()).isFalse();
      assertThat(rig.held(ours.conn())).isZero();
    }
  }

  @Test
  void opensslAsServerChangesKeysAndAnswersProbes() throws Exception {
    Path keys = Keys.directory();
    try (Terminal openssl =
        new Terminal(
            "openssl",
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-tls1_3",
            "-cert",
            keys.resolve("registrar.crt").toString(),
            "-key",
            keys.resolve("registrar.key").toString())) {
      AtomicInteger reads = new AtomicInteger();
      TlsRig.Setup setup =
          TlsRig.Setup.of(TlsRig.Role.CLIENT, "TLSv1.3")
              .onSocket(socket -> countReads(socket, reads));
      TlsEnd ours = rig.dial(setup, openssl.port("ACCEPT "));
      TlsEnd.Reading reading = ours.read(1000);
      Awaitility.await().until(() -> ours.conn().isHandshaken());
      openssl.type("one");
      Awaitility.await().until(() -> reading.text().equals("one\n"));
      changeKeys(openssl, "K", reads);
      openssl.type("two");
      Awaitility.await().until(() -> reading.text().equals("one\ntwo\n"));
      probe(ours, false, () -> openssl.type("three"));
      Awaitility.await().until(() -> reading.text().equals("one\ntwo\nthree\n"));
      ours.send("hello server\n");
      openssl.await("hello server");
      changeKeys(openssl, "k", reads);
      openssl.type("four");
      Awaitility.await().until(() -> reading.text().equals("one\ntwo\nthree\nfour\n"));
      Awaitility.await().until(() -> rig.held(ours.conn()) == 0);
      openssl.type("Q");
      assertThat(reading.end()).isIn("end", "truncated"); // either is allowed
    }
  }

  /** A letter is a command only if it is read alone, so what is typed next has to wait. */
  private static void changeKeys(Terminal openssl, String how, AtomicInteger reads)
      throws IOException {
    int before = reads.get();
    openssl.type(how);
    Awaitility.await().until(() -> reads.get() > before);
  }

  /** Counts the reads of a socket that return something. */
  private static void countReads(StreamConnection socket, AtomicInteger reads) {
    StreamSourceConduit below = socket.getSourceChannel().getConduit();
    socket
        .getSourceChannel()
        .setConduit(
            new AbstractStreamSourceConduit<>(below) {
              @Override
              public int read(ByteBuffer into) throws IOException {
                int n = super.read(into);
                if (n > 0) {
                  reads.incrementAndGet();
                }
                return n;
              }
            });
  }

  @Test
  void renegotiationIsRefused() throws Exception {
    try (Terminal openssl =
        new Terminal(
            "openssl",
            "s_client",
            "-connect",
            "127.0.0.1:" + rig.port(),
            "-tls1_2",
            "-legacy_server_connect")) {
      TlsEnd ours = rig.accept(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.2"));
      TlsEnd.Reading reading = ours.readOnceAnEvent(1000);
      openssl.type("first");
      Awaitility.await().until(() -> reading.text().equals("first\n"));
      openssl.type("R").await("RENEGOTIATING");
      assertThat(reading.end()).contains("renegotiate");
      assertThat(reading.events()).isLessThan(6);
      assertThat(rig.held(ours.conn())).isZero();
      ours.conn().execute(ours.conn()::close);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"-tls1_3", "-tls1_2"})
  void opensslTransfersMuch(String version) throws Exception {
    String protocol = version.equals("-tls1_3") ? "TLSv1.3" : "TLSv1.2";
    Path file = directory.resolve("file");
    Path into = directory.resolve("into");
    String hash;
    try (OutputStream out = Files.newOutputStream(file)) {
      hash = Octets.write(out, 8 * MIB, 1);
    }
    String command =
        "openssl s_client -quiet -no_ign_eof -nocommands %s -connect 127.0.0.1:%d < %s > %s"
            .formatted(version, rig.port(), file, into);
    try (Program openssl = Program.start(directory, "sh", "-c", command)) {
      TlsEnd ours = rig.accept(TlsRig.Setup.of(TlsRig.Role.SERVER, protocol));
      CompletableFuture<String> written = ours.write(MIB, 2, TlsEnd.Ending.NONE, 30_000);
      TlsEnd.Reading reading = ours.read(40_000);
      assertThat(reading.hash()).isEqualTo(hash);
      assertThat(reading.end()).isEqualTo("end");
      assertThat(openssl.exitCode()).isZero();
      assertThat(written).isNotNull();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"1.3", "1.2"})
  void curlUploadsAndDownloads(String version) throws Exception {
    Path file = directory.resolve("file");
    try (OutputStream out = Files.newOutputStream(file)) {
      Octets.write(out, 8 * MIB, 1);
    }
    Listener listener =
        rig.network()
            .listen(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                Tls.accepting(rig.network(), Keys.server().context()),
                new Listener.Limits(10, 10),
                conn -> {
                  conn.startTls();
                  conn.onReadable(() -> answerCurl(conn));
                  conn.resumeReads();
                });
    try (listener;
        Program curl =
            Program.start(
                directory,
                "curl",
                "-sS",
                "--tlsv" + version,
                "--tls-max",
                version,
                "--cacert",
                Keys.directory().resolve("registrar-ca.crt").toString(),
                "-H",
                "Expect:",
                "-T",
                file.toString(),
                "https://localhost:" + listener.address().getPort() + "/")) {
      assertThat(curl.outputWhenDone()).isEqualTo("got it");
    }
  }

  /** Answers once the body has arrived, and ends the stream. */
  private static void answerCurl(Conn conn) {
    long[] left = LEFT.get();
    conn.readEach(
        octets -> {
          if (left[0] < 0) { // the first octets hold the head
            String head = StandardCharsets.ISO_8859_1.decode(octets.duplicate()).toString();
            left[0] = 8L * MIB + head.indexOf("\r\n\r\n") + 4;
          }
          left[0] -= octets.remaining();
          if (left[0] > 0) {
            return true;
          }
          left[0] = -1;
          try {
            conn.write(
                ByteBuffer.wrap(
                    "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ngot it"
                        .getBytes(StandardCharsets.US_ASCII)));
            conn.shutdownWrites();
            conn.flush();
          } catch (IOException e) {
            conn.close();
          }
          return true;
        });
  }

  /** Bytes left to read. There is one connection at a time, on one thread. */
  private static final ThreadLocal<long[]> LEFT = ThreadLocal.withInitial(() -> new long[] {-1});

  @Test
  void nodeAnswersProbes() throws Exception {
    Assumptions.assumeTrue(isThere("node"), "there is no Node");
    String script =
        "const s = require('tls').connect({port: %d, host: '127.0.0.1', rejectUnauthorized: false},"
                .formatted(rig.port())
            + " () => s.write('hello'));"
            + "s.on('data', d => s.end(d))";
    try (Program node = Program.start(directory, "node", "-e", script)) {
      probesAndEnd(false);
      assertThat(node.exitCode()).isZero();
    }
  }

  /** Probes a client that has sent "hello". It then sends "bye" back, and ends. */
  private void probesAndEnd(boolean atOnce) throws Exception {
    TlsEnd ours = rig.accept(TlsRig.Setup.of(TlsRig.Role.SERVER, "TLSv1.3"));
    TlsEnd.Reading reading = ours.read(1000);
    Awaitility.await().until(() -> reading.text().equals("hello"));
    probe(ours, atOnce, () -> ours.send("bye"));
    assertThat(reading.end()).isEqualTo("end");
    assertThat(reading.text()).isEqualTo("hellobye");
    ours.conn().execute(ours.conn()::close);
  }

  @Test
  @Tag("long")
  void goAnswersProbes() throws Exception {
    Assumptions.assumeTrue(isThere("go"), "there is no Go");
    Path program = directory.resolve("main.go");
    Files.writeString(
        program,
        """
        package main
        import "crypto/tls"
        func main() {
          c, err := tls.Dial("tcp", "127.0.0.1:%d", &tls.Config{InsecureSkipVerify: true})
          if err != nil { panic(err) }
          c.Write([]byte("hello"))
          b := make([]byte, 10)
          n, err := c.Read(b)
          if err != nil { panic(err) }
          c.Write(b[:n])
          c.Close()
        }
        """
            .formatted(rig.port()));
    Path binary = directory.resolve("client");
    try (Program build =
        Program.start(directory, "go", "build", "-o", binary.toString(), program.toString())) {
      build.outputWhenDone();
    }
    try (Program go = Program.start(directory, binary.toString())) {
      probesAndEnd(true);
      assertThat(go.outputWhenDone()).isEmpty();
    }
  }

  /** A client that sends nothing, or too little, is cut off after ten seconds. */
  @Test
  void handshakesHaveADeadline() throws Exception {
    List<Socket> clients = new ArrayList<>();
    BlockingQueue<Conn> accepted = new LinkedBlockingQueue<>();
    try (Listener listener =
        rig.network()
            .listen(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                Tls.accepting(rig.network(), Keys.server().context()),
                new Listener.Limits(10, 10),
                conn -> {
                  conn.startTls();
                  accepted.add(conn);
                  conn.onReadable(() -> echo(conn));
                  conn.resumeReads();
                })) {
      int port = listener.address().getPort();
      long begin = System.nanoTime();
      for (int octets : new int[] {0, 1, 5, 6}) {
        Socket client = new Socket("127.0.0.1", port);
        client.setSoTimeout(60_000);
        client.getOutputStream().write(new byte[] {22, 3, 1, 1, 0, 1}, 0, octets);
        clients.add(client);
      }
      try (Peer in = Peer.to(port).tls(Keys.trust())) { // this one has shaken hands, and stays
        for (Socket client : clients) {
          assertThat(Octets.untilItBreaks(client.getInputStream())).isEmpty();
          client.close();
        }
        assertThat(Duration.ofNanos(System.nanoTime() - begin))
            .isGreaterThan(Duration.ofSeconds(9));
        in.send("x");
        assertThat(in.read(1)).isEqualTo("X");
      }
      assertThat(accepted).hasSize(5);
    }
  }
}
