package io.rendezvous.tls.keys;

import io.rendezvous.config.AtomicFile;
import io.rendezvous.config.FileOwner;
import io.rendezvous.net.FailureText;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A certificate authority of the broker's own, which signs the broker's certificate. Its files are
 * beside that certificate; they are made when they are first needed. Hidden servers trust the
 * authority, so that they need not be touched when the certificate is renewed.
 *
 * <p>All keys are on P-256: a signature with RSA costs several times as much, in each handshake.
 * One thread at a time uses it; its methods read and write files.
 */
public final class CertificateAuthority {
  private static final Duration AUTHORITY_LIFE = Duration.ofDays(3653);
  private static final Duration CERTIFICATE_LIFE = Duration.ofDays(365);

  /** Time before its making from which a certificate is valid: clocks of devices may be behind. */
  private static final Duration BACKDATED = Duration.ofDays(1);

  private static final int MAX_COMMON_NAME = 64; // RFC 5280, ub-common-name

  private final Path certificate;
  private final Path key;
  private final Path authorityCertificate;
  private final Path authorityKey;

  /**
   * Creates the authority of a certificate and its key, whether or not any of the files exists.
   *
   * @param certificate file of the broker's certificate; those of the authority are beside it
   * @param key file of the broker's private key
   */
  public CertificateAuthority(Path certificate, Path key) {
    this.certificate = certificate;
    this.key = key;
    this.authorityCertificate = certificate.resolveSibling("registrar-ca.crt");
    this.authorityKey = certificate.resolveSibling("registrar-ca.key");
  }

  /** Returns the file of the authority's certificate, whether or not it exists. */
  public Path authority() {
    return authorityCertificate;
  }

  /** Returns whether the broker's certificate exists and was issued by this authority. */
  public boolean isIssuer() {
    if (!Files.exists(certificate) || !Files.exists(authorityCertificate)) {
      return false;
    }
    try {
      X509Certificate leaf = Pem.certificates(certificate).get(0);
      leaf.verify(Pem.certificates(authorityCertificate).get(0).getPublicKey());
      return true;
    } catch (GeneralSecurityException | IOException e) {
      return false;
    }
  }

  /**
   * Makes a certificate with a new key, and the authority if there is none. They replace a
   * certificate that this authority signed, and no other.
   *
   * @param names host names and addresses, the public one first
   * @throws IOException if they cannot be written, or would replace another's certificate
   */
  public void make(Collection<String> names, Instant now) throws IOException {
    if ((Files.exists(certificate) || Files.exists(key)) && !isIssuer()) {
      throw new IOException(
          certificate
              + " or "
              + key
              + " was not made by this program; move it away to have one made");
    }
    try {
      if (!Files.exists(authorityCertificate) || !Files.exists(authorityKey)) {
        makeAuthority(now);
      }
      makeCertificate(List.copyOf(names), now);
    } catch (GeneralSecurityException | OperatorCreationException e) {
      throw new IOException("the certificate could not be made: " + FailureText.of(e), e);
    }
  }

  private void makeAuthority(Instant now)
      throws IOException, GeneralSecurityException, OperatorCreationException {
    KeyPair pair = newPair();
    X500Name name = name("Rendezvous CA " + Long.toHexString(new SecureRandom().nextLong()));
    X509v3CertificateBuilder builder =
        builder(name, name, pair, now, AUTHORITY_LIFE)
            .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
            .addExtension(
                Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
    write(authorityKey, pem(pair.getPrivate()), true);
    write(authorityCertificate, pem(sign(builder, pair.getPrivate())), false);
  }

  private void makeCertificate(List<String> names, Instant now)
      throws IOException, GeneralSecurityException, OperatorCreationException {
    X509Certificate authority = Pem.certificates(authorityCertificate).get(0);
    PrivateKey signer = Pem.privateKey(authorityKey);
    KeyPair pair = newPair();
    X500Name issuer = X500Name.getInstance(authority.getSubjectX500Principal().getEncoded());
    JcaX509ExtensionUtils utils = new JcaX509ExtensionUtils();
    X509v3CertificateBuilder builder =
        builder(issuer, name(names.get(0)), pair, now, CERTIFICATE_LIFE)
            .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
            .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
            .addExtension(
                Extension.extendedKeyUsage,
                false,
                new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth))
            .addExtension(Extension.subjectAlternativeName, false, alternatives(names))
            .addExtension(
                Extension.authorityKeyIdentifier,
                false,
                utils.createAuthorityKeyIdentifier(authority));
    write(key, pem(pair.getPrivate()), true);
    write(certificate, pem(sign(builder, signer)) + pem(authority), false);
  }

  private static KeyPair newPair() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    return generator.generateKeyPair();
  }

  private static X500Name name(String commonName) {
    String cut = commonName.substring(0, Math.min(commonName.length(), MAX_COMMON_NAME));
    return new X500NameBuilder(BCStyle.INSTANCE).addRDN(BCStyle.CN, cut).build();
  }

  private static X509v3CertificateBuilder builder(
      X500Name issuer, X500Name subject, KeyPair pair, Instant now, Duration life)
      throws IOException, GeneralSecurityException {
    return new JcaX509v3CertificateBuilder(
            issuer,
            new BigInteger(127, new SecureRandom()),
            Date.from(now.minus(BACKDATED)),
            Date.from(now.plus(life)),
            subject,
            pair.getPublic())
        .addExtension(
            Extension.subjectKeyIdentifier,
            false,
            new JcaX509ExtensionUtils().createSubjectKeyIdentifier(pair.getPublic()));
  }

  private static X509Certificate sign(X509v3CertificateBuilder builder, PrivateKey signer)
      throws GeneralSecurityException, OperatorCreationException {
    return new JcaX509CertificateConverter()
        .getCertificate(
            builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(signer)));
  }

  private static GeneralNames alternatives(List<String> names) {
    return new GeneralNames(
        names.stream()
            .distinct()
            .map(
                n -> new GeneralName(isAddress(n) ? GeneralName.iPAddress : GeneralName.dNSName, n))
            .toArray(GeneralName[]::new));
  }

  private static boolean isAddress(String name) {
    return name.indexOf(':') >= 0 || name.matches("[0-9]+(\\.[0-9]+){3}");
  }

  private static String pem(Object object) throws IOException {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(object instanceof PrivateKey k ? new JcaPKCS8Generator(k, null) : object);
    }
    return text.toString();
  }

  private static void write(Path file, String text, boolean secret) throws IOException {
    FileOwner.createDirectoryOf(file);
    AtomicFile.write(file, text, secret ? "rw-------" : "rw-r--r--");
  }

  /** Returns the host names and addresses of this machine, those that others may know first. */
  public static Set<String> namesOfThisMachine() throws IOException {
    Set<String> names = new LinkedHashSet<>();
    InetAddress self = InetAddress.getLocalHost();
    for (String name : List.of(self.getCanonicalHostName(), self.getHostName())) {
      if (name.matches("(?!localhost)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")) {
        names.add(name);
      }
    }
    names.add("localhost");
    for (NetworkInterface card : Collections.list(NetworkInterface.getNetworkInterfaces())) {
      for (InetAddress address : Collections.list(card.getInetAddresses())) {
        if (!address.isLinkLocalAddress()) {
          names.add(address.getHostAddress().replaceFirst("%.*", ""));
        }
      }
    }
    names.add("127.0.0.1");
    names.add("0:0:0:0:0:0:0:1");
    return names;
  }
}
