package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.Directories;
import io.rendezvous.testing.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where commands look for a broker's files, and what they create there. */
class InstallationIT {
  private static final String NONE_HERE = "this is not the directory of a broker";

  @TempDir private Path directory;
  @TempDir private Path elsewhere;

  private Program run(String... arguments) throws IOException {
    return Program.rendezvous(directory, arguments);
  }

  private static void assertThatNothingIsIn(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "entry list",
        "entry create --label oops",
        "entry show home",
        "entry delete home",
        "admin",
        "cert --host a.example"
      })
  void commandCreatesNothingWhereThereIsNoBroker(String command) throws Exception {
    Program program = run(command.split(" ", -1));
    assertThat(program.exitCode()).isEqualTo(2);
    assertThat(program.output()).contains(NONE_HERE).contains("--directory DIR");
    assertThat(program.lines()).hasSize(1);
    assertThatNothingIsIn(directory);
  }

  @Test
  void directoryThatIsNamedHasToBeThatOfABroker() throws Exception {
    Program program = run("entry", "create", "--directory", elsewhere.toString());
    assertThat(program.exitCode()).isEqualTo(2);
    assertThat(program.output())
        .startsWith(elsewhere + " is not the directory of a broker")
        .contains("serve --directory " + elsewhere);
    assertThatNothingIsIn(elsewhere);
  }

  @Test
  void directoryIsNamedByAnOptionOrTheEnvironment() throws Exception {
    String name = elsewhere.toString();
    String made = run("cert", "--host", "a.example", "--directory", name).outputWhenDone();
    assertThat(made).isEqualTo("Created a certificate: " + elsewhere.resolve("conf/registrar.crt"));
    run("entry", "create", "--label", "home", "--directory", name).outputWhenDone();
    String json = run("entry", "show", "home", "--directory", name).outputWhenDone();
    assertThat(Provisioning.parse(json).ca().orElseThrow())
        .isEqualTo(Files.readString(elsewhere.resolve("conf/registrar-ca.crt")));
    String[] list = Program.commandLine(List.of(), "entry", "list").toArray(String[]::new);
    assertThat(
            Program.start(directory, Map.of("RENDEZVOUS_DIRECTORY", name), list).outputWhenDone())
        .endsWith(" home");
    assertThatNothingIsIn(directory);
  }

  @Test
  void listWithoutEntriesSaysSo() throws Exception {
    Directories.installBroker(directory);
    assertThat(run("entry", "list").outputWhenDone())
        .isEqualTo("There are no entries in data/entries");
  }

  @Test
  void provisioningFileIsForItsOwnerOnlyAndReplacesNone() throws Exception {
    Directories.installBroker(directory);
    Path file = directory.resolve("home.json");
    String output =
        run("entry", "create", "--label", "home", "--out", "home.json").outputWhenDone();
    assertThat(output).doesNotContain("base32");
    assertThat(Provisioning.parse(Files.readString(file)).labels()).containsExactly("home");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    Program again = run("entry", "create", "--label", "other", "--out", "home.json");
    assertThat(again.exitCode()).isEqualTo(1);
    assertThat(again.output()).isEqualTo("home.json exists already");
    assertThat(run("entry", "list").outputWhenDone()).endsWith(" home");
    run("entry", "show", "home", "--js", "--out", "home.js").outputWhenDone();
    assertThat(Files.readString(directory.resolve("home.js"))).contains("base32");
  }

  @ParameterizedTest
  @ValueSource(strings = {"serve", "entry create", "entry list"})
  void mistypedPathStopsTheCommandAndNothingIsCreatedThere(String command) throws Exception {
    Directories.installBroker(directory);
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        "rendezvous.tls.certificate=keys/nonexist.crt\nrendezvous.tls.key=keys/nonexist.key\n");
    Program program = run(command.split(" ", -1));
    assertThat(program.exitCode()).isEqualTo(2);
    assertThat(program.lines())
        .containsExactly(
            "rendezvous.tls.certificate: there is no file keys/nonexist.crt;"
                + " correct the path, or create it",
            "rendezvous.tls.key: there is no file keys/nonexist.key;"
                + " correct the path, or create it");
    assertThat(directory.resolve("keys")).doesNotExist();
    assertThat(directory.resolve("data")).doesNotExist();
  }

  @Test
  void filesThatRootCreatesBelongToTheOwnerOfTheDirectory() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root can give files away");
    UserPrincipal nobody =
        directory.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody");
    Files.setOwner(directory, nobody);
    Directories.installBroker(directory);
    Files.setOwner(directory.resolve("conf"), nobody);
    Files.setOwner(directory.resolve("conf/rendezvous.properties"), nobody);
    run("entry", "create", "--label", "home", "--out", "home.json").outputWhenDone();
    run("cert", "--host", "a.example").outputWhenDone();
    List<String> options = List.of("-Drendezvous.host=127.0.0.1", "-Drendezvous.port=0");
    try (Program serve = Program.rendezvous(directory, options, "serve")) {
      serve.await("Listening on ");
      run("entry", "create", "--label", "other").outputWhenDone();
      serve.signal("TERM");
      serve.exitCode();
    }
    assertThat(directory.resolve("data/admin.token")).exists();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.toList()) {
        assertThat(Files.getOwner(file)).as(file.toString()).isEqualTo(nobody);
      }
    }
  }
}
