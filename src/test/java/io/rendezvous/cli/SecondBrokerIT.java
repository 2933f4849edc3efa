package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Directories;
import io.rendezvous.testing.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One data directory has one broker at a time. */
class SecondBrokerIT {
  private static final String LISTENING = "Listening on https://127\\.0\\.0\\.1:(\\d+)";

  @TempDir private Path directory;

  @BeforeEach
  void install() throws IOException {
    Directories.installBroker(directory);
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        "rendezvous.host=127.0.0.1\nrendezvous.port=0\n");
  }

  private Program serve(String... options) throws IOException {
    return Program.rendezvous(directory, List.of(options), "serve");
  }

  @Test
  void secondBrokerOfADirectoryDoesNotStartUntilTheFirstIsGone() throws Exception {
    try (Program first = serve()) {
      first.await(LISTENING);
      try (Program second = serve("-Drendezvous.admin.enabled=false")) {
        assertThat(second.exitCode()).isEqualTo(1);
        assertThat(second.output())
            .contains("another broker (process ", ") is running with the data directory ")
            .doesNotContain("Exception", "Listening");
      }
      assertThat(Program.rendezvous(directory, "entry", "create", "--json").outputWhenDone())
          .contains("\"uuid\""); // commands go on
      Files.createDirectory(directory.resolve("other"));
      try (Program other = serve("-Drendezvous.admin.ledger=other/ledger.json")) {
        other.await(LISTENING);
      }
      first.signal("KILL");
      first.exitCode();
    }
    try (Program next = serve()) {
      next.await(LISTENING);
    }
  }
}
