package io.rendezvous.testing;

import io.rendezvous.tls.keys.CertificateAuthority;
import io.rendezvous.tls.keys.ServerCertificate;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;

/** One certificate for all tests of this process, made as a broker makes its own. */
public final class Keys {
  private static final Path DIRECTORY = make();

  private Keys() {}

  private static Path make() {
    try {
      Path directory = Files.createTempDirectory("rendezvous-test-keys");
      new CertificateAuthority(
              directory.resolve("registrar.crt"), directory.resolve("registrar.key"))
          .make(List.of("localhost", "127.0.0.1"), Instant.now());
      for (String file :
          List.of("registrar.crt", "registrar.key", "registrar-ca.crt", "registrar-ca.key")) {
        directory.resolve(file).toFile().deleteOnExit();
      }
      directory.toFile().deleteOnExit();
      return directory;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns where registrar.crt, registrar.key and registrar-ca.crt are. */
  public static Path directory() {
    return DIRECTORY;
  }

  /** Returns the pair as a server shows it. */
  public static ServerCertificate server() throws IOException {
    return new ServerCertificate(
        DIRECTORY.resolve("registrar.crt"),
        DIRECTORY.resolve("registrar.key"),
        InstantSource.system());
  }

  /** Returns what believes the pair. */
  public static TrustedCertificates trusted() {
    try {
      return TrustedCertificates.in(
          Optional.of(Files.readString(DIRECTORY.resolve("registrar-ca.crt"))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns what believes the pair, as sockets want it. */
  public static SSLContext trust() {
    return trusted().context();
  }

  private static Certificate authority() throws IOException, GeneralSecurityException {
    try (InputStream pem = Files.newInputStream(DIRECTORY.resolve("registrar-ca.crt"))) {
      return CertificateFactory.getInstance("X.509").generateCertificate(pem);
    }
  }

  /** Returns a store file that believes the pair, as {@code javax.net.ssl.trustStore} wants it. */
  public static Path trustStore(String password) throws IOException {
    Path file = DIRECTORY.resolve("trust.p12");
    file.toFile().deleteOnExit();
    try (OutputStream out = Files.newOutputStream(file)) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      store.setCertificateEntry("ca", authority());
      store.store(out, password.toCharArray());
    } catch (GeneralSecurityException e) {
      throw new IOException(e);
    }
    return file;
  }
}
