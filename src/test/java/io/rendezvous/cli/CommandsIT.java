package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.Directories;
import io.rendezvous.testing.FreePort;
import io.rendezvous.testing.Program;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands of the jar, as people type them. */
class CommandsIT {
  private static final String ID = "2f402f80-da50-11e1-9b23-0123456789ab";

  /** Of each: its exit code, its words, and a part of the one line that it prints. */
  private static final List<String> MISTAKES =
      List.of(
          "2 |                                  | Missing command",
          "2 | nonsense                         | nonsense",
          "2 | entry                            | Missing command: create, list, show, delete,",
          "1 | entry show nonsense              | No entry with UUID or label nonsense",
          "2 | entry create --id nonsense       | Not a UUID: nonsense",
          "1 | entry delete nonsense            | No entry with UUID or label nonsense",
          "1 | entry create --out x/y           | there is no directory for x/y",
          "2 | entry create --digits 5          | digits",
          "2 | entry create --label a_b         | not a label",
          "2 | agent                            | --to",
          "2 | agent --to localhost:1           | --entry FILE",
          "2 | agent --to localhost --entry x   | not a target (PORT, HOST:PORT",
          "2 | agent --to a:1 --entry x.json    | x.json",
          "2 | agent --to a:1 --to b:2 --broker https://a:1 --id 2f402f80-da50-11e1-9b23-0123456789ab --secret AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA | one --to TARGET for all entries",
          "2 | agent --to a:1 --broker https://a:1 --id 2f402f80-da50-11e1-9b23-0123456789ab | --secret-file FILE",
          "2 | agent --to file:/no/such --broker https://a:1 --id 2f402f80-da50-11e1-9b23-0123456789ab --secret AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA | there is no directory",
          "2 | agent check                      | --entry FILE",
          "1 | agent check --entry x.json       | x.json",
          "2 | agent check --as-client          | Missing: --entry FILE, or --broker and --id",
          "2 | agent check --path /             | needs --as-client",
          "2 | agent check --as-client --path a | must begin with /",
          "1 | agent check --as-client --entry x.json | x.json",
          "1 | token --entry x.json             | x.json",
          "2 | serve --config x.properties      | there is no file x.properties",
          "2 | entry list --directory x         | there is no directory x",
          "1 | entry show 2f402f80-da50-11e1-9b23-0123456789ab | No entry with UUID");

  @TempDir private Path directory;

  private Program run(String... arguments) throws IOException {
    return Program.rendezvous(directory, arguments);
  }

  @Test
  void entryIsCreatedListedShownAndDeleted() throws Exception {
    Directories.installBroker(directory);
    String created =
        run(
                "entry",
                "create",
                "--id",
                ID.toUpperCase(Locale.ROOT),
                "--label",
                "Home",
                "--digits",
                "6")
            .outputWhenDone();
    assertThat(created)
        .contains("Created a certificate: conf/registrar.crt")
        .contains("Created " + ID);
    assertThat(run("entry", "list").outputWhenDone()).isEqualTo(ID + " home");
    assertThat(run("entry", "list", "--json").outputWhenDone())
        .contains("\"uuid\" : \"" + ID + "\"")
        .doesNotContain("base32");
    String json = run("entry", "show", ID, "--json").outputWhenDone();
    Provisioning shown = Provisioning.parse(json);
    assertThat(shown.totp().digits()).isEqualTo(6);
    assertThat(shown.port()).isEqualTo(8899);
    assertThat(shown.ca().orElseThrow())
        .isEqualTo(Files.readString(directory.resolve("conf/registrar-ca.crt")));
    String js = run("entry", "show", ID, "--js").outputWhenDone();
    assertThat(Provisioning.parse(js)).isEqualTo(shown);
    assertThat(run("entry", "show", "HOME").outputWhenDone()).isEqualTo(json);
    assertThat(run("entry", "show", ID, "--qr").outputWhenDone().lines()).hasSizeGreaterThan(20);
    Files.writeString(directory.resolve("home.json"), json);
    assertThat(run("token", "--entry", "home.json").outputWhenDone()).matches("\\d{6}");
    assertThat(run("entry", "delete", ID).outputWhenDone()).isEqualTo("Deleted " + ID);
    Program again = run("entry", "delete", ID);
    assertThat(again.exitCode()).isEqualTo(1);
    assertThat(again.output()).isEqualTo("No entry with UUID " + ID);
  }

  @Test
  void entriesAreLookedAfterByWayOfTheBrokerThatRuns() throws Exception {
    int adminPort = FreePort.find();
    List<String> options = List.of("-Drendezvous.port=0", "-Drendezvous.admin.port=" + adminPort);
    try (Program broker = Program.rendezvous(directory, options, "serve")) {
      String port = broker.await("Listening on https://.*:(\\d+)$");
      broker.await("Admin page on http://127.0.0.1:" + adminPort + "/");
      String url = Program.rendezvous(directory, options, "admin").outputWhenDone();
      assertThat(url).matches("http://127\\.0\\.0\\.1:" + adminPort + "/#token=[\\w-]{43}");
      assertThat(url)
          .doesNotContain(Files.readString(directory.resolve("data/admin.token")).strip());
      String again = Program.rendezvous(directory, options, "admin").outputWhenDone();
      assertThat(again).isNotEqualTo(url);
      String printed =
          Program.rendezvous(
                  directory, options, "entry", "create", "--id", ID, "--label", "a", "--json")
              .outputWhenDone();
      Provisioning file = Provisioning.parse(printed.substring(printed.indexOf('{')));
      // Only the broker knows its port.
      assertThat(file.port()).isEqualTo(Integer.parseInt(port));
      assertThat(broker.await("action=create entry=(\\S+)")).isEqualTo("2f402f80");
      Program same =
          Program.rendezvous(directory, options, "entry", "create", "--label", "a", "--json");
      assertThat(same.exitCode()).isEqualTo(1);
      assertThat(same.output()).endsWith("the label a belongs to another entry");
      assertThat(Program.rendezvous(directory, options, "entry", "list").outputWhenDone())
          .isEqualTo(ID + " a");
      String js =
          Program.rendezvous(directory, options, "entry", "show", ID, "--js").outputWhenDone();
      assertThat(Provisioning.parse(js)).isEqualTo(file);
      assertThat(Program.rendezvous(directory, options, "entry", "delete", ID).outputWhenDone())
          .isEqualTo("Deleted " + ID);
      broker.await("action=delete entry=2f402f80");
      Program gone = Program.rendezvous(directory, options, "entry", "delete", ID);
      assertThat(gone.exitCode()).isEqualTo(1);
      assertThat(gone.output()).isEqualTo("No entry with UUID " + ID);
      assertThat(broker.output()).doesNotContain(file.totp().base32(), url.replaceFirst(".*=", ""));
    }
  }

  @Test
  void whoeverListensWhereTheBrokerWouldIsNotShownTheToken() throws Exception {
    try (ServerSocket impostor = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      List<String> options =
          List.of("-Drendezvous.port=0", "-Drendezvous.admin.port=" + impostor.getLocalPort());
      try (Program broker = Program.rendezvous(directory, options, "serve")) {
        broker.await("There is no admin page on 127.0.0.1:" + impostor.getLocalPort());
        broker.await("Listening on ");
        for (String command : List.of("entry list", "entry create")) {
          List<String> words = new ArrayList<>(List.of(command.split(" ")));
          Program.rendezvous(directory, options, words.toArray(String[]::new)).outputWhenDone();
        }
        Program link = Program.rendezvous(directory, options, "admin");
        assertThat(link.exitCode()).isEqualTo(1);
        assertThat(link.output()).contains("No broker is running here");
      }
      impostor.setSoTimeout(1);
      assertThatThrownBy(impostor::accept).isInstanceOf(SocketTimeoutException.class);
    }
  }

  @Test
  void jsonOfANewEntryIsAllThatIsOnStandardOutput() throws Exception {
    Directories.installBroker(directory);
    Program program =
        Program.start(
            directory,
            Map.of("RENDEZVOUS_PUBLIC_HOST", "localhost"),
            "sh",
            "-c",
            String.join(" ", Program.commandLine(List.of(), "entry", "create", "--json"))
                + " 2>err");
    Provisioning.parse(program.outputWhenDone());
    assertThat(Files.readString(directory.resolve("err")))
        .contains("Warning: other machines cannot reach the broker as localhost");
  }

  /** All of them in one process, which costs as much as one of them. */
  @Test
  void mistakeIsOneLineThatSaysWhatIsWrong() throws Exception {
    Directories.installBroker(directory);
    List<String[]> mistakes = MISTAKES.stream().map(line -> line.split("\\|", 3)).toList();
    Files.write(
        directory.resolve("commands"), mistakes.stream().map(row -> row[1].strip()).toList());
    List<String> output =
        Program.start(directory, EachCommand.class, "commands").outputWhenDone().lines().toList();
    assertThat(output).hasSize(2 * mistakes.size());
    for (int i = 0; i < mistakes.size(); i++) {
      String[] row = mistakes.get(i);
      assertThat(output.get(2 * i)).as(row[1]).contains(row[2].strip()).doesNotContain("\tat ");
      assertThat(output.get(2 * i + 1)).as(row[1]).isEqualTo(EachCommand.CODE + row[0].strip());
    }
  }

  @Test
  void mistakeHasItsExitCodeInAProcessOfItsOwn() throws Exception {
    Directories.installBroker(directory);
    for (String row : List.of("2|nonsense", "1|entry show nonsense")) {
      Program program = run(row.substring(2).split(" ", -1));
      assertThat(program.exitCode()).as(row).isEqualTo(row.charAt(0) - '0');
      assertThat(program.output()).contains("nonsense").doesNotContain("\tat ");
      assertThat(program.lines()).hasSize(1);
    }
  }

  @Test
  void stackTraceIsShownToThoseWhoAskForIt() throws Exception {
    Program program = run("--verbose", "token", "--entry", "x.json");
    assertThat(program.exitCode()).isEqualTo(1);
    assertThat(program.output()).contains("NoSuchFileException").contains("\tat ");
  }

  @Test
  void certificateNamesWhatItIsAskedTo() throws Exception {
    run("cert", "--host", "b.example", "--host", "192.0.2.7", "--out", "keys").outputWhenDone();
    String text =
        Program.start(directory, "openssl", "x509", "-in", "keys/registrar.crt", "-noout", "-text")
            .outputWhenDone();
    assertThat(text)
        .contains("Subject: CN = b.example")
        .contains("DNS:b.example, IP Address:192.0.2.7")
        .contains("DNS:localhost")
        .contains("NIST CURVE: P-256");
  }

  @Test
  void versionAndHelpAreThere() throws Exception {
    assertThat(run("--version").outputWhenDone()).matches("rendezvous \\d+\\.\\d+\\.\\d+");
    assertThat(run("--help").outputWhenDone()).contains("serve", "entry", "agent", "demo", "cert");
    assertThat(run("agent", "--help").outputWhenDone()).contains("--tunnels", "--insecure");
  }

  @Test
  void scriptRunsFromAnywhere() throws Exception {
    Path script = Path.of("scripts", "rendezvous").toAbsolutePath();
    assertThat(Program.start(directory, script.toString(), "--version").outputWhenDone())
        .contains("rendezvous ");
    try (Stream<Path> left = Files.list(directory)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void scriptNamesTheVersionOfAJavaThatIsTooOld() throws Exception {
    Path bin = Files.createDirectories(directory.resolve("old/bin"));
    Path java = bin.resolve("java");
    Files.writeString(java, "#!/bin/sh\necho 'openjdk version \"1.8.0_392\"' >&2\n");
    Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwx------"));
    Program program =
        Program.start(
            directory,
            Map.of("JAVA_HOME", directory.resolve("old").toString()),
            Path.of("scripts", "rendezvous").toAbsolutePath().toString(),
            "--version");
    assertThat(program.exitCode()).isEqualTo(1);
    assertThat(program.output())
        .isEqualTo(
            "Rendezvous needs Java 17 or newer; this is Java 8 (" + java + "). Set JAVA_HOME.");
  }
}
