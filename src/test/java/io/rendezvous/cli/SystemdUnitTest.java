package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The systemd units fit the exit codes of the program. */
class SystemdUnitTest {
  @ParameterizedTest
  @ValueSource(strings = {"rendezvous.service", "rendezvous-agent.service"})
  void restartsButNotForMistakes(String unit) throws Exception {
    assertThat(Files.readAllLines(Path.of("conf", unit)))
        .contains("Restart=always", "RestartPreventExitStatus=" + CommandLine.ExitCode.USAGE);
  }

  @Test
  void brokerIsReloadedByASignal() throws Exception {
    assertThat(Files.readAllLines(Path.of("conf", "rendezvous.service")))
        .contains("ExecReload=/bin/kill -HUP $MAINPID");
  }
}
