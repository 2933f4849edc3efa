package io.rendezvous.tls;

import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Octets;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;
import org.xnio.StreamConnection;

/**
 * Connections with our TLS at one end, in either role, and a blocking socket at the other. All of
 * our ends are on one I/O thread. The rig knows every buffer of its pool, and so finds those that
 * were not given back.
 */
final class TlsRig implements AutoCloseable {
  /** Small buffers of the pool: more than are ever in use at once. */
  private static final int MAX = 64;

  private static final Keyring EC = new Keyring(ecKeys(), Keys.trust());
  private static final Keyring RSA = rsaKeys();

  private final Network network;
  private final Listener listener;
  private final BlockingQueue<Conn> accepted = new LinkedBlockingQueue<>();
  private final List<TlsEnd> ends = new ArrayList<>();
  private final BufferPool buffers = new BufferPool(MAX);
  private final Set<ByteBuffer> small = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Set<ByteBuffer> large = Collections.newSetFromMap(new IdentityHashMap<>());

  /** A server with a certificate, and a client that trusts it. */
  record Keyring(SSLContext server, SSLContext client) {}

  /** Which end is ours. */
  enum Role {
    SERVER,
    CLIENT
  }

  /**
   * The properties of a connection.
   *
   * @param protocol the only version of TLS
   * @param suite the only cipher suite, or null for any
   * @param tasks runs the tasks of our engine
   * @param onSocket receives our socket before TLS is started
   * @param onEngine receives our engine before it is used
   */
  record Setup(
      Role role,
      String protocol,
      @Nullable String suite,
      Keyring keys,
      Executor tasks,
      Consumer<StreamConnection> onSocket,
      Consumer<SSLEngine> onEngine) {

    static Setup of(Role role, String protocol) {
      return new Setup(role, protocol, null, EC, TlsRig::runBeside, socket -> {}, engine -> {});
    }

    Setup with(Consumer<SSLEngine> then) {
      return onEngine(onEngine.andThen(then));
    }

    Setup suite(String only) {
      return new Setup(role, protocol, only, keys, tasks, onSocket, onEngine);
    }

    Setup keys(Keyring other) {
      return new Setup(role, protocol, suite, other, tasks, onSocket, onEngine);
    }

    Setup tasks(Executor other) {
      return new Setup(role, protocol, suite, keys, other, onSocket, onEngine);
    }

    Setup onSocket(Consumer<StreamConnection> then) {
      return new Setup(role, protocol, suite, keys, tasks, then, onEngine);
    }

    Setup onEngine(Consumer<SSLEngine> then) {
      return new Setup(role, protocol, suite, keys, tasks, onSocket, then);
    }
  }

  /** The two ends of a connection. */
  record Pair(TlsEnd ours, SSLSocket peer, Socket raw) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      raw.close();
      ours.conn().execute(ours.conn()::close);
    }
  }

  TlsRig() throws IOException {
    network = new Network("test", 1);
    listener =
        network.listen(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            null,
            new Listener.Limits(1000, 1000),
            accepted::add);
    for (int i = 0; i < MAX; i++) {
      small.add(ByteBuffer.allocate(BufferPool.SIZE));
    }
    for (int i = 0; i < MAX / 8; i++) {
      large.add(ByteBuffer.allocate(BufferPool.LARGE_SIZE));
    }
    small.forEach(buffers::give);
    large.forEach(buffers::give);
  }

  static Keyring ec() {
    return EC;
  }

  static Keyring rsa() {
    return RSA;
  }

  BufferPool buffers() {
    return buffers;
  }

  Network network() {
    return network;
  }

  int port() {
    return listener.address().getPort();
  }

  private static void runBeside(Runnable task) {
    Octets.beside(
            () -> {
              task.run();
              return true;
            })
        .isDone();
  }

  /** Connects both ends. Neither has shaken hands. */
  Pair open(Setup setup) throws Exception {
    if (setup.role() == Role.SERVER) {
      Socket raw = new Socket("127.0.0.1", port());
      return new Pair(accept(setup), peer(raw, setup, true), raw);
    }
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      TlsEnd ours = dial(setup, server.getLocalPort());
      Socket raw = server.accept();
      return new Pair(ours, peer(raw, setup, false), raw);
    }
  }

  /** Starts our TLS on the next connection that arrives. */
  TlsEnd accept(Setup setup) throws Exception {
    Conn raw = next();
    return on(
        raw,
        () -> {
          setup.onSocket().accept(raw.channel());
          return startTls(raw, setup);
        });
  }

  /**
   * Reads the first octets of the next connection that arrives, and then starts our TLS.
   *
   * @param enough returns whether the octets so far are enough
   */
  TlsEnd accept(Setup setup, Predicate<byte[]> enough) throws Exception {
    Conn raw = next();
    CompletableFuture<TlsEnd> started = new CompletableFuture<>();
    ByteArrayOutputStream first = new ByteArrayOutputStream();
    Predicate<ByteBuffer> look =
        octets -> {
          byte[] some = new byte[octets.remaining()];
          octets.get(some);
          first.writeBytes(some);
          if (!enough.test(first.toByteArray())) {
            return true;
          }
          raw.onReadable(null);
          raw.suspendReads();
          raw.unread(ByteBuffer.wrap(first.toByteArray()));
          started.complete(startTls(raw, setup));
          return false;
        };
    raw.execute(
        () -> {
          setup.onSocket().accept(raw.channel());
          raw.onReadable(() -> raw.readEach(look));
          raw.resumeReads();
        });
    return started.get(60, TimeUnit.SECONDS);
  }

  private Conn next() throws Exception {
    Conn raw = accepted.poll(60, TimeUnit.SECONDS);
    if (raw == null) {
      throw new IOException("no connection has arrived");
    }
    return raw;
  }

  /** Opens a connection with our TLS. */
  TlsEnd dial(Setup setup, int port) throws Exception {
    CompletableFuture<Conn> dialled = new CompletableFuture<>();
    network
        .dialer("127.0.0.1", port, null)
        .dial(
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
    Conn raw = dialled.get(60, TimeUnit.SECONDS);
    return on(
        raw,
        () -> {
          setup.onSocket().accept(raw.channel());
          return startTls(raw, setup);
        });
  }

  private TlsEnd startTls(Conn raw, Setup setup) {
    raw.startTls(
        (plain, early) -> new TlsConnection(plain, engine(setup), setup.tasks(), buffers, early));
    TlsEnd end = new TlsEnd(raw, (TlsConnection) raw.channel());
    ends.add(end);
    return end;
  }

  private static SSLEngine engine(Setup setup) {
    boolean server = setup.role() == Role.SERVER;
    SSLEngine engine =
        server
            ? setup.keys().server().createSSLEngine()
            : setup.keys().client().createSSLEngine("localhost", 1);
    engine.setUseClientMode(!server);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setProtocols(new String[] {setup.protocol()});
    String suite = setup.suite();
    if (suite != null) {
      parameters.setCipherSuites(new String[] {suite});
    }
    engine.setSSLParameters(parameters);
    setup.onEngine().accept(engine);
    return engine;
  }

  /** Returns the peer of a connection, which has not shaken hands. */
  static SSLSocket peer(Socket raw, Setup setup, boolean client) throws IOException {
    raw.setSoTimeout(60_000);
    raw.setTcpNoDelay(true);
    SSLContext context = client ? setup.keys().client() : setup.keys().server();
    SSLSocket ssl = (SSLSocket) context.getSocketFactory().createSocket(raw, "localhost", 1, false);
    ssl.setUseClientMode(client);
    ssl.setEnabledProtocols(new String[] {setup.protocol()});
    return ssl;
  }

  /** Runs a task on the I/O thread of a connection, and waits for its result. */
  static <T> T on(Conn conn, Callable<T> task) throws Exception {
    CompletableFuture<T> done = new CompletableFuture<>();
    conn.execute(
        () -> {
          try {
            done.complete(task.call());
          } catch (Exception | AssertionError e) {
            done.completeExceptionally(e);
          }
        });
    return done.get(60, TimeUnit.SECONDS);
  }

  /** Returns how many buffers are in use now, and asserts that none was given back twice. */
  int held(Conn any) throws Exception {
    return on(any, this::held);
  }

  private int held() {
    Set<ByteBuffer> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    for (int i = 0; i < MAX; i++) {
      see(seen, buffers.take());
    }
    for (int i = 0; i < MAX / 8; i++) {
      see(seen, buffers.takeLarge());
    }
    int held = 0;
    for (Set<ByteBuffer> mine : List.of(small, large)) {
      for (ByteBuffer buffer : mine) {
        if (seen.contains(buffer)) {
          buffers.give(buffer); // those that were allocated just now would replace buffers in use
        } else {
          held++;
        }
      }
    }
    return held;
  }

  private static void see(Set<ByteBuffer> seen, ByteBuffer buffer) {
    if (!seen.add(buffer)) {
      throw new AssertionError("a buffer was given back twice");
    }
  }

  @Override
  public void close() {
    network.close();
  }

  private static SSLContext ecKeys() {
    try {
      return Keys.server().context();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Keyring rsaKeys() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(2048);
      return keys(generator.generateKeyPair(), "SHA256withRSA");
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** Returns a server and a client for a pair of keys, with a self-signed certificate. */
  static Keyring keys(KeyPair pair, String algorithm) throws Exception {
    X500Name name = new X500Name("CN=localhost");
    Instant now = Instant.now();
    X509Certificate certificate =
        new JcaX509CertificateConverter()
            .getCertificate(
                new JcaX509v3CertificateBuilder(
                        name,
                        new BigInteger(64, new SecureRandom()),
                        Date.from(now.minusSeconds(86_400)),
                        Date.from(now.plusSeconds(86_400)),
                        name,
                        pair.getPublic())
                    .addExtension(
                        Extension.subjectAlternativeName,
                        false,
                        new GeneralNames(new GeneralName(GeneralName.dNSName, "localhost")))
                    .build(new JcaContentSignerBuilder(algorithm).build(pair.getPrivate())));
    KeyStore keys = KeyStore.getInstance("PKCS12");
    keys.load(null, null);
    keys.setKeyEntry("key", pair.getPrivate(), new char[0], new X509Certificate[] {certificate});
    KeyManagerFactory keyManagers = KeyManagerFactory.getInstance("SunX509");
    keyManagers.init(keys, new char[0]);
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("it", certificate);
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(trusted);
    SSLContext server = SSLContext.getInstance("TLS");
    server.init(keyManagers.getKeyManagers(), null, null);
    SSLContext client = SSLContext.getInstance("TLS");
    client.init(null, trust.getTrustManagers(), null);
    return new Keyring(server, client);
  }
}
