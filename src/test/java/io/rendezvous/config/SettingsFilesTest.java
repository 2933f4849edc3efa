package io.rendezvous.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A path that somebody chose has to exist; a default path does not. */
class SettingsFilesTest {
  private static final String ADVICE = "; correct the path, or create it";

  @TempDir private Path directory;

  private Settings settings(String text) throws IOException, SettingsException {
    Properties properties = new Properties();
    properties.load(new StringReader(text));
    return SettingsLoader.load(directory, properties, Map.of(), new Properties()).settings();
  }

  private List<String> mistakes(String text) throws IOException, SettingsException {
    return SettingsFiles.mistakes(settings(text), directory);
  }

  @Test
  void defaultPathsNeedNotExist() throws Exception {
    assertThat(mistakes("")).isEmpty();
    assertThat(SettingsFiles.hasDefaultPair(settings(""), directory)).isTrue();
    assertThat(mistakes("rendezvous.tls.key=conf/../conf/registrar.key")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rendezvous.admin.token-file=/no/token | rendezvous.admin.token-file: there is no file /no/token",
        "rendezvous.admin.ledger=/no/ledger.json | rendezvous.admin.ledger: there is no directory /no",
        "rendezvous.store=file:/no/entries | rendezvous.store: there is no directory /no/entries",
      })
  void chosenPathHasToExist(String setting, String mistake) throws Exception {
    assertThat(mistakes(setting)).containsExactly(mistake + ADVICE);
  }

  @Test
  void relativePathIsNamedInFull() throws Exception {
    assertThat(mistakes("rendezvous.store=file:entires"))
        .containsExactly(
            "rendezvous.store: there is no directory " + directory.resolve("entires") + ADVICE);
    Files.createDirectory(directory.resolve("entires"));
    assertThat(mistakes("rendezvous.store=file:entires")).isEmpty();
  }

  @Test
  void chosenCertificateNeedsItsKeyToo() throws Exception {
    Path certificate = directory.resolve("a.crt");
    String noKey =
        "rendezvous.tls.key: there is no file " + directory.resolve("conf/registrar.key") + ADVICE;
    assertThat(mistakes("rendezvous.tls.certificate=a.crt"))
        .containsExactly(
            "rendezvous.tls.certificate: there is no file " + certificate + ADVICE, noKey);
    Files.createFile(certificate);
    assertThat(mistakes("rendezvous.tls.certificate=a.crt")).containsExactly(noKey);
    assertThat(SettingsFiles.hasDefaultPair(settings("rendezvous.tls.key=a.key"), directory))
        .isFalse();
  }

  @Test
  void whatIsNotUsedNeedNotExist() throws Exception {
    assertThat(
            mistakes(
                """
                rendezvous.host=127.0.0.1
                rendezvous.tls.enabled=false
                rendezvous.tls.certificate=/no/crt
                rendezvous.admin.enabled=false
                rendezvous.admin.token-file=/no/token
                rendezvous.admin.ledger=/no/l.json
                rendezvous.store=redis://127.0.0.1:1
                """))
        .isEmpty();
    assertThat(
            mistakes(
                "rendezvous.admin.token=0123456789abcdef\nrendezvous.admin.token-file=/no/token"))
        .isEmpty();
  }
}
