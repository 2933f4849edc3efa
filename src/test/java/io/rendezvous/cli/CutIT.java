package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.Nets;
import io.rendezvous.testing.Program;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An agent whose network is cut off silently: no request is handed to one of its tunnels
 * (protocol.md, 1.3), so clients may try again until it is back.
 */
class CutIT {
  private static final int POSTS = 100;
  private static final String SERVER =
      """
      require('node:http').createServer((request, response) => {
        let body = '';
        request.on('data', part => body += part).on('end', () => {
          console.log(`received ${body}`);
          response.setHeader('Connection', 'close');
          response.end(body);
        });
      }).listen(8080, '127.0.0.1', () => console.log('listening'));
      """;

  @TempDir private Path directory;
  private Nets nets;
  private Program broker;
  private Program server;
  private Program agent;
  private Provisioning home;

  @BeforeEach
  void start() throws Exception {
    Assumptions.assumeTrue(Nets.arePossible(), "network namespaces need root");
    nets = new Nets();
    Files.createDirectory(directory.resolve("conf"));
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        "rendezvous.host=0.0.0.0\nrendezvous.public-host="
            + Nets.BROKER
            + "\nrendezvous.probe=1s\n");
    broker = Program.start(directory, nets.inBrokers(Program.commandLine(List.of(), "serve")));
    broker.await("Listening on https://");
    String json = Program.rendezvous(directory, "entry", "create", "--json").outputWhenDone();
    home = Provisioning.parse(json.substring(json.indexOf('{')));
    Files.writeString(directory.resolve("home.json"), home.toJson());
    server = Program.start(directory, nets.inAgents(List.of("node", "-e", SERVER)));
    server.await("listening");
    String[] command = {"agent", "--entry", "home.json", "--to", "127.0.0.1:8080"};
    agent = Program.start(directory, nets.inAgents(Program.commandLine(List.of(), command)));
    agent.await("\\(8 of 8\\)");
  }

  @AfterEach
  void stop() throws Exception {
    for (Program program : List.of(agent, server, broker)) {
      program.close();
    }
    nets.close();
  }

  /** Sends numbered POSTs from the broker's network, each until it is answered with 200. */
  private Program post() throws Exception {
    String curl =
        "until curl -s -o /dev/null -w 'N %{http_code} %{time_total}\\n' --max-time 60 --fail --basic"
            + " -u ID:x --cacert conf/registrar-ca.crt -d N. https://BROKER:8899/; do sleep 1; done";
    String all = "seq " + POSTS + " | xargs -P 20 -I N sh -c \"" + curl + "\"";
    String command = all.replace("ID", home.id().toString()).replace("BROKER", Nets.BROKER);
    return Program.start(directory, nets.inBrokers(List.of("sh", "-c", command)));
  }

  @Test
  void noPostIsLostOrDoubledDuringAndAfterACut() throws Exception {
    Awaitility.await().pollDelay(Duration.ofMillis(1500)).until(() -> true);
    nets.cut();
    try (Program posts = post()) {
      posts.await(" 503 ");
      Awaitility.await().pollDelay(Duration.ofSeconds(8)).until(() -> true);
      nets.restore();
      List<String[]> answers =
          posts.outputWhenDone().lines().map(line -> line.split(" ", -1)).toList();
      assertThat(answers).extracting(line -> line[1]).containsOnly("200", "404", "503");
      assertThat(answers).filteredOn(line -> line[1].equals("200")).hasSize(POSTS);
      assertThat(answers)
          .as("the client waits no longer than ever")
          .extracting(line -> Double.parseDouble(line[2]))
          .allMatch(seconds -> seconds < 8);
      System.out.printf("%d POSTs, %d answers%n", POSTS, answers.size());
    }
    assertThat(server.lines().stream().filter(line -> line.startsWith("received ")))
        .containsExactlyInAnyOrderElementsOf(
            IntStream.rangeClosed(1, POSTS).mapToObj(n -> "received " + n + ".").toList());
  }
}
