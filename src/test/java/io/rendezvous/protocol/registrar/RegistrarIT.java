package io.rendezvous.protocol.registrar;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Program;
import io.rendezvous.testing.RedisServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The jar in place of an old server, on the Redis of that server, with a hidden server and clients
 * in Node that know only the protocol.
 */
class RegistrarIT {
  private static final Path SCRIPTS =
      Path.of("src", "test", "resources", "io", "rendezvous", "protocol", "registrar")
          .toAbsolutePath();
  private static final String HOME = "2F402F80-DA50-11E1-9B23-0123456789AB";
  private static final String OTHER = "3f402f80-da50-11e1-9b23-0123456789ab";
  private static final String SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

  @TempDir private static Path directory;
  private static RedisServer redis;
  private static Program broker;
  private static String http;
  private static String tcp;

  @BeforeAll
  static void start() throws Exception {
    redis = new RedisServer();
    put(HOME.toLowerCase(Locale.ROOT));
    put(OTHER);
    redis.ask(List.of("SET", "backup", "{}")); // not an entry
    Files.createDirectory(directory.resolve("conf"));
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        "rendezvous.host=127.0.0.1\nrendezvous.port=0\nrendezvous.public-host=localhost\n"
            + "rendezvous.registrar.enabled=true\nrendezvous.registrar.port=0\n"
            + "rendezvous.registrar.tcp-port=0\nrendezvous.store=redis://127.0.0.1:"
            + redis.port());
    broker = Program.rendezvous(directory, "serve");
    http = broker.await("Registrar on https://127\\.0\\.0\\.1:(\\d+)");
    tcp = broker.await("Registrar's rendezvous port on tcp://127\\.0\\.0\\.1:(\\d+)");
  }

  @AfterAll
  static void stop() throws Exception {
    broker.close();
    redis.close();
  }

  /** Puts an entry in the form of the old servers. */
  private static void put(String id) throws Exception {
    redis.ask(
        List.of(
            "SET",
            id,
            "{\"uuid\":\""
                + id
                + "\",\"authParams\":{\"name\":\"home\",\"issuer\":\"https://x:8898\","
                + "\"protocol\":\"totp\",\"algorithm\":\"sha1\",\"length\":20,\"base32\":\""
                + SECRET
                + "\"},\"qrcodeURL\":\"https://x/qr\",\"authURL\":\"otpauth://totp/home\"}"));
  }

  private static Program node(String script, String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                "node",
                SCRIPTS.resolve(script).toString(),
                "localhost",
                http,
                "conf/registrar-ca.crt"));
    command.addAll(List.of(arguments));
    return Program.start(directory, command.toArray(String[]::new));
  }

  @Test
  void hiddenServerAndClientsMeetAndTheBrokerEndsInOrder() throws Exception {
    assertThat(http).isNotEqualTo(tcp);
    assertThat(node("client.js", HOME, "1").outputWhenDone())
        .isEqualTo("200 false UUID not registered");
    try (Program hidden = node("hidden.js", HOME, SECRET)) {
      hidden.await("parked");
      for (int octets : new int[] {0, 1, 100, 1024 * 1024, 20 * 1024 * 1024}) {
        assertThat(node("client.js", HOME, Integer.toString(octets)).outputWhenDone())
            .isEqualTo("whole");
      }
      assertThat(node("client.js", OTHER, "1").outputWhenDone())
          .isEqualTo("200 false UUID not registered");
      try (Program stranger = node("hidden.js", OTHER, "A".repeat(32))) {
        assertThat(stranger.outputWhenDone()).isEqualTo("200 false unknown UUID or wrong token");
      }
      broker.signal("TERM");
      hidden.await("closed");
      assertThat(broker.exitCode()).isZero();
    }
    assertThat(broker.output()).doesNotContain(SECRET, "response=", "Exception");
  }
}
