package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.OpenSsl;
import io.rendezvous.testing.Program;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The TLS that the broker speaks as it comes, as OpenSSL sees it. */
class ServedTlsIT {
  @TempDir private static Path directory;
  private static Program broker;
  private static int port;

  @BeforeAll
  static void start() throws Exception {
    List<String> options = List.of("-Drendezvous.host=127.0.0.1", "-Drendezvous.port=0");
    broker = Program.rendezvous(directory, options, "serve");
    port = Integer.parseInt(broker.await("Listening on https://127\\.0\\.0\\.1:(\\d+)"));
  }

  @AfterAll
  static void stop() {
    broker.close();
  }

  @ParameterizedTest
  @CsvSource({
    "-tls1_3, TLSv1.3 is TLS_AES_128_GCM_SHA256",
    "-tls1_2, TLSv1.2 is ECDHE-ECDSA-AES128-GCM-SHA256"
  })
  void modernTlsIsSpoken(String version, String expected) throws Exception {
    String[] words = expected.split(" is ", -1);
    assertThat(OpenSsl.connect(directory, port, "", version, "-alpn", "h2,http/1.1"))
        .contains("New, " + words[0] + ", Cipher is " + words[1])
        .contains("ALPN protocol: http/1.1")
        .contains("Verify return code: 0 (ok)");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-tls1_1 -cipher DEFAULT@SECLEVEL=0",
        "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256",
        "-tls1_2 -cipher ECDHE-ECDSA-AES256-SHA",
        "-tls1_2 -cipher AES128-GCM-SHA256",
      })
  void oldTlsIsNot(String arguments) throws Exception {
    assertThat(OpenSsl.connect(directory, port, "", arguments.split(" ", -1)))
        .contains("Cipher is (NONE)");
  }

  @Test
  void clientDoesNotRenegotiate() throws Exception {
    String output = OpenSsl.connect(directory, port, "R\\n", "-tls1_2");
    assertThat(output).contains("RENEGOTIATING");
    assertThat(output.substring(output.indexOf("RENEGOTIATING")))
        .containsAnyOf(
            "no renegotiation", "handshake failure", "unexpected message", "eof", "closed")
        .doesNotContain("verify return:1");
  }

  @Test
  void sessionsAreResumed() throws Exception {
    String get = "GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n";
    assertThat(OpenSsl.connect(directory, port, get, "-ign_eof", "-sess_out", "session"))
        .contains("New, TLSv1.3");
    assertThat(OpenSsl.connect(directory, port, get, "-ign_eof", "-sess_in", "session"))
        .contains("Reused, TLSv1.3");
  }

  /** Neither on groups that cost a server too much, nor on algorithms that are broken. */
  @ParameterizedTest
  @CsvSource({
    "-groups X25519, true",
    "-groups P-256, true",
    "-groups P-384, true",
    "-groups P-521, true",
    "-groups X448, false",
    "-groups ffdhe8192, false",
    "-sigalgs ECDSA+SHA256, true",
    "-sigalgs ECDSA+SHA1:RSA+SHA1, false",
  })
  void agreesOnWhatEverybodyHas(String options, boolean agrees) throws Exception {
    String command = "openssl s_client -connect 127.0.0.1:%d -tls1_3 %s < /dev/null";
    try (Program openssl = Program.start(directory, "sh", "-c", command.formatted(port, options))) {
      assertThat(openssl.exitCode()).isEqualTo(agrees ? 0 : 1);
      assertThat(openssl.output()).contains(agrees ? "New, TLSv1.3," : "New, (NONE),");
    }
  }
}
