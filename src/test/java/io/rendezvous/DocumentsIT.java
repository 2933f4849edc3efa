package io.rendezvous;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.cli.Commands;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.MarkdownDocument;
import io.rendezvous.testing.Program;
import io.undertow.Undertow;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The examples in the documents work as they are printed, except that names which stand for others
 * (hosts, ports, UUIDs) are replaced. A broker runs in a directory like the one that the documents
 * describe, and the examples run there.
 */
class DocumentsIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path PROJECT = Path.of("").toAbsolutePath();

  /** Documents whose lines run by default. Those of the others only manage files and entries. */
  private static final String BY_DEFAULT = ".*(README|agent|clients|admin|operations)\\.md";

  private static final String PREFIX = "java -jar rendezvous.jar ";

  @TempDir private static Path directory;
  private static Program broker;
  private static Undertow local;
  private static int port;
  private static int adminPort;

  private final List<AutoCloseable> running = new ArrayList<>();

  @BeforeAll
  static void start() throws Exception {
    Files.createSymbolicLink(
        directory.resolve("rendezvous.jar"), PROJECT.resolve("target/rendezvous.jar"));
    Files.createDirectory(directory.resolve("conf"));
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        "rendezvous.host=127.0.0.1\nrendezvous.port=0\nrendezvous.public-host=localhost\n");
    Files.writeString(directory.resolve(".curlrc"), "silent\nshow-error\nfail\nmax-time = 60\n");
    local =
        Undertow.builder()
            .addHttpListener(0, "127.0.0.1")
            .setHandler(exchange -> exchange.getResponseSender().send("Hello\n"))
            .build();
    local.start();
    broker = Program.rendezvous(directory, "serve");
    port = Integer.parseInt(broker.await("Listening on https://127\\.0\\.0\\.1:(\\d+)"));
    adminPort = Integer.parseInt(broker.await("Admin page on http://127\\.0\\.0\\.1:(\\d+)"));
    Files.copy(directory.resolve("conf/registrar-ca.crt"), directory.resolve("registrar-ca.crt"));
  }

  @AfterAll
  static void stop() {
    local.stop();
    broker.close();
  }

  /** Each document starts with one entry, whose label is home. */
  @BeforeEach
  void createHome() throws Exception {
    for (JsonNode entry : JSON.readTree(api("GET", "/api/entries", "")).path("entries")) {
      api("DELETE", "/api/entries/" + entry.path("uuid").asText(), "");
    }
    provision("{\"labels\":[\"home\"]}", "home.json");
  }

  @AfterEach
  void endPrograms() throws Exception {
    for (AutoCloseable program : running) {
      program.close();
    }
  }

  private static String api(String method, String path, String body) throws Exception {
    String header = "\"Authorization: Bearer $(cat data/admin.token)\"";
    String url = "http://127.0.0.1:" + adminPort + path;
    return start("curl -X " + method + " -H " + header + " -d '" + body + "' " + url)
        .outputWhenDone();
  }

  /** Creates an entry and writes its provisioning file. */
  private static Provisioning provision(String entry, String file) throws Exception {
    String id = JSON.readTree(api("POST", "/api/entries", entry)).path("uuid").asText();
    String json = api("POST", "/api/entries/" + id + "/provisioning.json", "");
    Files.writeString(directory.resolve(file), json);
    return Provisioning.parse(json);
  }

  private static Provisioning home() throws IOException {
    return Provisioning.parse(Files.readString(directory.resolve("home.json")));
  }

  /** Starts a line in a shell. A status of 400 or more is a failure of curl, by its settings. */
  private static Program start(String line) throws IOException {
    String java = Path.of(System.getProperty("java.home"), "bin").toString();
    return Program.start(
        directory,
        Map.of(
            "PATH",
            java + ":" + System.getenv("PATH"),
            "JDK_JAVA_OPTIONS",
            "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            "RENDEZVOUS_ADMIN_PORT",
            "0",
            "CURL_HOME",
            directory.toString(),
            "CURL_CA_BUNDLE",
            directory.resolve("registrar-ca.crt").toString()),
        "bash",
        "-c",
        line);
  }

  /** Returns a line with real names in place of those that stand for them. */
  private static String real(String line) throws IOException {
    return line.replaceAll("https://broker\\.example(:443)?", "https://localhost:" + port)
        .replace("broker.example", "localhost")
        .replace("127.0.0.1:8893", "127.0.0.1:" + adminPort)
        .replace("127.0.0.1:8080", "127.0.0.1:" + localPort())
        .replace("scripts/rendezvous", PROJECT.resolve("scripts/rendezvous").toString())
        .replaceAll("\\bUUID\\b", home().id().toString());
  }

  private static int localPort() {
    return ((InetSocketAddress) local.getListenerInfo().get(0).getAddress()).getPort();
  }

  static List<MarkdownDocument> documents() throws IOException {
    return MarkdownDocument.all().stream().filter(d -> !d.blocks("sh").isEmpty()).toList();
  }

  static List<MarkdownDocument> byDefault() throws IOException {
    return documents().stream().filter(d -> d.toString().matches(BY_DEFAULT)).toList();
  }

  static List<MarkdownDocument> onlyInTheFullRun() throws IOException {
    return documents().stream().filter(d -> !d.toString().matches(BY_DEFAULT)).toList();
  }

  @ParameterizedTest
  @MethodSource("byDefault")
  void everyLineRuns(MarkdownDocument document) throws Exception {
    if (document.toString().endsWith("clients.md")) {
      serve(home());
      serve(provision("{\"labels\":[\"garden\"],\"open\":true}", "garden.json"));
    }
    for (MarkdownDocument.Block block : document.blocks("sh")) {
      for (String line : block.lines()) {
        run(line);
      }
    }
    if (document.toString().endsWith("clients.md")) { // other documents reach it without one
      api("DELETE", "/api/entries/" + home().id() + "/password", "");
    }
  }

  @Tag("long")
  @ParameterizedTest
  @MethodSource("onlyInTheFullRun")
  void everyLineOfTheOtherDocumentsRuns(MarkdownDocument document) throws Exception {
    everyLineRuns(document);
  }

  /** Runs a line. One that does not end by itself goes on beside the lines after it. */
  private void run(String line) throws Exception {
    if (line.contains(" check ")) {
      check(line);
      return;
    }
    String command = real(line);
    if (line.contains(" create --label home ")) {
      api("DELETE", "/api/entries/" + home().id(), ""); // its label would be taken
      Files.delete(directory.resolve("home.json"));
    }
    if (line.contains(" entry password ")) {
      command = "echo PASSWORD | " + command; // there is no terminal to ask
    }
    Program program = start(command);
    if (line.endsWith(" demo")) {
      running.add(program);
      String printed = program.await("^ *(curl --digest --user .*)$");
      assertThat(start(printed).outputWhenDone()).contains("Hello");
    } else if (line.contains(" agent ")) {
      running.add(program);
      program.await("parked a tunnel at localhost:\\d+ \\(8 of 8\\)");
    } else {
      boolean silent = program.outputWhenDone().isBlank();
      assertThat(silent && !line.contains(" > ")).as(line).isFalse();
    }
  }

  /** Runs a check in this process, which saves much, and without its long silence. */
  private void check(String line) throws Exception {
    if (line.contains(" --as-client")) {
      serve(home());
    } else {
      endPrograms(); // another hidden server would take requests of the check
    }
    assertThat(line).startsWith(PREFIX);
    String command =
        real(line.substring(PREFIX.length()))
            .replace("home.json", directory.resolve("home.json").toString());
    PrintStream out = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      assertThat(Commands.run((command + " --idle 1").split(" ", -1))).isZero();
    } finally {
      System.setOut(out);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8)).contains("ok  ").doesNotContain("FAIL");
  }

  private void serve(Provisioning entry) throws IOException {
    HiddenServer server =
        HiddenServer.of(entry).serve(exchange -> exchange.getResponseSender().send("Hello\n"));
    running.add(server);
    Awaitility.await().until(() -> server.status().parked() > 0);
  }

  // Programs.

  /** Asks the hidden server home. */
  private static Program curl() throws IOException {
    return start("curl --digest --user " + home().id() + ":x https://localhost:" + port + "/");
  }

  @Test
  void programInNodeIsAHiddenServer() throws Exception {
    String script = MarkdownDocument.named("node").blocks("js").get(0).text();
    Files.writeString(directory.resolve("hidden.js"), script);
    Files.copy(directory.resolve("home.json"), directory.resolve("entry.json"));
    Program node = start("exec node hidden.js");
    running.add(node);
    node.await("parked");
    assertThat(curl().outputWhenDone()).isEqualTo("Hello from behind the NAT");
  }

  static List<String> programsInJava() throws IOException {
    return MarkdownDocument.named("java").blocks("java").stream()
        .map(MarkdownDocument.Block::text)
        .toList();
  }

  @ParameterizedTest
  @MethodSource("programsInJava")
  void programInJavaIsAHiddenServer(String source, @TempDir Path classes) throws Exception {
    MatchResult name =
        Pattern.compile("public class (\\w+)").matcher(source).results().findFirst().orElseThrow();
    Path file = Files.writeString(classes.resolve(name.group(1) + ".java"), source);
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    String[] options = {"-Werror", "-cp", classPath, file.toString()};
    assertThat(ToolProvider.getSystemJavaCompiler().run(null, null, null, options)).isZero();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {classes.toUri().toURL()})) {
      String[] arguments = {directory.resolve("home.json").toString()};
      Thread program =
          new Thread(() -> runMain(loader, name.group(1), arguments), "test-java-example");
      program.start();
      Awaitility.await().until(DocumentsIT::isAnswered);
      program.interrupt();
      program.join(60_000);
      assertThat(program.isAlive()).isFalse();
    }
  }

  private static void runMain(ClassLoader loader, String name, String[] arguments) {
    try {
      loader.loadClass(name).getMethod("main", String[].class).invoke(null, (Object) arguments);
    } catch (ReflectiveOperationException e) {
      // It was interrupted; or else no client is answered.
    }
  }

  private static boolean isAnswered() throws Exception {
    Program curl = curl();
    return curl.exitCode() == 0 && curl.output().matches("Hello from inside a program|hi");
  }

  @Test
  void metricsThatAreNamedExist() throws Exception {
    start("curl --user " + UUID.randomUUID() + ":x https://localhost:" + port + "/")
        .exitCode(); // is refused, and counted
    String scrape = api("GET", "/metrics", "");
    List<String> names =
        MarkdownDocument.named("operations").spans().stream()
            .filter(span -> span.matches("rendezvous_\\w*[a-z]"))
            .toList();
    assertThat(names).hasSizeGreaterThan(10);
    assertThat(names)
        .allMatch(name -> Pattern.compile("(?m)^" + name + "(_count)?[ {]").matcher(scrape).find());
  }
}
