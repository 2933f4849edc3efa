package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.FaultRelay;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.MarkdownDocument;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Program;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Liveness probes of hidden servers of several kinds (protocol.md, 1.3). */
class ProbeIT {
  private static final Duration LONG_SILENCE = Duration.ofSeconds(4);
  private static final Duration MUCH_OLDER = Duration.ofSeconds(6);
  private static final int POSTS = 80;

  @TempDir private Path directory;
  private TestBroker broker;
  private final Queue<String> received = new ConcurrentLinkedQueue<>();

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start("probe", "1s");
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  private static void growSilent() {
    Awaitility.await().pollDelay(LONG_SILENCE).until(() -> true);
  }

  /** Waits over five seconds, so that the parked tunnels count as older than those to come. */
  private static void growMuchOlder() {
    Awaitility.await().pollDelay(MUCH_OLDER).until(() -> true);
  }

  private void provision(Path file, int port) throws IOException {
    Entry entry = broker.entry();
    Optional<String> ca =
        Optional.of(Files.readString(Keys.directory().resolve("registrar-ca.crt")));
    Files.writeString(
        file,
        new Provisioning(entry.id(), entry.labels(), entry.totp(), "localhost", port, ca).toJson());
  }

  /** Starts an agent, and waits until all its tunnels are parked. */
  private Program agent(int target, int port, int tunnels) throws Exception {
    String file = "entry-" + port + ".json";
    provision(directory.resolve(file), port);
    Program agent =
        Program.rendezvous(
            directory,
            "agent",
            "--to",
            "127.0.0.1:" + target,
            "--entry",
            file,
            "--tunnels",
            Integer.toString(tunnels));
    agent.await("\\(" + tunnels + " of " + tunnels + "\\)");
    return agent;
  }

  /** Records the body of each request, and answers with it. */
  private void receive(Peer connection) throws IOException {
    String body = connection.readBody(connection.readHead());
    received.add(body);
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
  }

  private String post(String body) throws IOException {
    try (Peer client = broker.connect()) {
      String line = "Content-Length: " + body.length() + "\r\n";
      client.send(broker.request("POST", broker.entry(), "/", line) + body);
      return client.readResponse();
    }
  }

  private int count(String outcome) {
    Matcher figure =
        Pattern.compile("rendezvous_probes_total\\{outcome=\"" + outcome + "\"} (\\d+)")
            .matcher(broker.broker().metrics().scrape());
    assertThat(figure.find()).isTrue();
    return Integer.parseInt(figure.group(1));
  }

  @Test
  void hiddenServerInNodePutsItsAnswerOffAndIsNotTakenForDead() throws Exception {
    String script = MarkdownDocument.named("node").blocks("js").get(0).text();
    Files.writeString(directory.resolve("hidden.js"), script);
    provision(directory.resolve("entry.json"), broker.port());
    try (Program node = Program.start(directory, "node", "hidden.js")) {
      node.await("parked");
      growSilent();
      assertThat(post("x")).startsWith("HTTP/1.1 200 ");
      assertThat(count("deferred")).isEqualTo(1);
      assertThat(count("answered") + count("silent")).isZero();
    }
  }

  @Test
  void hiddenServerByHandWithOpensslPutsItsAnswerOffAndIsNotTakenForDead() throws Exception {
    Process openssl =
        new ProcessBuilder(
                "openssl", "s_client", "-quiet", "-connect", "localhost:" + broker.port())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (OutputStream in = openssl.getOutputStream();
        Peer client = broker.connect()) {
      in.write(broker.connectHead(broker.entry()).getBytes(StandardCharsets.US_ASCII));
      in.flush();
      broker.awaitParked(1);
      growSilent();
      client.send(broker.request("POST", broker.entry(), "/", "Content-Length: 4\r\n") + "body");
      StringBuilder read = new StringBuilder();
      while (!read.toString().endsWith("\r\n\r\nbody")) {
        read.append((char) openssl.getInputStream().read());
      }
      assertThat(read.toString().replaceFirst("(?s)^HTTP/1.1 200 OK\r\n.*?\r\n\r\n", ""))
          .startsWith("POST / HTTP/1.1\r\n")
          .containsOnlyOnce("body");
      in.write(
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".getBytes(StandardCharsets.US_ASCII));
      in.flush();
      assertThat(client.readResponse()).endsWith("hi");
      assertThat(count("deferred")).isEqualTo(1);
      assertThat(count("answered") + count("silent")).isZero();
    } finally {
      openssl.destroyForcibly();
    }
  }

  @Test
  void stoppedHiddenServerIsFoundSilentAndAnotherServes() throws Exception {
    try (LocalServer server = new LocalServer(this::receive);
        Program alive = agent(server.port(), broker.port(), 1)) {
      growMuchOlder(); // so that the others are asked first
      try (Program stopped = agent(server.port(), broker.port(), 4)) {
        growSilent();
        assertThat(post("first")).endsWith("first");
        assertThat(count("answered")).isPositive();
        broker.awaitParked(5); // the one that was used has been replaced
        stopped.signal("STOP");
        growSilent();
        assertThat(post("second")).endsWith("second");
        Awaitility.await().untilAsserted(() -> assertThat(count("silent")).isEqualTo(4));
        stopped.signal("CONT");
        Awaitility.await()
            .atMost(Duration.ofSeconds(60))
            .until(
                () ->
                    broker.broker().connected().totals().parked()
                        > 1); // it has noticed that its tunnels were closed
        growSilent();
        assertThat(post("third")).endsWith("third");
        assertThat(received).containsExactly("first", "second", "third");
        assertThat(alive.isRunning()).isTrue();
      }
    }
  }

  @Test
  void noPostIsLostOrDoubledWhereARelaySwallows() throws Exception {
    try (LocalServer server = new LocalServer(this::receive);
        FaultRelay relay = new FaultRelay(broker.port());
        Program alive = agent(server.port(), broker.port(), 2)) {
      growMuchOlder(); // so that those behind the relay are asked first
      try (Program cutOff = agent(server.port(), relay.port(), 8)) {
        broker.awaitParked(10);
        List<String> sent = new ArrayList<>();
        for (int i = 0; i < POSTS; i++) {
          if (i == POSTS / 2) {
            growSilent(); // a tunnel that was heard a moment ago is not probed
            relay.swallow();
          }
          String body = "<" + i + ">";
          assertThat(post(body)).startsWith("HTTP/1.1 200 ").endsWith(body);
          sent.add(body);
        }
        assertThat(received).containsExactlyElementsOf(sent);
        assertThat(count("silent")).isPositive();
        assertThat(alive.isRunning() && cutOff.isRunning()).isTrue();
      }
    }
  }
}
