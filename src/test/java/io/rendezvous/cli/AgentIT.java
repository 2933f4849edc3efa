package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.net.Network;
import io.rendezvous.net.Trust;
import io.rendezvous.testing.Browser;
import io.rendezvous.testing.Program;
import io.rendezvous.testing.Site;
import io.rendezvous.testing.UnixServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
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
  void localServersMayListenOnUnixDomainSockets() throws Exception {
    Provisioning octets = entry("octets");
    Provisioning http = entry("http");
    Path socket = directory.resolve("app.sock");
    try (Site site = new Site();
        UnixServer local = UnixServer.before(socket, site.port());
        Program agent =
            Program.rendezvous(
                directory,
                "agent",
                "--broker",
                broker(),
                "--entry",
                "octets.json",
                "--to",
                "unix:app.sock",
                "--entry",
                "http.json",
                "--to",
                "http://unix:" + socket)) {
      agent.await("octets: parked a tunnel at localhost:\\d+ \\(8 of 8\\)");
      agent.await("http: parked a tunnel at localhost:\\d+ \\(8 of 8\\)");
      assertThat(get(octets, "/page1")).isEqualTo("hello from /page1");
      assertThat(get(http, "/page2")).isEqualTo("hello from /page2");
      Files.delete(local.path());
      assertThat(get(http, "/")).contains("the local server at " + socket + " cannot be reached");
    }
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
  void browserShowsAPageWithItsPartsInHttpMode() throws Exception {
    Provisioning home = entry("home");
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
                "http://127.0.0.1:" + site.port())) {
      agent.await("parked a tunnel at localhost:\\d+ \\(8 of 8\\)");
      String url = "https://" + home.id() + ":x@localhost:" + port + "/page?id=" + home.id();
      try (Program browser = Browser.open(directory, url)) {
        assertThat(site.reports().poll(60, TimeUnit.SECONDS))
            .as(browser.output())
            .isEqualTo(
                "pictures " + Site.PICTURES + ", fetched hello from /fetched, socket echo ping");
      }
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

  /** The figure is printed, not asserted: how long after its port was open all were parked. */
  @Test
  void agentsFindABrokerAgainThatWasKilledUnderLoad() throws Exception {
    List<Provisioning> entries = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      entries.add(entry("home" + i));
    }
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        "rendezvous.host=127.0.0.1\nrendezvous.port="
            + port
            + "\nrendezvous.public-host=localhost\n");
    List<HiddenServer> servers = new ArrayList<>();
    try (Network network = new Network("agents", 1)) {
      for (int i = 0; i < 100; i++) {
        Provisioning entry = entries.get(i % entries.size());
        servers.add(
            HiddenServer.of(entry)
                .at(new Address("localhost", port))
                .trusting(Trust.in(entry.ca()))
                .on(network)
                .tunnels(1)
                .mostTunnels(1)
                .serve(exchange -> exchange.getResponseSender().send("here")));
      }
      awaitAllParked(servers);
      for (int round = 0; round < 2; round++) {
        assertThat(get(entries.get(round), "/")).isEqualTo("here");
        broker.signal("KILL");
        broker.exitCode();
        Awaitility.await().until(() -> servers.stream().allMatch(s -> s.parked() == 0));
        serve();
        long open = System.nanoTime();
        awaitAllParked(servers);
        System.out.printf(
            "100 agents were parked again %d ms after the port was open%n",
            (System.nanoTime() - open) / 1_000_000);
        assertThat(get(entries.get(round), "/")).isEqualTo("here");
      }
      servers.parallelStream().forEach(HiddenServer::close);
    }
  }

  private static void awaitAllParked(List<HiddenServer> servers) {
    Awaitility.await()
        .atMost(Duration.ofMinutes(1))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> servers.stream().allMatch(server -> server.parked() == 1));
  }
}
