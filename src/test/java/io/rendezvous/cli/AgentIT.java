package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.Program;
import io.rendezvous.testing.Site;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The agent as a program, with what its options promise. */
class AgentIT {
  @TempDir private Path directory;
  private Program broker;
  private int port;

  @BeforeEach
  void start() throws Exception {
    Files.createDirectory(directory.resolve("conf"));
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        "rendezvous.host=127.0.0.1\nrendezvous.port=0\nrendezvous.public-host=localhost\n");
    serve();
  }

  private void serve() throws Exception {
    broker = Program.rendezvous(directory, "serve");
    port = Integer.parseInt(broker.await("Listening on https://127\\.0\\.0\\.1:(\\d+)"));
  }

  @AfterEach
  void stop() {
    broker.close();
  }

  private Provisioning entry(String name) throws Exception {
    String json =
        Program.rendezvous(directory, "entry", "create", "--label", name, "--json")
            .outputWhenDone();
    Path file = directory.resolve(name + ".json");
    Files.writeString(file, json.substring(json.indexOf('{')));
    return Provisioning.parse(Files.readString(file));
  }

  private String broker() {
    return "https://localhost:" + port;
  }

  private String get(Provisioning entry, String path) throws Exception {
    return Program.start(
            directory,
            "curl",
            "-sS",
            "--digest",
            "-u",
            entry.id() + ":x",
            "--cacert",
            "conf/registrar-ca.crt",
            "--max-time",
            "30",
            broker() + path)
        .outputWhenDone();
  }

  @Test
  void oneAgentServesSeveralEntries() throws Exception {
    Provisioning home = entry("home");
    Provisioning files = entry("files");
    Files.createDirectory(directory.resolve("public"));
    Files.writeString(directory.resolve("public/a.txt"), "a file");
    try (Site site = new Site();
        Program agent =
            Program.rendezvous(
                directory,
                "agent",
                "--broker",
                broker(),
                "--entry",
                "home.json",
                "--to",
                "http://127.0.0.1:" + site.port(),
                "--entry",
                "files.json",
                "--to",
                "file:public",
                "--tunnels",
                "2")) {
      agent.await("home: parked a tunnel at localhost:\\d+ \\(2 of 2\\)");
      agent.await("files: parked a tunnel at localhost:\\d+ \\(2 of 2\\)");
      assertThat(get(home, "/page1")).isEqualTo("hello from /page1");
      assertThat(get(files, "/a.txt")).isEqualTo("a file");
      agent.signal("TERM");
      assertThat(agent.exitCode()).isZero();
    }
  }

  @Test
  void secretComesFromTheEnvironmentAndEventsAsJson() throws Exception {
    Provisioning home = entry("home");
    try (Program agent =
        Program.start(
            directory,
            Map.of("RENDEZVOUS_AGENT_SECRET", home.totp().base32()),
            Program.commandLine(
                    List.of(),
                    "agent",
                    "--json",
                    "--to",
                    "127.0.0.1:1",
                    "--broker",
                    broker(),
                    "--id",
                    home.id().toString(),
                    "--ca",
                    "conf/registrar-ca.crt")
                .toArray(String[]::new))) {
      agent.await("parked a tunnel at localhost:\\d+ \\(8 of 8\\)");
      for (String line : agent.lines()) {
        JsonNode event = new ObjectMapper().readTree(line);
        assertThat(event.path("time").asText()).endsWith("Z");
        assertThat(event.path("event").asText()).startsWith("parked a tunnel");
      }
      assertThat(agent.output()).doesNotContain(home.totp().base32());
    }
  }

  @Test
  void checkSaysWhatIsWellAndWhatIsNot() throws Exception {
    entry("home");
    Program well =
        Program.rendezvous(
            directory,
            "agent",
            "check",
            "--entry",
            "home.json",
            "--broker",
            broker(),
            "--idle",
            "1");
    assertThat(well.exitCode()).as(well.output()).isZero();
    assertThat(well.lines()).hasSize(10).allMatch(line -> line.startsWith("ok  "));
    broker.signal("TERM");
    assertThat(broker.exitCode()).isZero();
    Program away =
        Program.rendezvous(
            directory, "agent", "check", "--entry", "home.json", "--broker", broker());
    assertThat(away.exitCode()).isEqualTo(1);
    assertThat(away.output()).contains("FAIL  connection").contains("nothing answers at localhost");
  }
}
