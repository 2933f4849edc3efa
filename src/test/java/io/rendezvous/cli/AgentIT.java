package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.net.Network;
import io.rendezvous.testing.Browser;
import io.rendezvous.testing.Directories;
import io.rendezvous.testing.FreePort;
import io.rendezvous.testing.Program;
import io.rendezvous.testing.Site;
import io.rendezvous.testing.UnixServer;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The agent as a program: its options do what they promise. */
class AgentIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** The broker's. It lasts as long as no test stops it. */
  @TempDir private static Path installation;

  private static @Nullable Program broker;
  private static int port;

  /** The agent's. */
  @TempDir private Path directory;

  @BeforeEach
  void start() throws Exception {
    if (broker == null || !broker.isRunning()) {
      Files.createDirectories(installation.resolve("conf"));
      configure(0);
      serve();
    }
    Files.createDirectory(directory.resolve("conf"));
    Files.copy(
        installation.resolve("conf/registrar-ca.crt"), directory.resolve("conf/registrar-ca.crt"));
  }

  private static void configure(int brokerPort) throws Exception {
    Files.writeString(
        installation.resolve("conf/rendezvous.properties"),
        "rendezvous.host=127.0.0.1\nrendezvous.port="
            + brokerPort
            + "\nrendezvous.public-host=localhost\n");
  }

  private static void serve() throws Exception {
    Program started = Program.rendezvous(installation, Program.COMPILED, "serve");
    broker = started;
    port = Integer.parseInt(started.await("Listening on https://127\\.0\\.0\\.1:(\\d+)"));
  }

  private static Program running() {
    return Objects.requireNonNull(broker);
  }

  @AfterAll
  static void stop() {
    running().close();
  }

  private Provisioning entry(String name) throws Exception {
    Provisioning added = Directories.addEntry(installation, name, port);
    Files.writeString(directory.resolve(name + ".json"), added.toJson());
    return added;
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
        assertThat(event.path("entry").asText()).isEqualTo(home.id().toString().substring(0, 8));
        assertThat(event.path("event").asText()).isIn("parked", "reachable", "local-failed");
        assertThat(event.path("text").asText()).isNotEmpty();
      }
      assertThat(agent.output()).doesNotContain(home.totp().base32());
    }
  }

  private void withTarget(String name, String to) throws Exception {
    Path file = directory.resolve(name + ".json");
    Path there = directory.resolve("entries").resolve(name + ".json");
    Files.writeString(
        file, Files.readString(file).replaceFirst("\\{", "{\n  \"to\" : \"" + to + "\","));
    Files.move(file, there, StandardCopyOption.ATOMIC_MOVE);
  }

  @Test
  void entriesOfADirectoryMayComeChangeAndGo() throws Exception {
    Path entries = Files.createDirectory(directory.resolve("entries"));
    Provisioning one = entry("one");
    Provisioning two = entry("two");
    Files.createDirectory(directory.resolve("public"));
    Files.writeString(directory.resolve("public/a.txt"), "a file");
    Files.writeString(entries.resolve("broken.json"), "{");
    try (Site site = new Site();
        Program agent =
            Program.rendezvous(
                directory, "agent", "--broker", broker(), "--entry", "entries", "--tunnels", "1")) {
      agent.await("broken.json: entries/broken.json: not a provisioning file");
      withTarget("one", "http://127.0.0.1:" + site.port());
      withTarget("two", "file:public");
      agent.await("one: parked a tunnel");
      agent.await("two: parked a tunnel");
      assertThat(get(one, "/page1")).isEqualTo("hello from /page1");
      assertThat(get(two, "/a.txt")).isEqualTo("a file");
      Path file = entries.resolve("one.json");
      Files.delete(entries.resolve("broken.json"));
      Files.writeString(
          file, Files.readString(file).replaceFirst("http://127[^\"]*", "file:public"));
      Awaitility.await().atMost(PATIENCE).until(() -> get(one, "/a.txt").equals("a file"));
      Files.writeString(entries.resolve("broken.json"), "{");
      Files.delete(file);
      Awaitility.await().atMost(PATIENCE).until(() -> get(one, "/a.txt").contains("error"));
      assertThat(get(two, "/a.txt")).isEqualTo("a file");
      assertThat(agent.lines().stream().filter(line -> line.contains("broken.json: not a")))
          .as("told again when it is there again")
          .hasSize(2);
    }
  }

  @Test
  void entriesOfTheSameNameAreServedAllTheSame() throws Exception {
    List<String> command =
        new ArrayList<>(List.of("agent", "--broker", broker(), "--to", "127.0.0.1:1"));
    for (String name : List.of("a", "b", "c")) {
      entry(name);
      Path file = directory.resolve(name + ".json");
      Path there = Files.createDirectory(directory.resolve(name)).resolve("home.json");
      Files.writeString(there, Files.readString(file).replace("\"" + name + "\"", "\"home\""));
      command.addAll(List.of("--entry", name));
    }
    try (Program agent = Program.rendezvous(directory, command.toArray(String[]::new))) {
      agent.await("home: parked a tunnel at localhost:\\d+ \\(8 of 8\\)");
      agent.await("home.json: parked a tunnel at localhost:\\d+ \\(8 of 8\\)");
      agent.await("c/home.json: parked a tunnel at localhost:\\d+ \\(8 of 8\\)");
    }
  }

  @Test
  void fileWithoutABrokerIsRefused() throws Exception {
    entry("home");
    Path file = directory.resolve("home.json");
    Files.writeString(
        file, Files.readString(file).replaceFirst("\"port\" : \\d+", "\"port\" : 70000"));
    Program agent =
        Program.rendezvous(directory, "agent", "--entry", "home.json", "--to", "127.0.0.1:1");
    assertThat(agent.exitCode()).isEqualTo(2);
    assertThat(agent.output()).contains("not a host and a port: \"localhost\", 70000");
  }

  @ParameterizedTest
  @CsvSource({"missing.json, no such file: missing.json", "broken.json, not a provisioning file"})
  void fileThatCannotBeUsedIsWrongUsage(String file, String why) throws Exception {
    Files.writeString(directory.resolve("broken.json"), "{");
    Program agent = Program.rendezvous(directory, "agent", "--entry", file, "--to", "127.0.0.1:1");
    assertThat(agent.exitCode()).as("not tried again by systemd").isEqualTo(2);
    assertThat(agent.output()).contains(why);
  }

  @Test
  void sameEntryTwiceIsRefused() throws Exception {
    entry("home");
    Files.copy(directory.resolve("home.json"), directory.resolve("copy.json"));
    for (String second : List.of("home.json", "copy.json")) {
      Program agent =
          Program.rendezvous(
              directory, "agent", "--entry", "home.json", "--entry", second, "--to", "8080");
      assertThat(agent.exitCode()).isEqualTo(2);
      assertThat(agent.output()).containsAnyOf("given twice", "are of the same hidden server");
    }
  }

  @Test
  void directoryWithoutEntriesAndAnEntryTwiceAreTold() throws Exception {
    Path entries = Files.createDirectory(directory.resolve("entries"));
    entry("home");
    int unused = FreePort.find();
    try (Program agent =
        Program.rendezvous(
            directory, "agent", "--broker", broker(), "--entry", "entries", "--to", "" + unused)) {
      agent.await("there is no provisioning file in entries yet");
      Files.copy(directory.resolve("home.json"), entries.resolve("a.json"));
      agent.await("home: clients reach it at https://[0-9a-f-]{36}:x@localhost:" + port + "/");
      agent.await("home: the local server cannot be reached, .*127.0.0.1 port " + unused);
      Files.copy(directory.resolve("home.json"), entries.resolve("b.json"));
      agent.await("b.json: .*entries/b.json and entries/a.json are of the same hidden server");
    }
  }

  @Test
  void targetThatIsNoneIsRefusedWithItsForms() throws Exception {
    entry("home");
    Program agent =
        Program.rendezvous(directory, "agent", "--entry", "home.json", "--to", "localhost");
    assertThat(agent.exitCode()).isEqualTo(2);
    assertThat(agent.output()).contains("PORT, HOST:PORT, unix:PATH, http://HOST:PORT");
  }

  private static HttpResponse<String> status(int port, String path) throws Exception {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
            HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void statusPortTellsHealthAndMetrics() throws Exception {
    Provisioning home = entry("home");
    int free = FreePort.find();
    Files.createDirectory(directory.resolve("public"));
    Files.writeString(directory.resolve("public/a.txt"), "a file");
    try (Program agent =
        Program.rendezvous(
            directory,
            "agent",
            "--broker",
            broker(),
            "--entry",
            "home.json",
            "--to",
            "file:public",
            "--status",
            "127.0.0.1:" + free)) {
      agent.await("Status on http://127.0.0.1:" + free + "/health and /metrics");
      agent.await("parked a tunnel at localhost:\\d+ \\(8 of 8\\)");
      assertThat(get(home, "/a.txt")).isEqualTo("a file");
      HttpResponse<String> health = status(free, "/health");
      assertThat(health.statusCode()).isEqualTo(200);
      JsonNode entry = new ObjectMapper().readTree(health.body()).path("entries").path("home");
      assertThat(entry.path("parked").asInt()).isPositive();
      assertThat(entry.path("requests").asInt()).isEqualTo(1);
      assertThat(entry.path("octetsOut").asInt()).isGreaterThan(100);
      assertThat(status(free, "/metrics").body())
          .contains("rendezvous_agent_requests_total{entry=\"home\"} 1.0")
          .contains("rendezvous_agent_octets_total{direction=\"in\",entry=\"home\"} ")
          .contains("rendezvous_agent_clock_behind_seconds{entry=\"home\"} ")
          .containsPattern("rendezvous_agent_parked\\{entry=\"home\"} [78].0")
          .contains("jvm_memory_used_bytes");
      assertThat(status(free, "/other").statusCode()).isEqualTo(404);
      Program foreign =
          Program.start(
              directory,
              "curl",
              "-s",
              "-o",
              "answer",
              "-w",
              "%{http_code}",
              "-H",
              "Host: 127.0.0.1.evil.example",
              "http://127.0.0.1:" + free + "/metrics");
      assertThat(foreign.outputWhenDone()).isEqualTo("421");
      running().signal("TERM");
      running().exitCode();
      Awaitility.await().atMost(PATIENCE).until(() -> status(free, "/health").statusCode() == 503);
    }
  }

  @Test
  void statusPortIsForThisMachineOnly() throws Exception {
    entry("home");
    Program agent =
        Program.rendezvous(
            directory,
            "agent",
            "--entry",
            "home.json",
            "--to",
            "127.0.0.1:1",
            "--status",
            "0.0.0.0:8894");
    assertThat(agent.exitCode()).isEqualTo(2);
    assertThat(agent.output()).contains("--status must be a loopback address: 0.0.0.0");
  }

  @Test
  void terminalShowsALiveTable() throws Exception {
    Provisioning home = entry("home");
    Files.createDirectory(directory.resolve("public"));
    Files.writeString(directory.resolve("public/a.txt"), "a file");
    String command =
        String.join(
            " ",
            Program.commandLine(
                List.of(),
                "agent",
                "--broker",
                broker(),
                "--entry",
                "home.json",
                "--to",
                "file:public"));
    try (Program terminal =
        Program.start(
            directory, Map.of("TERM", "xterm"), "script", "-qfec", command, "/dev/null")) {
      terminal.await("parked +in use +requests +in +out +clock");
      terminal.await("home +8 of 8 +0 +0 +0 B +0 B +ok");
      assertThat(get(home, "/a.txt")).isEqualTo("a file");
      terminal.await("home +\\d of 8 +\\d +1 +\\d+ B +\\d+ B +ok");
    }
  }

  @Test
  void checkSaysWhatIsWellAndWhatIsNot() throws Exception {
    entry("home");
    Program well =
        Program.rendezvous(
            directory,
            Program.COMPILED,
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
    running().signal("TERM");
    assertThat(running().exitCode()).isZero();
    Program away =
        Program.rendezvous(
            directory, "agent", "check", "--entry", "home.json", "--broker", broker());
    assertThat(away.exitCode()).isEqualTo(1);
    assertThat(away.output()).contains("FAIL  connection").contains("nothing answers at localhost");
  }

  @Test
  void checkAsAClientNeedsNoSecretAndSaysWhetherTheHiddenServerIsWell() throws Exception {
    Provisioning home = entry("home");
    String[] check = {
      "agent",
      "check",
      "--as-client",
      "--broker",
      broker(),
      "--id",
      home.id().toString(),
      "--ca",
      "conf/registrar-ca.crt",
      "--path",
      "/page1",
      "--idle",
      "1"
    };
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
      Program well = Program.rendezvous(directory, Program.COMPILED, check);
      assertThat(well.exitCode()).as(well.output()).isZero();
      assertThat(well.lines()).hasSize(14).allMatch(line -> line.startsWith("ok  "));
      agent.signal("TERM");
      assertThat(agent.exitCode()).isZero();
    }
    Program away = Program.rendezvous(directory, check);
    assertThat(away.exitCode()).as(away.output()).isEqualTo(1);
    assertThat(away.output()).contains("FAIL  request").contains("start the hidden server");
  }

  /** Prints, but does not assert, how long it takes until all tunnels are parked again. */
  @Test
  void agentsFindABrokerAgainThatWasKilledUnderLoad() throws Exception {
    List<Provisioning> entries = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      entries.add(entry("home" + i));
    }
    configure(port);
    List<HiddenServer> servers = new ArrayList<>();
    try (Network network = new Network("agents", 1)) {
      for (int i = 0; i < 100; i++) {
        Provisioning entry = entries.get(i % entries.size());
        servers.add(
            HiddenServer.of(entry)
                .at(new Address("localhost", port))
                .trusting(TrustedCertificates.in(entry.ca()))
                .on(network)
                .tunnels(1)
                .maxTunnels(1)
                .serve(exchange -> exchange.getResponseSender().send("here")));
      }
      awaitAllParked(servers);
      for (int round = 0; round < 2; round++) {
        assertThat(get(entries.get(round), "/")).isEqualTo("here");
        running().signal("KILL");
        running().exitCode();
        Awaitility.await().until(() -> servers.stream().allMatch(s -> s.status().parked() == 0));
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
        .until(() -> servers.stream().allMatch(server -> server.status().parked() == 1));
  }
}
