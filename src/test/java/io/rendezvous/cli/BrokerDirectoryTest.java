package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.testing.Directories;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The order in which a broker's directory is looked for. */
class BrokerDirectoryTest {
  @TempDir private Path here;
  @TempDir private Path installed;

  @Test
  void optionComesBeforeTheVariable() {
    Map<String, String> variable = Map.of(BrokerDirectory.VARIABLE, installed.toString());
    assertThat(BrokerDirectory.named(Optional.of(here), variable)).contains(here);
    assertThat(BrokerDirectory.named(Optional.empty(), variable)).contains(installed);
    assertThat(BrokerDirectory.named(Optional.empty(), Map.of())).isEmpty();
    assertThat(BrokerDirectory.named(Optional.empty(), Map.of(BrokerDirectory.VARIABLE, " ")))
        .isEmpty();
  }

  @Test
  void directoryThatIsNamedHasToExist() {
    Path missing = here.resolve("missing");
    assertThatThrownBy(() -> BrokerDirectory.named(Optional.of(missing), Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("there is no directory " + missing);
  }

  @Test
  void workingDirectoryComesBeforeTheInstalledOne() throws Exception {
    assertThat(BrokerDirectory.find(here, installed)).isEmpty();
    Directories.installBroker(installed);
    assertThat(BrokerDirectory.find(here, installed)).contains(installed);
    Directories.installBroker(here);
    assertThat(BrokerDirectory.find(here, installed)).contains(here);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "conf/rendezvous.properties",
        "conf/registrar.crt",
        "data/entries/.lock",
        "data/admin.token"
      })
  void eachOfABrokersFilesIsASign(String file) throws Exception {
    Path sign = here.resolve(file);
    Files.createDirectories(sign.getParent());
    Files.createFile(sign);
    assertThat(BrokerDirectory.find(here, installed)).contains(here);
  }

  @Test
  void exampleIsNoSign() throws Exception {
    Files.createDirectories(here.resolve("conf"));
    Files.createFile(here.resolve("conf/rendezvous.properties.example"));
    assertThat(BrokerDirectory.find(here, installed)).isEmpty();
  }
}
