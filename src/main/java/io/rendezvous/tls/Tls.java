package io.rendezvous.tls;

import io.rendezvous.net.Layer;
import io.rendezvous.net.Network;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.security.Security;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;

/**
 * Makes the layers that put TLS on a connection: TLS 1.3, and TLS 1.2 with AEAD and ECDHE. HTTP/1.1
 * is the only application protocol that is offered. Any thread may call.
 */
public final class Tls {
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
   * Groups for key agreement (RFC 8446, 4.2.7), and the curves of certificates: those that every
   * implementation has. By default JSSE also accepts finite fields of up to 8192 bits, with which a
   * client costs a server tens of milliseconds for next to nothing.
   */
  private static final String GROUPS = "x25519, secp256r1, secp384r1, secp521r1";

  /** Algorithms that sign handshakes and certificates: none with SHA-1 (RFC 9155). */
  private static final String SIGNATURES =
      "ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, ecdsa_secp521r1_sha512, ed25519, ed448,"
          + " rsa_pss_rsae_sha256, rsa_pss_rsae_sha384, rsa_pss_rsae_sha512, rsa_pss_pss_sha256,"
          + " rsa_pkcs1_sha256, rsa_pkcs1_sha384, rsa_pkcs1_sha512";

  private Tls() {}

  /**
   * Returns the layer for connections that are accepted.
   *
   * @param context may be given another key and certificate at any time
   */
  public static Layer accepting(Network network, SSLContext context) {
    SSLParameters parameters = parameters(context);
    // HTTP/1.0 is served as well, and curl -0 offers nothing else.
    parameters.setApplicationProtocols(new String[] {"http/1.1", "http/1.0"});
    return (socket, early) -> {
      SSLEngine engine = context.createSSLEngine();
      engine.setUseClientMode(false);
      engine.setSSLParameters(parameters);
      return new TlsConnection(socket, engine, network::runTlsTask, network.buffers(), early);
    };
  }

  /**
   * Returns the layer for connections that are dialled. Sessions are resumed by host and port. If
   * certificates are verified, they have to name the host (RFC 9110, 4.3.4).
   */
  public static Layer connecting(
      Network network, TrustedCertificates trusted, String host, int port) {
    SSLContext context = trusted.context();
    SSLParameters parameters = parameters(context);
    if (trusted.verifies()) {
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
    }
    serverName(host).ifPresent(name -> parameters.setServerNames(List.of(name)));
    return (socket, early) -> {
      SSLEngine engine = context.createSSLEngine(host, port);
      engine.setUseClientMode(true);
      engine.setSSLParameters(parameters);
      return new TlsConnection(socket, engine, network::runTlsTask, network.buffers(), early);
    };
  }

  /**
   * Configures JSSE for the whole process. JSSE reads these properties once, when its classes load:
   * so this is called first, and only in a process of our own. A property that is set already is
   * kept, except that of the key limits. Short lists save memory too, since each connection keeps
   * some of them.
   *
   * <p>By default JSSE asks for new keys every 128 GiB. That limit is put out of reach. A peer that
   * reads and writes blocking sockets on two threads cannot answer while its write waits, and two
   * peers of that kind that are busy in both directions wait for each other without end.
   */
  public static void prepareProcess() {
    Security.setProperty(
        "jdk.tls.keyLimits", "AES/GCM/NoPadding KeyUpdate 2^62, ChaCha20-Poly1305 KeyUpdate 2^62");
    setUnlessSet("jdk.tls.rejectClientInitiatedRenegotiation", "true");
    setUnlessSet("jdk.tls.maxHandshakeMessageSize", "16384");
    setUnlessSet("jdk.tls.namedGroups", GROUPS);
    setUnlessSet("jdk.tls.server.SignatureSchemes", SIGNATURES);
    Security.insertProviderAt(new FastX25519(), 1);
  }

  private static void setUnlessSet(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  private static SSLParameters parameters(SSLContext context) {
    List<String> supported = Arrays.asList(context.getSupportedSSLParameters().getCipherSuites());
    SSLParameters parameters = new SSLParameters();
    parameters.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
    parameters.setCipherSuites(SUITES.stream().filter(supported::contains).toArray(String[]::new));
    parameters.setUseCipherSuitesOrder(true);
    parameters.setApplicationProtocols(new String[] {"http/1.1"});
    return parameters;
  }

  /** Returns the server name to send (RFC 6066, 3): none for an address or an invalid name. */
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
