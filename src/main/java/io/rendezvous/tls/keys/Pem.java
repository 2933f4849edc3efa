package io.rendezvous.tls.keys;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.openssl.PEMEncryptedKeyPair;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.X509TrustedCertificateBlock;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;

/**
 * Reads PEM (RFC 7468) as people have it: with text between the blocks, EC parameters before a key,
 * several certificates, a key and its certificate together, a block on a single line.
 *
 * <p>Every {@link IOException} names the file, or whatever else the text is from.
 */
final class Pem {
  private Pem() {}

  /**
   * Returns all certificates in a file, in their order.
   *
   * @throws IOException if there is none, or the file cannot be read
   */
  static List<X509Certificate> certificates(Path file) throws IOException {
    return certificates(text(file), file.toString());
  }

  /**
   * Returns all certificates in a text, in their order.
   *
   * @param from what the text is from, for the messages
   * @throws IOException if there is none, or one cannot be read
   */
  static List<X509Certificate> certificates(String text, String from) throws IOException {
    List<X509Certificate> certificates = new ArrayList<>();
    JcaX509CertificateConverter converter = new JcaX509CertificateConverter();
    try {
      for (Object block : blocks(text, from)) {
        if (block instanceof X509CertificateHolder holder) {
          certificates.add(converter.getCertificate(holder));
        } else if (block instanceof X509TrustedCertificateBlock trusted) {
          certificates.add(converter.getCertificate(trusted.getCertificateHolder()));
        }
      }
    } catch (CertificateException e) {
      throw new IOException("a certificate in " + from + " cannot be read", e);
    }
    if (certificates.isEmpty()) {
      throw new IOException("there is no PEM certificate in " + from);
    }
    return certificates;
  }

  /**
   * Returns the first private key in a file: PKCS#1, PKCS#8 or SEC1, without a passphrase.
   *
   * @throws IOException if there is none, or the file cannot be read
   */
  static PrivateKey privateKey(Path file) throws IOException {
    JcaPEMKeyConverter converter = new JcaPEMKeyConverter();
    boolean encrypted = false;
    for (Object block : blocks(text(file), file.toString())) {
      try {
        if (block instanceof PEMKeyPair pair) {
          return converter.getKeyPair(pair).getPrivate();
        }
        if (block instanceof PrivateKeyInfo info) {
          return converter.getPrivateKey(info);
        }
      } catch (IOException e) {
        throw new IOException("the private key in " + file + " cannot be used: " + e, e);
      }
      encrypted |=
          block instanceof PEMEncryptedKeyPair || block instanceof PKCS8EncryptedPrivateKeyInfo;
    }
    throw new IOException(
        encrypted
            ? "the private key in " + file + " has a passphrase; one without is needed"
            : "there is no PEM private key in " + file);
  }

  private static String text(Path file) throws IOException {
    try {
      // The blocks are ASCII; the text between them may be in any encoding.
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      throw new IOException("there is no file " + file, e);
    } catch (AccessDeniedException e) {
      throw new IOException("no permission to read " + file, e);
    } catch (IOException e) {
      throw new IOException(file + " cannot be read: " + e, e);
    }
  }

  private static List<Object> blocks(String text, String from) throws IOException {
    List<Object> blocks = new ArrayList<>();
    try (PEMParser parser = new PEMParser(new StringReader(onLinesOfTheirOwn(text)))) {
      for (Object block; (block = parser.readObject()) != null; ) {
        blocks.add(block);
      }
    } catch (IOException | RuntimeException e) {
      throw new IOException(from + " cannot be read as PEM: " + e, e);
    }
    return blocks;
  }

  /** Puts the line that begins a block, and the one that ends it, on lines of their own. */
  private static String onLinesOfTheirOwn(String text) {
    return text.replaceAll("(-----BEGIN [^-\n]+-----)(?=.)", "$1\n")
        .replaceAll("(?<=.)(-----END [^-\n]+-----)", "\n$1");
  }
}
