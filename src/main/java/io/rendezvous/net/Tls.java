package io.rendezvous.net;

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
import javax.net.ssl.SSLParameters;
import org.xnio.OptionMap;
import org.xnio.Options;
import org.xnio.StreamConnection;
import org.xnio.Xnio;
import org.xnio.ssl.SslConnection;

/**
 * The one place where a connection becomes a TLS connection: TLS 1.3, and 1.2 with AEAD and ECDHE;
 * HTTP/1.1 is the only protocol offered. What comes out reads and writes plaintext.
 *
 * <p>Today that is Undertow's own conduit over JSSE. A faster one can take its place here.
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

  private final SSLContext context;
  private final UndertowXnioSsl ssl;

  /**
   * Uses a context of the caller's, who may renew the keys behind it.
   *
   * @param records the pool for records, of heap buffers: JSSE would copy direct ones
   * @param tasks runs the costly parts of a handshake, off the I/O threads
   */
  Tls(SSLContext context, ByteBufferPool records, Executor tasks) {
    this.context = context;
    this.ssl = new UndertowXnioSsl(Xnio.getInstance(), OptionMap.EMPTY, records, context, tasks);
  }

  /**
   * Sets what JSSE reads once, when its classes load; so this comes first in a process.
   *
   * <p>A KeyUpdate of our own breaks Undertow's conduit, and by default JSSE begins one every 128
   * GiB: the limits are put out of reach. A peer's KeyUpdate is no trouble. Renegotiation (TLS 1.2)
   * by the client is refused. And Undertow takes more than 100 requests out of one record for a
   * loop; the smallest there are fill a record with some 600.
   */
  static void prepareJsse() {
    Security.setProperty(
        "jdk.tls.keyLimits", "AES/GCM/NoPadding KeyUpdate 2^62, ChaCha20-Poly1305 KeyUpdate 2^62");
    System.setProperty("io.undertow.ssl.max-read-listener-invocations", "10000");
    System.setProperty("jdk.tls.rejectClientInitiatedRenegotiation", "true");
  }

  /** Returns the connection with TLS on it, this side being the server. */
  StreamConnection accept(StreamConnection socket) {
    SslConnection connection = ssl.wrapExistingConnection(socket, OptionMap.EMPTY, false);
    UndertowXnioSsl.getSslEngine(connection).setSSLParameters(parameters());
    return connection;
  }

  /**
   * Returns the connection with TLS on it, this side being the client. Sessions are resumed by host
   * and port.
   *
   * @param verifyName whether the certificate has to name the host (RFC 9110, 4.3.4)
   */
  StreamConnection connect(StreamConnection socket, String host, int port, boolean verifyName) {
    OptionMap peer =
        OptionMap.create(Options.SSL_PEER_HOST_NAME, host, Options.SSL_PEER_PORT, port);
    SslConnection connection = ssl.wrapExistingConnection(socket, peer, true);
    SSLParameters parameters = parameters();
    if (verifyName) {
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
    }
    serverName(host).ifPresent(name -> parameters.setServerNames(List.of(name)));
    UndertowXnioSsl.getSslEngine(connection).setSSLParameters(parameters);
    return connection;
  }

  private SSLParameters parameters() {
    List<String> supported = Arrays.asList(context.getSupportedSSLParameters().getCipherSuites());
    SSLParameters parameters = new SSLParameters();
    parameters.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
    parameters.setCipherSuites(SUITES.stream().filter(supported::contains).toArray(String[]::new));
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
