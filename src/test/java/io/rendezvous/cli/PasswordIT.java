package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Program;
import io.rendezvous.testing.Site;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A password for clients and links, by the commands, with curl as the client. */
class PasswordIT {
  @TempDir private Path directory;

  /** Runs a command with a text on its standard input, and returns its output. */
  private String run(String input, int exitCode, String... arguments) throws Exception {
    Process process =
        new ProcessBuilder(Program.commandLine(List.of(), arguments))
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .start();
    try (var in = process.getOutputStream()) {
      in.write(input.getBytes(StandardCharsets.UTF_8));
    }
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(output).isEqualTo(exitCode);
    return output;
  }

  private String curl(int port, String... options) throws Exception {
    List<String> command = new ArrayList<>(List.of("curl", "-sS", "-k", "--max-time", "30"));
    command.addAll(List.of("-o", "/dev/null", "-w", "%{http_code}"));
    command.addAll(List.of(options));
    command.add("https://localhost:" + port + "/");
    return Program.start(directory, command.toArray(String[]::new)).outputWhenDone();
  }

  @Test
  void passwordIsSetWhileTunnelsAreParkedAndWithoutABroker() throws Exception {
    Files.createDirectory(directory.resolve("conf"));
    Path settings = directory.resolve("conf/rendezvous.properties");
    Files.writeString(
        settings,
        "rendezvous.host=127.0.0.1\nrendezvous.port=0\nrendezvous.public-host=localhost\n");
    String created = run("", 0, "entry", "create", "--label", "home", "--out", "home.json");
    String id =
        created
            .lines()
            .filter(l -> l.startsWith("Created "))
            .reduce((a, b) -> b)
            .get()
            .substring(8);
    assertThat(run("short\n", 1, "entry", "password", "home")).contains("from 8 to 256 characters");
    assertThat(run("", 1, "entry", "password", "home")).contains("no password");
    assertThat(run("", 0, "entry", "share", "home", "--for", "1h", "--qr"))
        .contains("https://localhost", "/.well-known/rendezvous/", "\u2588", "Valid until ");
    assertThat(run("", 1, "entry", "share", "home", "--for", "31d")).contains("30 days");
    assertThat(run("", 2, "entry", "share", "home", "--for", "soon")).contains("--for");
    assertThat(run("", 0, "entry", "unshare", "home")).isEqualTo("Revoked all links to " + id);
    try (Site site = new Site();
        Program broker = Program.rendezvous(directory, "serve")) {
      int port = Integer.parseInt(broker.await("Listening on https://127\\.0\\.0\\.1:(\\d+)"));
      try (Program agent =
          Program.rendezvous(
              directory,
              "agent",
              "--entry",
              "home.json",
              "--broker",
              "localhost:" + port,
              "--to",
              "127.0.0.1:" + site.port())) {
        agent.await("parked a tunnel");
        assertThat(curl(port, "--digest", "--user", id + ":x")).isEqualTo("200");
        assertThat(run("open sesame\n", 0, "entry", "password", "home"))
            .isEqualTo("Set the password of " + id);
        assertThat(curl(port, "--digest", "--user", id + ":x")).isEqualTo("401");
        assertThat(curl(port, "--digest", "--user", id + ":open sesame")).isEqualTo("200");
        assertThat(curl(port, "--anyauth", "--user", id + ":open sesame")).isEqualTo("200");
        assertThat(run("", 0, "entry", "share", id)).contains(":" + port + "/.well-known/");
        assertThat(run("", 0, "entry", "password", "--remove", id)).contains("need no password");
        assertThat(curl(port, "--digest", "--user", id + ":x")).isEqualTo("200");
        setBySomeoneElse(id);
        Awaitility.await()
            .untilAsserted(
                () -> assertThat(curl(port, "--digest", "--user", id + ":x")).isEqualTo("401"));
      }
    }
    Files.writeString(settings, "rendezvous.realm=another\nrendezvous.host=127.0.0.1\n");
    assertThat(run("", 0, "serve", "--check")).contains("Warning: 1 entry has a password", "OK");
  }

  /** Writes the password into the file of the entry, as another process or an editor does. */
  private void setBySomeoneElse(String id) throws Exception {
    Path file = directory.resolve("data/entries/" + id + ".json");
    String json = Files.readString(file).strip();
    Files.writeString(
        file,
        json.substring(0, json.length() - 1)
            + ",\"viewer\":{\"realm\":\"rendezvous\",\"ha1\":{}}}");
  }
}
