package io.rendezvous.tls.keys;

import java.io.IOException;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import nl.altindag.ssl.exception.GenericException;
import nl.altindag.ssl.pem.util.PemUtils;
import nl.altindag.ssl.util.SSLContextUtils;
import nl.altindag.ssl.util.TrustManagerUtils;
import org.jspecify.annotations.Nullable;

/**
 * Whose certificates are believed when connections are opened to one server. It remembers why the
 * last one was not, since Undertow's conduit merely closes the connection then. Any thread may
 * call.
 */
public final class TrustedCertificates {
  private final SSLContext context;
  private final boolean verifies;
  private final AtomicReference<@Nullable String> refusal = new AtomicReference<>();

  private TrustedCertificates(X509ExtendedTrustManager manager, boolean verifies) {
    this.verifies = verifies;
    this.context = SSLContextUtils.createSslContext(List.of(), List.of(new Witness(manager)));
  }

  /**
   * Believes one authority, or those that Java believes.
   *
   * @param pem the authority's certificate
   * @throws IOException if it cannot be read
   */
  public static TrustedCertificates in(Optional<String> pem) throws IOException {
    try {
      return new TrustedCertificates(
          pem.isPresent()
              ? PemUtils.parseTrustMaterial(pem.get())
              : TrustManagerUtils.createTrustManagerWithJdkTrustedCertificates(),
          true);
    } catch (GenericException | IllegalArgumentException e) {
      throw new IOException("no PEM certificate can be read from what --ca or the file say", e);
    }
  }

  /** Believes anybody, whatever name is in the certificate. */
  public static TrustedCertificates inAnybody() {
    return new TrustedCertificates(TrustManagerUtils.createUnsafeTrustManager(), false);
  }

  /** Returns what a client needs. */
  public SSLContext context() {
    return context;
  }

  /** Returns whether the certificate has to name the host. */
  public boolean verifies() {
    return verifies;
  }

  /** Returns why a certificate was not believed since this was last asked. */
  public Optional<String> takeRefusal() {
    return Optional.ofNullable(refusal.getAndSet(null));
  }

  private interface Check {
    void run() throws CertificateException;
  }

  private final class Witness extends X509ExtendedTrustManager {
    private final X509ExtendedTrustManager manager;

    Witness(X509ExtendedTrustManager manager) {
      this.manager = manager;
    }

    private void watch(Check check) throws CertificateException {
      try {
        check.run();
      } catch (CertificateException e) {
        refusal.set(e.getMessage());
        throw e;
      }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      watch(() -> manager.checkServerTrusted(chain, type, engine));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      watch(() -> manager.checkServerTrusted(chain, type, socket));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      watch(() -> manager.checkServerTrusted(chain, type));
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      manager.checkClientTrusted(chain, type, engine);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      manager.checkClientTrusted(chain, type, socket);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      manager.checkClientTrusted(chain, type);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return manager.getAcceptedIssuers();
    }
  }
}
