package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.Nets;
import io.rendezvous.testing.Program;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Broker and agent on two networks between which packets are lost silently. */
class HalfOpenIT {
  private static final int PORT = 8899;
  private static final String FOUND = "what was asked for";

  @TempDir private Path directory;
  private Nets nets;
  private Program broker;
  private Program agent;
  private Provisioning home;

  @BeforeEach
  void start() throws Exception {
    Assumptions.assumeTrue(Nets.arePossible(), "network namespaces need root");
    nets = new Nets();
    Files.createDirectory(directory.resolve("conf"));
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        "rendezvous.host=0.0.0.0\nrendezvous.public-host=" + Nets.BROKER + "\n");
    broker = Program.start(directory, nets.inBrokers(Program.commandLine(List.of(), "serve")));
    broker.await("Listening on https://");
    String json =
        Program.rendezvous(directory, "entry", "create", "--label", "home", "--json")
            .outputWhenDone();
    Files.writeString(directory.resolve("home.json"), json.substring(json.indexOf('{')));
    home = Provisioning.parse(Files.readString(directory.resolve("home.json")));
    Files.createDirectory(directory.resolve("public"));
    Files.writeString(directory.resolve("public/a.txt"), FOUND);
    agent =
        Program.start(
            directory,
            nets.inAgents(
                Program.commandLine(
                    List.of(), "agent", "--entry", "home.json", "--to", "file:public")));
    agent.await("parked a tunnel at .* \\(8 of 8\\)");
  }

  @AfterEach
  void stop() throws Exception {
    for (Program program : List.of(agent, broker)) {
      program.close();
    }
    nets.close();
  }

  /** Sends a request from the broker's network. */
  private Program ask(String patience) throws Exception {
    return Program.start(
        directory,
        nets.inBrokers(
            List.of(
                "curl",
                "-sSv",
                "--digest",
                "-u",
                home.id() + ":x",
                "--cacert",
                "conf/registrar-ca.crt",
                "--max-time",
                patience,
                "https://" + Nets.BROKER + ":" + PORT + "/a.txt")));
  }

  /** Waits until the broker answers with an error: before it notices the cut, clients hang. */
  private void awaitRefused() {
    Awaitility.await()
        .atMost(Duration.ofSeconds(90))
        .until(
            () -> {
              try (Program asking = ask("8")) {
                asking.exitCode();
                return asking.output().contains("\"error\"");
              }
            });
  }

  private void awaitLine(String part, int times) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(90))
        .untilAsserted(
            () ->
                assertThat(agent.lines().stream().filter(line -> line.contains(part)).count())
                    .as(agent.output())
                    .isGreaterThanOrEqualTo(times));
  }

  /** Prints the times, but does not assert them. */
  @Test
  void bothEndsNoticeACutAndFindEachOtherAgain() throws Exception {
    assertThat(ask("60").outputWhenDone()).contains(FOUND);
    long began = System.nanoTime();
    nets.cut();
    awaitLine("a tunnel was lost", 1);
    System.out.printf("the agent noticed after %.1f s%n", (System.nanoTime() - began) / 1e9);
    awaitRefused();
    System.out.printf("the broker noticed after %.1f s%n", (System.nanoTime() - began) / 1e9);
    nets.restore();
    began = System.nanoTime();
    int before = (int) agent.lines().stream().filter(l -> l.contains("(8 of 8)")).count();
    awaitLine("(8 of 8)", before + 1);
    System.out.printf("all were parked again after %.1f s%n", (System.nanoTime() - began) / 1e9);
    assertThat(ask("60").outputWhenDone()).contains(FOUND);
  }

  @Test
  void shortCutGoesByUnnoticed() throws Exception {
    nets.cut();
    Program asking = ask("60");
    asking.await("> Authorization: Digest");
    nets.restore();
    assertThat(asking.outputWhenDone()).contains(FOUND);
  }

  @Test
  void machineThatHasMovedParksFreshTunnelsAtOnce() throws Exception {
    nets.moveAgent();
    agent.await("this machine has slept or changed its network; parking fresh tunnels");
    awaitLine("(8 of 8)", 2);
    assertThat(ask("60").outputWhenDone()).contains(FOUND);
  }
}
