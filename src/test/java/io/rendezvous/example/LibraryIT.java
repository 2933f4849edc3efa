package io.rendezvous.example;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Program;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathExpressionException;
import javax.xml.xpath.XPathFactory;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;

/** What a program gets that depends on the library: its classes, and no say in logging. */
class LibraryIT {
  private static final Path TARGET = Path.of("target").toAbsolutePath();
  private static final String LOG_SETTINGS = "simplelogger.properties";

  private static Document pom;
  private static String version;

  @TempDir private Path directory;
  private final List<Path> links = new ArrayList<>();

  @BeforeAll
  static void readPom() throws Exception {
    pom = DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse("pom.xml");
    version = fromPom("/project/version");
  }

  /** Removes the links to the local repository, of which the deletion of a directory warns. */
  @AfterEach
  void removeLinks() throws IOException {
    for (Path link : links) {
      Files.delete(link);
    }
  }

  private static String fromPom(String path) throws XPathExpressionException {
    XPath xpath = XPathFactory.newDefaultInstance().newXPath();
    String text = xpath.evaluate(path, pom);
    assertThat(text).as(path).isNotEmpty();
    return text;
  }

  private static Path libraryJar() {
    return TARGET.resolve("rendezvous-" + version + ".jar");
  }

  private static Set<String> files(Path jar) throws IOException {
    try (JarFile open = new JarFile(jar.toFile())) {
      return open.stream()
          .filter(entry -> !entry.isDirectory())
          .map(entry -> entry.getName())
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  @Test
  void libraryHoldsWhatIsOursAndNothingElse() throws Exception {
    assertThat(files(libraryJar()))
        .contains("io/rendezvous/agent/HiddenServer.class")
        .allMatch(name -> name.startsWith("io/rendezvous/") || name.startsWith("META-INF/"));
    assertThat(files(TARGET.resolve("rendezvous.jar")))
        .contains(LOG_SETTINGS, "org/slf4j/simple/SimpleLogger.class", "picocli/CommandLine.class");
  }

  @Test
  void sourcesAndTheDocumentationOfTheApiComeWithIt() throws Exception {
    assertThat(files(TARGET.resolve("rendezvous-" + version + "-sources.jar")))
        .contains("io/rendezvous/agent/HiddenServer.java", "io/rendezvous/Broker.java");
    assertThat(files(TARGET.resolve("rendezvous-" + version + "-javadoc.jar")))
        .contains(
            "io/rendezvous/agent/HiddenServer.Builder.html",
            "io/rendezvous/entry/Provisioning.html",
            "io/rendezvous/http/proxy/ReverseProxy.Options.html")
        .doesNotContain("io/rendezvous/agent/ConnectResponse.html");
  }

  /** Builds a program with Maven, without the network, from the example and this library. */
  @Test
  void programThatDependsOnItIsReachedAndHasItsOwnLogging() throws Exception {
    try (TestBroker broker = TestBroker.start()) {
      Files.writeString(directory.resolve("home.json"), provisioning(broker).toJson());
      writeProgram();
      try (Program maven = build()) {
        awaitParked(broker, maven);
        assertServed(broker);
        maven.outputWhenDone();
      }
    }
  }

  private static void assertServed(TestBroker broker) throws IOException {
    try (Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      assertThat(client.readResponse()).endsWith("\r\n\r\nHello from inside a program\n");
    }
  }

  /** Waits for Maven to compile the program and to start it. */
  private static void awaitParked(TestBroker broker, Program maven) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(90))
        .until(() -> !maven.isRunning() || broker.broker().connected().totals().parked() > 0);
    assertThat(maven.isRunning()).as(maven.output()).isTrue();
  }

  private static Provisioning provisioning(TestBroker broker) throws IOException {
    return new Provisioning(
        broker.id(),
        List.of(),
        broker.entry().totp(),
        "localhost",
        broker.port(),
        Optional.of(Files.readString(Keys.directory().resolve("registrar-ca.crt"))));
  }

  private Program build() throws IOException {
    return Program.start(
        directory,
        Map.of("JAVA_HOME", System.getProperty("java.home")),
        "mvn",
        "--batch-mode",
        "--offline",
        "-Dmaven.repo.local=" + repository(),
        "test");
  }

  /** Returns a local repository that has what this build has, and the library. */
  private Path repository() throws IOException {
    Path original = Path.of(System.getProperty("localRepository"));
    Path repository = Files.createDirectory(directory.resolve("repository"));
    linkAll(original, repository, "io");
    Path io = Files.createDirectory(repository.resolve("io"));
    linkAll(original.resolve("io"), io, "rendezvous");
    Path library = Files.createDirectories(io.resolve("rendezvous/rendezvous").resolve(version));
    Files.copy(libraryJar(), library.resolve("rendezvous-" + version + ".jar"));
    Files.copy(Path.of("pom.xml"), library.resolve("rendezvous-" + version + ".pom"));
    return repository;
  }

  private void linkAll(Path from, Path to, String except) throws IOException {
    try (Stream<Path> children = Files.list(from)) {
      for (Path child : children.toList()) {
        if (!child.endsWith(except)) {
          links.add(Files.createSymbolicLink(to.resolve(child.getFileName()), child));
        }
      }
    }
  }

  private void writeProgram() throws Exception {
    Path main = Files.createDirectories(directory.resolve("src/main/java/io/rendezvous/example"));
    Files.copy(
        Path.of("src/test/java/io/rendezvous/example/Hello.java"), main.resolve("Hello.java"));
    Path test = Files.createDirectories(directory.resolve("src/test/java/program"));
    Files.writeString(test.resolve("ProgramTest.java"), PROGRAM_TEST);
    Files.writeString(
        directory.resolve("pom.xml"),
        PROGRAM_POM.formatted(
            version,
            fromPom("//junit.version"),
            plugin("maven-resources-plugin")
                + plugin("maven-compiler-plugin")
                + plugin("maven-surefire-plugin")));
  }

  private static String plugin(String name) throws XPathExpressionException {
    String its = fromPom("//plugin[artifactId='" + name + "']/version");
    return "<plugin><artifactId>" + name + "</artifactId><version>" + its + "</version></plugin>";
  }

  private static final String PROGRAM_POM =
      """
      <project>
        <modelVersion>4.0.0</modelVersion>
        <groupId>example</groupId>
        <artifactId>program</artifactId>
        <version>1</version>
        <properties>
          <maven.compiler.release>17</maven.compiler.release>
          <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
        </properties>
        <dependencies>
          <dependency>
            <groupId>io.rendezvous</groupId>
            <artifactId>rendezvous</artifactId>
            <version>%s</version>
          </dependency>
          <dependency>
            <groupId>org.junit.jupiter</groupId>
            <artifactId>junit-jupiter</artifactId>
            <version>%s</version>
            <scope>test</scope>
          </dependency>
        </dependencies>
        <build><plugins>%s</plugins></build>
      </project>
      """;

  private static final String PROGRAM_TEST =
      """
      package program;

      import static org.junit.jupiter.api.Assertions.*;

      import io.rendezvous.agent.HiddenServer;
      import io.rendezvous.example.Hello;
      import java.nio.file.Path;
      import java.util.List;
      import org.junit.jupiter.api.Test;
      import org.slf4j.LoggerFactory;
      import org.slf4j.helpers.NOPLoggerFactory;

      class ProgramTest {
        @Test
        void isReached() throws Exception {
          try (HiddenServer server = Hello.start(Path.of("home.json"))) {
            for (int i = 0; i < 600 && server.status().traffic().requests() == 0; i++) {
              Thread.sleep(100);
            }
            assertEquals(1, server.status().traffic().requests());
          }
        }

        @Test
        void choosesItsLogging() {
          assertInstanceOf(NOPLoggerFactory.class, LoggerFactory.getILoggerFactory());
          assertNull(getClass().getResource("/simplelogger.properties"));
        }

        @Test
        void isSparedWhatOnlyABrokerNeeds() {
          for (String name :
              List.of(
                  "org.slf4j.simple.SimpleLogger",
                  "org.redisson.Redisson",
                  "io.netty.buffer.ByteBuf",
                  "picocli.CommandLine",
                  "io.micrometer.core.instrument.Meter",
                  "io.smallrye.config.SmallRyeConfig",
                  "io.nayuki.qrcodegen.QrCode")) {
            assertThrows(ClassNotFoundException.class, () -> Class.forName(name), name);
          }
        }
      }
      """;
}
