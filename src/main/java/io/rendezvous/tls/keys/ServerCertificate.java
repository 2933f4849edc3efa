package io.rendezvous.tls.keys;

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
import javax.net.ssl.SSLContext;
import javax.net.ssl.X509ExtendedKeyManager;
import nl.altindag.ssl.util.KeyManagerUtils;
import nl.altindag.ssl.util.SSLContextUtils;
import nl.altindag.ssl.util.TrustManagerUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificate and the key that the broker shows, read from PEM files of whatever form, and read
 * again when they change: new handshakes use the new pair; a broken one is refused, the old one
 * kept, and the log says so. A certificate of our own making is renewed a month before it ends.
 *
 * <p>{@link #check} is for one thread; the rest is for any.
 */
public final class ServerCertificate {
  private static final Logger LOG = LoggerFactory.getLogger(ServerCertificate.class);
  private static final Duration NEAR_ITS_END = Duration.ofDays(30);
  private static final Duration WARN_EVERY = Duration.ofDays(1);

  private final Path certificate;
  private final Path key;
  private final InstantSource clock;
  private final X509ExtendedKeyManager manager;
  private final SSLContext context;
  private volatile X509Certificate leaf;

  // Of the thread that checks.
  private String seen;
  private Instant warnAgainAt = Instant.MIN;

  private record Pair(PrivateKey key, List<X509Certificate> chain) {}

  /**
   * Reads the pair.
   *
   * @throws IOException if it cannot be used, with the reason
   */
  public ServerCertificate(Path certificate, Path key, InstantSource clock) throws IOException {
    this.certificate = certificate;
    this.key = key;
    this.clock = clock;
    this.seen = looks();
    Pair pair = read();
    this.leaf = pair.chain().get(0);
    this.manager = KeyManagerUtils.createSwappableKeyManager(managerOf(pair));
    // Clients are not asked for certificates, so there is nobody to trust.
    this.context =
        SSLContextUtils.createSslContext(
            List.of(manager), List.of(TrustManagerUtils.createDummyTrustManager()));
  }

  private static X509ExtendedKeyManager managerOf(Pair pair) {
    return KeyManagerUtils.createKeyManager(
        pair.key(), pair.chain().toArray(X509Certificate[]::new));
  }

  /** Returns what a listener needs. It shows the new pair when that has changed. */
  public SSLContext context() {
    return context;
  }

  /** Returns the host names and addresses that the certificate is for. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    try {
      Collection<List<?>> alternatives = leaf.getSubjectAlternativeNames();
      for (List<?> alternative : alternatives == null ? List.<List<?>>of() : alternatives) {
        if (alternative.get(1) instanceof String name) {
          names.add(name);
        }
      }
    } catch (CertificateParsingException e) {
      LOG.warn("The names in {} cannot be read: {}", certificate, e.getMessage());
    }
    return names;
  }

  /** Returns when the certificate ends. */
  public Instant end() {
    return leaf.getNotAfter().toInstant();
  }

  /** Reads the pair again if it has changed, and renews it if it is ours to renew. */
  public void check() {
    renewIfDue();
    String now = looks();
    if (now.equals(seen)) {
      return;
    }
    seen = now;
    try {
      Pair pair = read();
      KeyManagerUtils.swapKeyManager(manager, managerOf(pair));
      leaf = pair.chain().get(0);
      warnAgainAt = Instant.MIN;
      LOG.info("New connections are shown the new certificate from {}", certificate);
    } catch (IOException e) {
      LOG.error("The new certificate is not used, the old one is kept: {}", e.getMessage());
    }
  }

  private void renewIfDue() {
    Instant now = clock.instant();
    Instant end = end();
    if (now.isBefore(end.minus(NEAR_ITS_END)) || now.isBefore(warnAgainAt)) {
      return;
    }
    warnAgainAt = now.plus(WARN_EVERY);
    CertificateAuthority maker = new CertificateAuthority(certificate, key);
    if (!maker.isOfOurMaking()) {
      LOG.warn("The certificate in {} ends on {}; put a new pair in its place", certificate, end);
      return;
    }
    try {
      maker.make(names(), now);
      LOG.info("The certificate in {} was about to end, and was renewed", certificate);
    } catch (IOException e) {
      LOG.error("The certificate ends on {}, and was not renewed: {}", end, e.getMessage());
    }
  }

  /** Tells one state of the files from another. */
  private String looks() {
    StringBuilder looks = new StringBuilder();
    for (Path file : List.of(certificate, key)) {
      try {
        looks.append(Files.getLastModifiedTime(file)).append(Files.size(file));
      } catch (IOException e) {
        looks.append("missing");
      }
      looks.append('\n');
    }
    return looks.toString();
  }

  private Pair read() throws IOException {
    PrivateKey secret = Pem.privateKey(key);
    List<X509Certificate> all = new ArrayList<>(Pem.certificates(certificate));
    List<X509Certificate> chain = new ArrayList<>();
    Optional<X509Certificate> next = all.stream().filter(c -> belong(secret, c)).findFirst();
    if (next.isEmpty()) {
      throw new IOException("the key in " + key + " is not that of " + certificate);
    }
    // Whatever the order they are in, and whatever else is in the file.
    while (next.isPresent()) {
      X509Certificate last = next.get();
      chain.add(last);
      all.removeIf(last::equals);
      next =
          all.stream()
              .filter(c -> c.getSubjectX500Principal().equals(last.getIssuerX500Principal()))
              .findFirst();
    }
    return new Pair(secret, chain);
  }

  /** Whatever one signs, the other verifies. */
  private static boolean belong(PrivateKey secret, X509Certificate certificate) {
    String algorithm =
        switch (secret.getAlgorithm().toUpperCase(Locale.ROOT)) {
          case "RSA" -> "SHA256withRSA";
          case "EC", "ECDSA" -> "SHA256withECDSA";
          default -> secret.getAlgorithm();
        };
    try {
      byte[] text = {1, 2, 3};
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
