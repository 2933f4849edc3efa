package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Directories;
import io.rendezvous.testing.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Settings are read again at SIGHUP, and can be checked before a start. */
class ReloadIT {
  private static final String START = "rendezvous.host=127.0.0.1\nrendezvous.port=0\n";

  @TempDir private Path directory;

  @BeforeEach
  void install() throws IOException {
    Directories.installBroker(directory);
    write("");
  }

  private void write(String settings) throws IOException {
    Files.writeString(directory.resolve("conf/rendezvous.properties"), START + settings);
  }

  /** Starts a broker to which HUP is delivered, even if these tests run under nohup. */
  private Program serveThatHeedsHup() throws IOException {
    List<String> command = new ArrayList<>(List.of("env", "--default-signal=HUP"));
    command.addAll(Program.commandLine(List.of(), "serve"));
    return Program.start(
        directory, Map.of("RENDEZVOUS_ADMIN_PORT", "0"), command.toArray(String[]::new));
  }

  private Program check(String... options) throws IOException {
    return Program.rendezvous(directory, List.of(options), "serve", "--check");
  }

  @Test
  void changesAreNamedAndMistakesChangeNothing() throws Exception {
    try (Program serve = serveThatHeedsHup()) {
      String port = serve.await("Listening on https://127\\.0\\.0\\.1:(\\d+)");
      serve.signal("HUP");
      serve.await("The settings were read again: nothing to change");
      write("rendezvous.wait=9s\nrendezvous.drain=1s\nrendezvous.realm=other\n");
      serve.signal("HUP");
      serve.await("The settings were read again: changed rendezvous.drain, rendezvous.wait$");
      serve.await("Changed, but needs a restart: rendezvous.realm$");
      write("rendezvous.wait=9\nrendezvous.nonsense=1\n");
      serve.signal("HUP");
      serve.await(
          "The old settings stay: rendezvous.nonsense: there is no such setting;"
              + " rendezvous.wait: not a duration such as 5s, 2m, 1h or 7d: 9$");
      write("rendezvous.wait=9s\nrendezvous.store=file:entires\n");
      serve.signal("HUP");
      serve.await("The old settings stay: rendezvous.store: there is no directory entires");
      assertThat(
              Program.start(
                      directory,
                      "curl",
                      "-s",
                      "-o",
                      "out",
                      "-w",
                      "%{http_code}",
                      "--cacert",
                      "conf/registrar-ca.crt",
                      "https://localhost:" + port + "/")
                  .outputWhenDone())
          .isEqualTo("401");
      serve.signal("TERM");
      assertThat(serve.exitCode()).isZero();
    }
  }

  @Test
  void checkCreatesNothing() throws Exception {
    assertThat(check().outputWhenDone()).isEqualTo("OK");
    try (Stream<Path> files = Files.walk(directory)) {
      assertThat(files.filter(Files::isRegularFile))
          .containsExactly(directory.resolve("conf/rendezvous.properties"));
    }
  }

  @Test
  void checkPassesWhileTheBrokerRuns() throws Exception {
    try (Program serve = Program.rendezvous(directory, "serve")) {
      String port = serve.await("Listening on https://127\\.0\\.0\\.1:(\\d+)");
      assertThat(check("-Drendezvous.port=" + port).outputWhenDone()).isEqualTo("OK");
    }
  }

  @Test
  void checkNamesAllThatIsWrong() throws Exception {
    Files.writeString(directory.resolve("conf/registrar.crt"), "nonsense");
    Files.createDirectory(directory.resolve("data"));
    Files.createFile(directory.resolve("data/admin.token"));
    Program check = check("-Drendezvous.host=192.0.2.1", "-Drendezvous.store=redis://127.0.0.1:1");
    assertThat(check.exitCode()).isEqualTo(2);
    assertThat(check.output())
        .contains("rendezvous.tls.certificate: ")
        .contains("rendezvous.store: ")
        .contains("rendezvous.host: cannot listen on 192.0.2.1: ")
        .contains("rendezvous.admin.token-file: data/admin.token is empty")
        .doesNotContain("\tat ");
  }
}
