package io.rendezvous.tls.keys;

import io.rendezvous.net.FailureText;
import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * The certificates that are trusted when connections to one server are opened. It remembers why the
 * last certificate was refused, so that the owner of a connection that did not come about can say
 * so. Any thread may call.
 */
public final class TrustedCertificates {
  private final SSLContext context;
  private final boolean verifies;
  private final AtomicReference<@Nullable String> refusal = new AtomicReference<>();

  /**
   * Creates them.
   *
   * @param manager verifies certificates, or null if every certificate is trusted
   */
  private TrustedCertificates(@Nullable X509ExtendedTrustManager manager)
      throws GeneralSecurityException {
    this.verifies = manager != null;
    this.context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new Verifier(manager)}, null);
  }

  /**
   * Trusts the certificates of a text, or else those that Java trusts.
   *
   * @param pem one certificate or more
   * @throws IOException if there is none in it, or it cannot be read
   */
  public static TrustedCertificates in(Optional<String> pem) throws IOException {
    KeyStore trusted = null;
    try {
      if (pem.isPresent()) {
        trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        for (X509Certificate certificate :
            Pem.certificates(pem.get(), "the CA given by an option or by the provisioning file")) {
          trusted.setCertificateEntry("trusted" + trusted.size(), certificate);
        }
      }
      return new TrustedCertificates(managerOf(trusted));
    } catch (GeneralSecurityException e) {
      throw new IOException("the trusted certificates cannot be used: " + FailureText.of(e), e);
    }
  }

  /** Trusts every certificate, whatever host it is for. */
  public static TrustedCertificates all() {
    try {
      return new TrustedCertificates(null);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no TLS", e);
    }
  }

  /**
   * Returns the JDK's trust manager.
   *
   * @param trusted the certificates, or null for those that Java trusts
   */
  private static X509ExtendedTrustManager managerOf(@Nullable KeyStore trusted)
      throws GeneralSecurityException {
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(trusted);
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509ExtendedTrustManager extended) {
        return extended;
      }
    }
    throw new GeneralSecurityException("this Java has no trust manager for X.509");
  }

  /** Returns the context for connections to the server. */
  public SSLContext context() {
    return context;
  }

  /** Returns whether certificates are verified, and have to name the host. */
  public boolean verifies() {
    return verifies;
  }

  /** Returns why a certificate was refused since this was last called, if one was. */
  public Optional<String> takeRefusal() {
    return Optional.ofNullable(refusal.getAndSet(null));
  }

  /** Asks the JDK's trust manager, if there is one, and remembers why it refused a certificate. */
  private final class Verifier extends X509ExtendedTrustManager {
    private final @Nullable X509ExtendedTrustManager manager;

    Verifier(@Nullable X509ExtendedTrustManager manager) {
      this.manager = manager;
    }

    private interface Check {
      void by(X509ExtendedTrustManager manager) throws CertificateException;
    }

    private void verify(Check check) throws CertificateException {
      if (manager == null) {
        return;
      }
      try {
        check.by(manager);
      } catch (CertificateException e) {
        refusal.set(FailureText.of(e));
        throw e;
      }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      verify(by -> by.checkServerTrusted(chain, type, engine));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      verify(by -> by.checkServerTrusted(chain, type, socket));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      verify(by -> by.checkServerTrusted(chain, type));
    }

    // The context is for connections that are opened, so no client is ever verified.

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      throw new CertificateException("no client is trusted");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      throw new CertificateException("no client is trusted");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      throw new CertificateException("no client is trusted");
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return manager == null ? new X509Certificate[0] : manager.getAcceptedIssuers();
    }
  }
}
