package io.rendezvous.tls.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.tls.Handshake;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Certificates and keys as people make them, with openssl, and as our authority makes them. */
class ServerCertificateTest {
  @TempDir private Path directory;
  private Path certificate;
  private Path key;
  private Instant now = Instant.parse("2026-06-01T00:00:00Z");

  @BeforeEach
  void paths() {
    certificate = directory.resolve("registrar.crt");
    key = directory.resolve("registrar.key");
  }

  private ServerCertificate read() throws IOException {
    return new ServerCertificate(certificate, key, InstantSource.fixed(now));
  }

  private void openssl(String arguments) throws Exception {
    Process process =
        new ProcessBuilder(("openssl " + arguments).split(" ", -1))
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "PKCS#1 RSA, genrsa -traditional -out registrar.key 2048",
    "PKCS#8 RSA, genpkey -algorithm RSA -out registrar.key",
    "SEC1 EC with parameters, ecparam -name prime256v1 -genkey -out registrar.key",
    "SEC1 EC, ecparam -name secp384r1 -genkey -noout -out registrar.key",
    "PKCS#8 EC, genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out registrar.key",
  })
  void keyIsReadInEveryFormat(String form, String command) throws Exception {
    openssl(command);
    openssl(
        "req -x509 -new -key registrar.key -subj /CN=x -addext subjectAltName=DNS:b.example,IP:192.0.2.1 -out registrar.crt");
    assertThat(read().names()).as(form).containsExactly("b.example", "192.0.2.1");
  }

  @ParameterizedTest
  @CsvSource({
    "ecparam -name prime256v1 -genkey -noout",
    "ecparam -name secp384r1 -genkey -noout",
    "ecparam -name secp521r1 -genkey -noout",
    "genrsa",
    "genpkey -algorithm Ed25519",
  })
  void certificateOfEveryKindIsShown(String command) throws Exception {
    openssl(command + " -out registrar.key");
    openssl("req -x509 -new -key registrar.key -subj /CN=b.example -out registrar.crt");
    SSLContext context = read().context();
    for (String version : List.of("TLSv1.3", "TLSv1.2")) {
      assertThat(subject(shown(context, version))).isEqualTo("CN=b.example");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "genrsa -traditional -aes128 -passout pass:secret",
    "genpkey -algorithm RSA -aes128 -pass pass:secret",
  })
  void keyWithAPassphraseIsRefused(String command) throws Exception {
    new CertificateAuthority(certificate, key).make(List.of("b.example"), now);
    openssl(command + " -out registrar.key");
    assertThatThrownBy(this::read)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("registrar.key has a passphrase");
  }

  @ParameterizedTest
  @CsvSource({
    "registrar.crt, registrar.key, there is no PEM certificate in",
    "registrar.key, registrar.crt, there is no PEM private key in",
  })
  void fileWithoutWhatIsNeededIsNamed(String name, String other, String message) throws Exception {
    new CertificateAuthority(certificate, key).make(List.of("b.example"), now);
    Files.writeString(directory.resolve(name), Files.readString(directory.resolve(other)));
    assertThatThrownBy(this::read)
        .isInstanceOf(IOException.class)
        .hasMessage(message + " " + directory.resolve(name));
  }

  @Test
  void chainIsShownWhole() throws Exception {
    new CertificateAuthority(certificate, key).make(List.of("b.example"), now);
    assertThat(shown(read().context())).hasSize(2);
    Files.writeString(
        certificate, "Some words\r\n" + Files.readString(certificate).replace("\n", "\r\n"));
    assertThat(shown(read().context())).hasSize(2);
  }

  @Test
  void chainIsPutInOrderAndOtherCertificatesAreLeftOut() throws Exception {
    CertificateAuthority maker = new CertificateAuthority(certificate, key);
    maker.make(List.of("other.example"), now);
    String others = Files.readString(certificate).split("(?<=END CERTIFICATE-----)", -1)[0];
    maker.make(List.of("b.example"), now);
    String[] chain = Files.readString(certificate).split("(?<=END CERTIFICATE-----)", -1);
    String mixed = "\u00e9" + chain[1] + others + "\n" + chain[0] + "\n" + chain[0];
    Files.write(certificate, mixed.getBytes(StandardCharsets.ISO_8859_1));
    X509Certificate[] shown = shown(read().context());
    assertThat(shown).hasSize(2);
    assertThat(subject(shown)).isEqualTo("CN=b.example");
  }

  private static String subject(X509Certificate[] chain) {
    return chain[0].getSubjectX500Principal().getName();
  }

  private static X509Certificate[] shown(SSLContext context) throws Exception {
    return shown(context, "TLSv1.3");
  }

  /** Shakes hands in memory and returns the certificates that the server has shown. */
  private static X509Certificate[] shown(SSLContext context, String version) throws Exception {
    SSLContext trust = TrustedCertificates.all().context();
    SSLEngine client = trust.createSSLEngine();
    SSLEngine server = context.createSSLEngine();
    client.setUseClientMode(true);
    client.setEnabledProtocols(new String[] {version});
    server.setUseClientMode(false);
    return (X509Certificate[]) Handshake.between(client, server).getPeerCertificates();
  }

  @Test
  void keyOfAnotherCertificateIsRefused() throws Exception {
    CertificateAuthority maker = new CertificateAuthority(certificate, key);
    maker.make(List.of("b.example"), now);
    String other = Files.readString(key);
    maker.make(List.of("b.example"), now);
    Files.writeString(key, other);
    assertThatThrownBy(this::read)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("registrar.key is not that of");
  }

  @ParameterizedTest
  @CsvSource({"registrar.crt", "registrar.key"})
  void fileThatCannotBeReadIsNamed(String name) throws Exception {
    new CertificateAuthority(certificate, key).make(List.of("b.example"), now);
    Files.writeString(directory.resolve(name), "-----BEGIN NONSENSE-----\nx\n");
    assertThatThrownBy(this::read).isInstanceOf(IOException.class).hasMessageContaining(name);
    Files.delete(directory.resolve(name));
    assertThatThrownBy(this::read).isInstanceOf(IOException.class).hasMessageContaining(name);
  }

  @Test
  void newPairIsShownAndABrokenOneIsNot() throws Exception {
    CertificateAuthority maker = new CertificateAuthority(certificate, key);
    maker.make(List.of("one.example"), now);
    ServerCertificate keys = read();
    maker.make(List.of("two.example"), now);
    keys.check();
    assertThat(keys.names()).containsExactly("two.example");
    assertThat(subject(shown(keys.context()))).isEqualTo("CN=two.example");
    Files.writeString(certificate, "nonsense");
    assertThat(logged(keys::check)).contains("the old one is kept");
    assertThat(subject(shown(keys.context()))).isEqualTo("CN=two.example");
  }

  /** A handshake that is under way when the pair is replaced gets both halves of the old one. */
  @Test
  void handshakeNeverMixesTwoPairs() throws Exception {
    CertificateAuthority maker = new CertificateAuthority(certificate, key);
    maker.make(List.of("one.example"), now);
    ServerKeyManager.Pair one = pair();
    ServerKeyManager manager = new ServerKeyManager(one);
    SSLEngine engine = TrustedCertificates.all().context().createSSLEngine();
    String chosen = manager.chooseEngineServerAlias("EC", null, engine);
    assertThat(chosen).isNotNull();
    maker.make(List.of("two.example"), now);
    ServerKeyManager.Pair two = pair();
    manager.replace(two);
    assertThat(manager.getPrivateKey(chosen)).isSameAs(one.key());
    assertThat(manager.getCertificateChain(chosen)).containsExactlyElementsOf(one.chain());
    String next = manager.chooseEngineServerAlias("EC", null, engine);
    assertThat(next).isNotNull();
    assertThat(manager.getPrivateKey(next)).isSameAs(two.key());
    assertThat(manager.getCertificateChain(next)).containsExactlyElementsOf(two.chain());
    assertThat(manager.chooseEngineServerAlias("RSA", null, engine)).isNull();
    assertThat(manager.getPrivateKey("unknown")).isNull();
  }

  private ServerKeyManager.Pair pair() throws IOException {
    return new ServerKeyManager.Pair(Pem.privateKey(key), Pem.certificates(certificate));
  }

  private static String logged(Runnable task) {
    PrintStream before = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try {
      task.run();
    } finally {
      System.setErr(before);
    }
    return log.toString(StandardCharsets.UTF_8);
  }

  @Test
  void ourOwnCertificateIsRenewedBeforeItEnds() throws Exception {
    new CertificateAuthority(certificate, key).make(List.of("b.example", "192.0.2.1"), now);
    ServerCertificate keys = new ServerCertificate(certificate, key, () -> now);
    Instant firstEnd = end();
    now = now.plus(Duration.ofDays(334));
    keys.check();
    assertThat(end()).isEqualTo(firstEnd);
    now = now.plus(Duration.ofDays(2));
    keys.check();
    assertThat(end()).isAfter(firstEnd.plus(Duration.ofDays(300)));
    assertThat(keys.names()).containsExactly("b.example", "192.0.2.1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\n", "\r\n", ""})
  void authorityIsReadWithAnyLineEnds(String lineEnd) throws Exception {
    CertificateAuthority maker = new CertificateAuthority(certificate, key);
    maker.make(List.of("b.example"), Instant.now());
    String authority = Files.readString(maker.authority()).replace("\n", lineEnd);
    SSLContext context = TrustedCertificates.in(Optional.of(authority)).context();
    SSLEngine client = context.createSSLEngine("b.example", 443);
    SSLEngine server = read().context().createSSLEngine();
    client.setUseClientMode(true);
    server.setUseClientMode(false);
    assertThat(Handshake.between(client, server).getPeerCertificates()).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "not PEM",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n"
      })
  void authorityThatCannotBeReadIsRefused(String pem) {
    assertThatThrownBy(() -> TrustedCertificates.in(Optional.of(pem)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("PEM")
        .hasMessageContaining("the CA given by an option or by the provisioning file");
  }

  private Instant end() throws IOException {
    return Pem.certificates(certificate).get(0).getNotAfter().toInstant();
  }

  @Test
  void renewedCertificateIsSignedByTheSameAuthority() throws Exception {
    CertificateAuthority maker = new CertificateAuthority(certificate, key);
    maker.make(List.of("b.example"), now);
    String authority = Files.readString(maker.authority());
    maker.make(List.of("b.example"), now);
    assertThat(Files.readString(maker.authority())).isEqualTo(authority);
    assertThat(maker.isIssuer()).isTrue();
    assertThat(TrustedCertificates.in(Optional.of(authority))).isNotNull();
    for (String secret : List.of("registrar.key", "registrar-ca.key")) {
      assertThat(
              PosixFilePermissions.toString(
                  Files.getPosixFilePermissions(directory.resolve(secret))))
          .isEqualTo("rw-------");
    }
    openssl("verify -CAfile registrar-ca.crt registrar.crt");
  }

  @Test
  void certificateOfAnotherAuthorityIsNotReplaced() throws Exception {
    openssl("genpkey -algorithm RSA -out registrar.key");
    openssl("req -x509 -new -key registrar.key -subj /CN=x -out registrar.crt");
    String bought = Files.readString(certificate);
    assertThatThrownBy(() -> new CertificateAuthority(certificate, key).make(List.of("x"), now))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("not made by this program");
    assertThat(Files.readString(certificate)).isEqualTo(bought);
  }
}
