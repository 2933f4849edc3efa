package io.rendezvous.tls;

import io.rendezvous.net.BufferPool;
import io.undertow.connector.ByteBufferPool;
import io.undertow.protocols.ssl.UndertowXnioSsl;
import java.security.Security;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;
import org.xnio.OptionMap;
import org.xnio.Options;
import org.xnio.StreamConnection;
import org.xnio.Xnio;
import org.xnio.ssl.SslConnection;

/**
 * The one place where a connection becomes a TLS connection: TLS 1.3, and 1.2 with AEAD and ECDHE;
 * HTTP/1.1 is the only protocol offered. What comes out reads and writes plaintext.
 *
 * <p>That is {@link TlsConnection}, or Undertow's conduit where the operator prefers it.
 */
final class Tls {
  private static final List<String> SUITES =
      List.of(
          "TLS_AES_128_GCM_SHA256",
          "TLS_AES_256_GCM_SHA384",
          "TLS_CHACHA20_POLY1305_SHA256",
          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
          "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
          "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
          "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
          "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
          "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256");

  /**
   * Groups to agree on a key in (RFC 8446, 4.2.7), and the curves of certificates: what everybody
   * has. By default JSSE also takes finite fields of up to 8192 bits, where a client that does next
   * to nothing costs a server tens of milliseconds.
   */
  private static final String GROUPS = "x25519, secp256r1, secp384r1, secp521r1";

  /** What signs a handshake, and the certificates: nothing with SHA-1 (RFC 9155). */
  private static final String SIGNATURES =
      "ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, ecdsa_secp521r1_sha512, ed25519, ed448,"
          + " rsa_pss_rsae_sha256, rsa_pss_rsae_sha384, rsa_pss_rsae_sha512, rsa_pss_pss_sha256,"
          + " rsa_pkcs1_sha256, rsa_pkcs1_sha384, rsa_pkcs1_sha512";

  /**
   * Who is dialled.
   *
   * @param host sessions are resumed by host and port
   */
  private record Server(String host, int port) {}

  /** Puts TLS on a socket. */
  private interface Layer {
    /**
     * Does it.
     *
     * @param server who is dialled, or null where this side is the server
     */
    SslConnection over(StreamConnection socket, @Nullable Server server, SSLParameters parameters);
  }

  private final Layer layer;
  private final String[] suites;
  private final SSLParameters acceptParameters;

  private Tls(SSLContext context, Layer layer) {
    this.layer = layer;
    List<String> supported = Arrays.asList(context.getSupportedSSLParameters().getCipherSuites());
    this.suites = SUITES.stream().filter(supported::contains).toArray(String[]::new);
    this.acceptParameters = parameters();
  }

  /**
   * Uses a context of the caller's, who may renew the keys behind it.
   *
   * @param tasks runs the costly parts of a handshake, off the I/O threads
   */
  static Tls of(SSLContext context, BufferPool buffers, Executor tasks) {
    return new Tls(
        context,
        (socket, server, parameters) -> {
          SSLEngine engine =
              server == null
                  ? context.createSSLEngine()
                  : context.createSSLEngine(server.host(), server.port());
          engine.setUseClientMode(server != null);
          engine.setSSLParameters(parameters);
          return new TlsConnection(socket, engine, tasks, buffers);
        });
  }

  /**
   * Does the same by Undertow's conduit, which cannot ask a peer whether it lives.
   *
   * @param records the pool for records, of heap buffers: JSSE would copy direct ones
   * @param tasks runs the costly parts of a handshake, off the I/O threads
   */
  static Tls ofUndertow(SSLContext context, ByteBufferPool records, Executor tasks) {
    UndertowXnioSsl ssl =
        new UndertowXnioSsl(Xnio.getInstance(), OptionMap.EMPTY, records, context, tasks);
    return new Tls(
        context,
        (socket, server, parameters) -> {
          OptionMap peer =
              server == null
                  ? OptionMap.EMPTY
                  : OptionMap.create(
                      Options.SSL_PEER_HOST_NAME,
                      server.host(),
                      Options.SSL_PEER_PORT,
                      server.port());
          SslConnection connection = ssl.wrapExistingConnection(socket, peer, server != null);
          UndertowXnioSsl.getSslEngine(connection).setSSLParameters(parameters);
          return connection;
        });
  }

  /**
   * Sets what JSSE is to do in the whole process. It reads that once, when its classes load, so
   * this comes first; and never in a process of others. Whoever started it may have said otherwise,
   * except of the keys. The lists are short for the memory's sake too: each connection keeps some.
   *
   * <p>By default JSSE asks for new keys every 128 GiB. That is put out of reach: a peer that reads
   * and writes on two threads of blocking sockets cannot answer while its write waits, and two such
   * peers, both ways busy, stand still for ever.
   */
  static void prepareProcess() {
    Security.setProperty(
        "jdk.tls.keyLimits", "AES/GCM/NoPadding KeyUpdate 2^62, ChaCha20-Poly1305 KeyUpdate 2^62");
    setUnlessSet("jdk.tls.rejectClientInitiatedRenegotiation", "true");
    setUnlessSet("jdk.tls.namedGroups", GROUPS);
    setUnlessSet("jdk.tls.server.SignatureSchemes", SIGNATURES);
    Security.insertProviderAt(new FastX25519(), 1);
  }

  private static void setUnlessSet(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  /**
   * Sets what Undertow's conduit needs besides. It takes more than 100 requests out of one record
   * for a loop; the smallest there are fill a record with some 600.
   */
  static void prepareForUndertow() {
    System.setProperty("io.undertow.ssl.max-read-listener-invocations", "10000");
  }

  /** Returns the connection with TLS on it, this side being the server. */
  SslConnection accept(StreamConnection socket) {
    return layer.over(socket, null, acceptParameters);
  }

  /**
   * Returns the connection with TLS on it, this side being the client. Sessions are resumed by host
   * and port.
   *
   * @param verifyName whether the certificate has to name the host (RFC 9110, 4.3.4)
   */
  SslConnection connect(StreamConnection socket, String host, int port, boolean verifyName) {
    SSLParameters parameters = parameters();
    if (verifyName) {
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
    }
    serverName(host).ifPresent(name -> parameters.setServerNames(List.of(name)));
    return layer.over(socket, new Server(host, port), parameters);
  }

  private SSLParameters parameters() {
    SSLParameters parameters = new SSLParameters();
    parameters.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
    parameters.setCipherSuites(suites);
    parameters.setUseCipherSuitesOrder(true);
    parameters.setApplicationProtocols(new String[] {"http/1.1"});
    return parameters;
  }

  /** Returns the host as TLS may name it: not an address, nor what no domain is called. */
  private static Optional<SNIServerName> serverName(String host) {
    if (host.indexOf(':') >= 0 || host.matches("[0-9.]+")) {
      return Optional.empty();
    }
    try {
      return Optional.of(new SNIHostName(host));
    } catch (IllegalArgumentException e) { // an underscore, a dot at the end
      return Optional.empty();
    }
  }
}
