package io.rendezvous.tls.keys;

import java.io.IOException;
import java.io.Reader;
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
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.X509TrustedCertificateBlock;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;

/**
 * Reads PEM files (RFC 7468) as people have them: with words between the blocks, EC parameters
 * before a key, several certificates, a key and its certificate together.
 */
final class Pem {
  private Pem() {}

  /**
   * Returns all certificates in a file, in their order.
   *
   * @throws IOException if there is none, or the file cannot be read
   */
  static List<X509Certificate> certificates(Path file) throws IOException {
    List<X509Certificate> certificates = new ArrayList<>();
    JcaX509CertificateConverter converter = new JcaX509CertificateConverter();
    try {
      for (Object block : blocks(file)) {
        if (block instanceof X509CertificateHolder holder) {
          certificates.add(converter.getCertificate(holder));
        } else if (block instanceof X509TrustedCertificateBlock trusted) {
          certificates.add(converter.getCertificate(trusted.getCertificateHolder()));
        }
      }
    } catch (CertificateException e) {
      throw new IOException("a certificate in " + file + " cannot be read", e);
    }
    if (certificates.isEmpty()) {
      throw new IOException("there is no PEM certificate in " + file);
    }
    return certificates;
  }

  /**
   * Returns the first private key in a file: PKCS#1, PKCS#8 or SEC1.
   *
   * @throws IOException if there is none, or the file cannot be read
   */
  static PrivateKey privateKey(Path file) throws IOException {
    JcaPEMKeyConverter converter = new JcaPEMKeyConverter();
    for (Object block : blocks(file)) {
      if (block instanceof PEMKeyPair pair) {
        return converter.getKeyPair(pair).getPrivate();
      }
      if (block instanceof PrivateKeyInfo info) {
        return converter.getPrivateKey(info);
      }
    }
    throw new IOException("there is no PEM private key without a passphrase in " + file);
  }

  private static List<Object> blocks(Path file) throws IOException {
    List<Object> blocks = new ArrayList<>();
    // The blocks are ASCII; what stands between them may be in any encoding.
    try (Reader reader = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1);
        PEMParser parser = new PEMParser(reader)) {
      for (Object block; (block = parser.readObject()) != null; ) {
        blocks.add(block);
      }
    } catch (NoSuchFileException e) {
      throw new IOException("there is no file " + file, e);
    } catch (AccessDeniedException e) {
      throw new IOException("no permission to read " + file, e);
    } catch (IOException | RuntimeException e) {
      throw new IOException(file + " cannot be read as PEM: " + e, e);
    }
    return blocks;
  }
}
