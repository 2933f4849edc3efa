package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.FreePort;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The options of the agent's HTTP mode, and what it says when the local server does not answer. */
class HttpModeIT {
  @TempDir private Path directory;
  private Program broker;
  private int port;

  @BeforeEach
  void start() throws Exception {
    Files.createDirectory(directory.resolve("conf"));
    Files.createDirectory(directory.resolve("entries"));
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        "rendezvous.host=127.0.0.1\nrendezvous.port=0\nrendezvous.public-host=localhost\n");
    broker = Program.rendezvous(directory, "serve");
    port = Integer.parseInt(broker.await("Listening on https://127\\.0\\.0\\.1:(\\d+)"));
  }

  @AfterEach
  void stop() {
    broker.close();
  }

  /** Creates an entry, with keys that the user of a hidden server has added to its file. */
  private Provisioning entry(String name, String keys) throws Exception {
    String json =
        Program.rendezvous(directory, "entry", "create", "--label", name, "--json")
            .outputWhenDone();
    String file = json.substring(json.indexOf('{')).replaceFirst("\\{", "{" + keys + ",");
    Files.writeString(directory.resolve("entries/" + name + ".json"), file);
    return Provisioning.parse(file);
  }

  private String get(Provisioning entry, String path) throws Exception {
    return Program.start(
            directory,
            "curl",
            "-sSi",
            "--digest",
            "-u",
            entry.id() + ":x",
            "--cacert",
            "conf/registrar-ca.crt",
            "--max-time",
            "30",
            "https://localhost:" + port + path)
        .outputWhenDone();
  }

  private Program agent(String... options) throws IOException {
    String[] all = new String[5 + options.length];
    String[] common = {"agent", "--broker", "https://localhost:" + port, "--entry", "entries"};
    System.arraycopy(common, 0, all, 0, common.length);
    System.arraycopy(options, 0, all, common.length, options.length);
    return Program.rendezvous(directory, all);
  }

  private static void serve(Peer connection) throws IOException {
    String head = connection.readHead();
    switch (head.split(" ", 3)[1]) {
      case "/silent" -> Octets.untilItBreaks(connection.in());
      case "/malformed" -> connection.send("HTTP/1.1 200 OK\r\nno header\r\n\r\n");
      case "/ssh" -> connection.send("SSH-2.0-OpenSSH_9.2\r\n");
      case "/long" -> connection.send("HTTP/1.1 200 OK\r\nX: " + "y".repeat(70_000) + "\r\n\r\n");
      case "/end" -> {}
      default ->
          connection.send(
              "HTTP/1.1 200 OK\r\nContent-Length: " + head.length() + "\r\n\r\n" + head);
    }
  }

  @Test
  void entriesOfOneAgentMayHaveTheLocalServersNameOrTheClients() throws Exception {
    try (LocalServer local = new LocalServer(HttpModeIT::serve)) {
      String name = "127.0.0.1:" + local.port();
      String to = "\"to\": \"http://" + name + "\"";
      Provisioning plain = entry("plain", to);
      Provisioning own = entry("own", to + ", \"rewriteHost\": true");
      try (Program agent = agent()) {
        agent.await("plain: parked a tunnel");
        agent.await("own: parked a tunnel");
        assertThat(get(plain, "/")).contains("\nHost: localhost:" + port, "\nX-Forwarded-For: ");
        assertThat(get(own, "/")).contains("\nHost: " + name, "X-Forwarded-Host: localhost:");
      }
      try (Program agent = agent("--rewrite-host", "--no-forwarded", "--timeout", "1")) {
        agent.await("plain: parked a tunnel");
        assertThat(get(plain, "/")).contains("\nHost: " + name).doesNotContain("orwarded");
        assertThat(get(plain, "/silent"))
            .startsWith("HTTP/1.1 401")
            .contains("HTTP/1.1 504 Gateway Timeout")
            .endsWith("\"the local server at " + name + " did not answer in time\"}}");
      }
    }
  }

  @Test
  void fileWithAWrongKeyIsRefused() throws Exception {
    entry("plain", "\"to\": \"file:.\", \"rewriteHost\": false");
    Path file = directory.resolve("entries/plain.json");
    Files.writeString(file, Files.readString(file).replace("false", "\"no\""));
    try (Program agent = agent()) {
      agent.await("plain.json: .*\"rewriteHost\" is neither true nor false");
    }
  }

  @Test
  void clientIsToldWhatIsWrongWithTheLocalServer() throws Exception {
    try (LocalServer local = new LocalServer(HttpModeIT::serve)) {
      int nobody = FreePort.find();
      Provisioning home = entry("home", "\"to\": \"http://127.0.0.1:" + local.port() + "\"");
      Provisioning away = entry("away", "\"to\": \"http://127.0.0.1:" + nobody + "\"");
      try (Program agent = agent()) {
        agent.await("home: parked a tunnel");
        agent.await("away: parked a tunnel");
        assertThat(get(away, "/"))
            .contains("HTTP/1.1 502 Bad Gateway", ":" + nobody + " cannot be reached: ");
        assertThat(get(home, "/end")).contains("closed the connection without an answer");
        assertThat(get(home, "/malformed"))
            .contains("gave a malformed answer (header line without");
        assertThat(get(home, "/ssh")).contains("gave a malformed answer (malformed head)");
        assertThat(get(home, "/long")).contains("sent too long a head");
        agent.await("home: .*502: the local server at 127.0.0.1:\\d+ sent too long a head");
      }
    }
  }
}
