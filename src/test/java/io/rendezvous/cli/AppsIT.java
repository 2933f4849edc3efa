package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.rendezvous.testing.Program;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Programs that need nothing but Python, git, curl and nginx; {@code scripts/try-apps} has more.
 */
class AppsIT {
  private static final Path SCRIPT = Path.of("src/apps/try.py").toAbsolutePath();

  @TempDir private Path directory;

  private boolean hasPython() throws InterruptedException {
    try (Program python = Program.start(directory, "python3", "--version")) {
      return python.exitCode() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void realProgramsWorkInEachMode() throws Exception {
    assumeTrue(hasPython(), "there is no python3");
    String java = String.join("|", Program.commandLine(List.of()));
    try (Program apps =
        Program.start(
            directory,
            "python3",
            SCRIPT.toString(),
            java,
            "git",
            "nginx-relative",
            "ranges",
            "events",
            "ntlm")) {
      apps.exitCode();
      assertThat(apps.lines().subList(1, apps.lines().size()))
          .hasSize(5)
          .allMatch(row -> row.matches("[a-z-]+ +(ok +ok +ok *|- +- +- +not installed: [a-z ]+)"));
    }
  }
}
