package io.rendezvous.net;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.X509ExtendedTrustManager;
import nl.altindag.ssl.exception.GenericException;
import nl.altindag.ssl.pem.util.PemUtils;
import nl.altindag.ssl.util.SSLContextUtils;
import nl.altindag.ssl.util.TrustManagerUtils;

/** Whose certificates are believed when a connection is opened. */
public final class Trust {
  private Trust() {}

  /**
   * Returns a context that believes one authority, or those that Java believes.
   *
   * @param pem the authority's certificate
   * @throws IOException if it cannot be read
   */
  public static SSLContext in(Optional<String> pem) throws IOException {
    try {
      return context(
          pem.isPresent()
              ? PemUtils.parseTrustMaterial(pem.get())
              : TrustManagerUtils.createTrustManagerWithJdkTrustedCertificates());
    } catch (GenericException | IllegalArgumentException e) {
      throw new IOException("no PEM certificate can be read from what --ca or the file say", e);
    }
  }

  /** Returns a context that believes anybody, for tests. */
  public static SSLContext nothingVerified() {
    return context(TrustManagerUtils.createUnsafeTrustManager());
  }

  private static SSLContext context(X509ExtendedTrustManager manager) {
    return SSLContextUtils.createSslContext(List.of(), List.of(manager));
  }
}
