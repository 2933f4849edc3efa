package io.rendezvous.tls.keys;

import io.rendezvous.net.FailureText;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificate and private key of the broker, read from PEM files, and read again when the files
 * change. New handshakes then use the new pair. If it cannot be used, the old one is kept and the
 * log says why. A certificate that our own {@link CertificateAuthority} signed is renewed 30 days
 * before it expires.
 *
 * <p>One thread calls {@link #check}; any thread may call the rest.
 */
public final class ServerCertificate {
  private static final Logger LOG = LoggerFactory.getLogger(ServerCertificate.class);
  private static final Duration RENEW_BEFORE_END = Duration.ofDays(30);
  private static final Duration WARN_EVERY = Duration.ofDays(1);

  private final Path certificate;
  private final Path key;
  private final InstantSource clock;
  private final ServerKeyManager manager;
  private final SSLContext context;

  // Of the thread that checks.
  private String fingerprint;
  private Instant warnAgainAt = Instant.MIN;

  /**
   * Reads the pair.
   *
   * @throws IOException if it cannot be used, with the reason
   */
  public ServerCertificate(Path certificate, Path key, InstantSource clock) throws IOException {
    this.certificate = certificate;
    this.key = key;
    this.clock = clock;
    this.fingerprint = fingerprintOfFiles(); // before they are read, so that no change is missed
    this.manager = new ServerKeyManager(read());
    this.context = contextOf(manager);
  }

  private static SSLContext contextOf(ServerKeyManager manager) {
    // Clients are not asked for certificates, so none are trusted.
    TrustManager[] none = {};
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(new KeyManager[] {manager}, none, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no TLS", e);
    }
  }

  /** Returns the context for connections that are accepted. It always uses the current pair. */
  public SSLContext context() {
    return context;
  }

  /** Returns the host names and addresses that the certificate is for. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    try {
      Collection<List<?>> alternatives = manager.current().leaf().getSubjectAlternativeNames();
      for (List<?> alternative : alternatives == null ? List.<List<?>>of() : alternatives) {
        if (alternative.get(1) instanceof String name) {
          names.add(name);
        }
      }
    } catch (CertificateParsingException e) {
      LOG.warn("The names in {} cannot be read: {}", certificate, FailureText.of(e));
    }
    return names;
  }

  /** Returns when the certificate expires. */
  public Instant end() {
    return manager.current().leaf().getNotAfter().toInstant();
  }

  /**
   * Renews the certificate if that is due, and reads the files again if they have changed. Call it
   * periodically; it reads and writes files.
   */
  public void check() {
    renewIfDue();
    String now = fingerprintOfFiles();
    if (now.equals(fingerprint)) {
      return;
    }
    fingerprint = now;
    try {
      manager.replace(read());
      warnAgainAt = Instant.MIN;
      LOG.info("New connections are shown the new certificate from {}", certificate);
    } catch (IOException e) {
      LOG.error("The new certificate is not used, the old one is kept: {}", FailureText.of(e));
    }
  }

  private void renewIfDue() {
    Instant now = clock.instant();
    Instant end = end();
    if (now.isBefore(end.minus(RENEW_BEFORE_END)) || now.isBefore(warnAgainAt)) {
      return;
    }
    warnAgainAt = now.plus(WARN_EVERY);
    CertificateAuthority authority = new CertificateAuthority(certificate, key);
    if (!authority.isIssuer()) {
      LOG.warn("The certificate in {} expires on {}; replace it and its key", certificate, end);
      return;
    }
    try {
      authority.make(names(), now);
      LOG.info("The certificate in {} was about to expire and has been renewed", certificate);
    } catch (IOException e) {
      LOG.error(
          "The certificate in {} expires on {} and could not be renewed: {}",
          certificate,
          end,
          FailureText.of(e));
    }
  }

  /** Returns what differs when a file has been replaced: the times and sizes of both. */
  private String fingerprintOfFiles() {
    StringBuilder fingerprint = new StringBuilder();
    for (Path file : List.of(certificate, key)) {
      try {
        fingerprint.append(Files.getLastModifiedTime(file)).append(Files.size(file));
      } catch (IOException e) {
        fingerprint.append("missing");
      }
      fingerprint.append('\n');
    }
    return fingerprint.toString();
  }

  /**
   * Reads the key, the certificate that belongs to it, and the chain of issuers as far as the file
   * has them. The certificates may be in any order, and others among them.
   */
  private ServerKeyManager.Pair read() throws IOException {
    PrivateKey secret = Pem.privateKey(key);
    List<X509Certificate> others = new ArrayList<>(Pem.certificates(certificate));
    List<X509Certificate> chain = new ArrayList<>();
    Optional<X509Certificate> next =
        others.stream().filter(c -> belongTogether(secret, c)).findFirst();
    if (next.isEmpty()) {
      throw new IOException("the key in " + key + " is not that of " + certificate);
    }
    while (next.isPresent()) {
      X509Certificate last = next.get();
      chain.add(last);
      others.removeIf(last::equals);
      next =
          others.stream()
              .filter(c -> c.getSubjectX500Principal().equals(last.getIssuerX500Principal()))
              .findFirst();
    }
    return new ServerKeyManager.Pair(secret, List.copyOf(chain));
  }

  /** Returns whether the public key of the certificate verifies what the private key signs. */
  private static boolean belongTogether(PrivateKey secret, X509Certificate certificate) {
    String algorithm =
        switch (secret.getAlgorithm().toUpperCase(Locale.ROOT)) {
          case "RSA" -> "SHA256withRSA";
          case "EC", "ECDSA" -> "SHA256withECDSA";
          default -> secret.getAlgorithm();
        };
    byte[] text = {1, 2, 3};
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(secret);
      signature.update(text);
      byte[] signed = signature.sign();
      signature.initVerify(certificate.getPublicKey());
      signature.update(text);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }
}
