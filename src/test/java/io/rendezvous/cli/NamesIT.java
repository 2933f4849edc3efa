package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Program;
import io.rendezvous.testing.Site;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hidden servers that are reached by name, as one sets them up with the commands. */
class NamesIT {
  @TempDir private Path directory;

  private String run(String... arguments) throws Exception {
    return Program.rendezvous(directory, arguments).outputWhenDone();
  }

  private String curl(int port, String host, String... more) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                "curl",
                "-sS",
                "--cacert",
                "conf/registrar-ca.crt",
                "--max-time",
                "60",
                "-w",
                " %{http_code}",
                "--resolve",
                host + ":" + port + ":127.0.0.1"));
    command.addAll(List.of(more));
    command.add("https://" + host + ":" + port + "/hello");
    return Program.start(directory, command.toArray(String[]::new)).outputWhenDone();
  }

  @Test
  void wildcardCertificateAndLabelsSuffice() throws Exception {
    Files.createDirectory(directory.resolve("conf"));
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        """
        rendezvous.host=127.0.0.1
        rendezvous.port=0
        rendezvous.domain=servers.example
        rendezvous.public-host=localhost
        """);
    run("cert", "--host", "servers.example", "--host", "*.servers.example");
    try (Program broker = Program.rendezvous(directory, "serve");
        Site site = new Site()) {
      int port = Integer.parseInt(broker.await("Listening on https://127\\.0\\.0\\.1:(\\d+)"));
      for (String flag : List.of("", "--open", "--challenge")) {
        String label = flag.isEmpty() ? "home" : flag.substring(2);
        List<String> create = new ArrayList<>(List.of("entry", "create", "--json"));
        create.addAll(List.of("--label", label));
        if (!flag.isEmpty()) {
          create.add(flag);
        }
        Files.writeString(
            directory.resolve(label + ".json"),
            run(create.toArray(String[]::new)).replaceFirst("(?s)^[^{]*", ""));
      }
      try (Program agent =
          Program.rendezvous(
              directory,
              "agent",
              "--tunnels",
              "2",
              "--broker",
              "https://localhost:" + port,
              "--to",
              "127.0.0.1:" + site.port(),
              "--entry",
              "home.json",
              "--entry",
              "open.json",
              "--entry",
              "challenge.json")) {
        for (String label : List.of("home", "open", "challenge")) {
          agent.await(label + ": parked a tunnel at localhost:\\d+ \\(2 of 2\\)");
        }
        assertThat(curl(port, "home.servers.example")).isEqualTo("hello from /hello 200");
        assertThat(curl(port, "HOME.servers.example", "-H", "Authorization: Bearer x"))
            .isEqualTo("hello from /hello 200");
        assertThat(curl(port, "nobody.servers.example")).endsWith(" 404");
        assertThat(curl(port, "challenge.servers.example")).endsWith(" 401");
        assertThat(curl(port, "servers.example", "--digest", "-u", "open:x"))
            .isEqualTo("hello from /hello 200");
        assertThat(curl(port, "servers.example", "--digest", "-u", "home:x")).endsWith(" 401");
      }
    }
  }
}
