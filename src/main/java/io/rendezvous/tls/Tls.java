package io.rendezvous.tls;

import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Layer;
import io.rendezvous.net.Network;
import io.rendezvous.tls.keys.TrustedCertificates;
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

/**
 * The one place where a connection becomes a TLS connection: TLS 1.3, and 1.2 with AEAD and ECDHE;
 * HTTP/1.1 is the only protocol offered. What comes out is a {@link TlsConnection}.
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

  private Tls() {}

  /**
   * Returns the layer for connections that this side accepts.
   *
   * @param context whose keys the caller may renew
   */
  public static Layer accepting(Network network, SSLContext context) {
    return accepting(context, network::runTlsTask, network.buffers());
  }

  static Layer accepting(SSLContext context, Executor tasks, BufferPool buffers) {
    SSLParameters parameters = parameters(context);
    return (socket, early) -> {
      SSLEngine engine = context.createSSLEngine();
      engine.setUseClientMode(false);
      engine.setSSLParameters(parameters);
      return new TlsConnection(socket, engine, tasks, buffers, early);
    };
  }

  /**
   * Returns the layer for connections that this side opens. Sessions are resumed by host and port.
   */
  public static Layer connecting(
      Network network, TrustedCertificates trust, String host, int port) {
    return connecting(
        trust.context(), network::runTlsTask, network.buffers(), host, port, trust.verifies());
  }

  /**
   * Returns the layer for connections that this side opens.
   *
   * @param verifyName whether the certificate has to name the host (RFC 9110, 4.3.4)
   */
  static Layer connecting(
      SSLContext context,
      Executor tasks,
      BufferPool buffers,
      String host,
      int port,
      boolean verifyName) {
    SSLParameters parameters = parameters(context);
    if (verifyName) {
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
    }
    serverName(host).ifPresent(name -> parameters.setServerNames(List.of(name)));
    return (socket, early) -> {
      SSLEngine engine = context.createSSLEngine(host, port);
      engine.setUseClientMode(true);
      engine.setSSLParameters(parameters);
      return new TlsConnection(socket, engine, tasks, buffers, early);
    };
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
  public static void prepareProcess() {
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

  private static SSLParameters parameters(SSLContext context) {
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
