package io.rendezvous;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.Documents;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Program;
import io.rendezvous.testing.TestBroker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The blocks of the documents work as they are printed. (The one in Node: see StoryIT.) */
class DocumentsIT {
  private static final Path ROOT = Path.of("").toAbsolutePath();

  @TempDir private Path directory;

  @Test
  void demoRunsAndItsCurlLineAnswers() throws Exception {
    String command = Documents.block("README.md", "demo").strip();
    assertThat(command).isEqualTo("scripts/rendezvous demo");
    try (Program demo =
        Program.start(directory, "/bin/bash", "-c", "exec " + ROOT.resolve(command))) {
      String curl = demo.await("(curl .*)");
      Program asked = Program.start(directory, "/bin/bash", "-c", curl);
      assertThat(asked.outputWhenDone()).as(curl).contains("Hello from the hidden server!");
      demo.signal("TERM");
      assertThat(demo.exitCode()).isZero();
    }
  }

  @Test
  void restLinesWork() throws Exception {
    Files.createDirectory(directory.resolve("conf"));
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        "rendezvous.port=0\nrendezvous.host=127.0.0.1\n");
    try (Program broker = Program.rendezvous(directory, "serve")) {
      String page = broker.await("(http://127\\.0\\.0\\.1:\\d+)");
      for (String line : Documents.block("admin.md", "rest").lines().toList()) {
        // The port of the documents may be somebody else's on this machine.
        String here = line.replace("http://127.0.0.1:8893", page).replace("curl ", "curl -sS ");
        String answer = Program.start(directory, "/bin/bash", "-c", here).outputWhenDone();
        assertThat(answer).as(here).containsAnyOf("\"entries\":", "\"uuid\":");
        assertThat(answer).as(here).doesNotContain("\"status\":4");
      }
    }
  }

  @Test
  void programInJavaCompilesAndServes() throws Exception {
    Files.writeString(directory.resolve("Hello.java"), Documents.block("java.md", "java"));
    try (TestBroker broker = TestBroker.start()) {
      Provisioning provisioning =
          new Provisioning(
              broker.id(),
              List.of(),
              broker.entry().totp(),
              "localhost",
              broker.port(),
              Optional.of(Files.readString(Keys.directory().resolve("registrar-ca.crt"))));
      Files.writeString(directory.resolve("home.json"), provisioning.toJson());
      String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
      String jar = ROOT.resolve("target/rendezvous.jar").toString();
      try (Program hello = Program.start(directory, java, "-cp", jar, "Hello.java");
          Peer client = broker.connect()) {
        broker.awaitParked(8);
        client.send(broker.get(broker.entry(), "/"));
        assertThat(client.readResponse()).as(hello.output()).endsWith("\r\n\r\nHello\n");
      }
    }
  }
}
