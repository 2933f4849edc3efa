package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.FreePort;
import io.rendezvous.testing.Program;
import io.rendezvous.testing.RedisServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * TAAS with the jar, a Redis as a TAAS server has left it, and a hidden server and clients in Node
 * that know only the protocol.
 */
class TaasIT {
  private static final String ID = "2f402f80-da50-11e1-9b23-0123456789ab";
  private static final String DOOR_ID = "3f402f80-da50-11e1-9b23-0123456789ab";
  private static final String SECRET =
      "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

  @TempDir private static Path directory;
  private static RedisServer redis;
  private static Program broker;
  private static int port;
  private static int door;

  @BeforeAll
  static void start() throws Exception {
    redis = new RedisServer();
    door = FreePort.find();
    put(ID, entry(ID, "Home"));
    put(DOOR_ID, entry(DOOR_ID, "Door:" + door));
    put("owntracks/home/phone", "{\"username\":\"x\",\"authParams\":{\"protocol\":\"bcrypt\"}}");
    Files.createDirectory(directory.resolve("conf"));
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        "rendezvous.host=127.0.0.1\nrendezvous.port=0\nrendezvous.domain=servers.example\n"
            + "rendezvous.store=redis://127.0.0.1:"
            + redis.port()
            + "/0\nrendezvous.taas.enabled=true\nrendezvous.taas.host=taas.example\n"
            + "rendezvous.taas.address=127.0.0.1\nrendezvous.taas.ports=23000-23099\n");
    Program.rendezvous(
            directory,
            "cert",
            "--host",
            "localhost",
            "--host",
            "taas.example",
            "--host",
            "*.servers.example")
        .outputWhenDone();
    broker = Program.rendezvous(directory, "serve");
    port = Integer.parseInt(broker.await("Listening on https://127\\.0\\.0\\.1:(\\d+)"));
    broker.await(
        "TAAS on https://taas\\.example:\\d+ and \\*\\.servers\\.example, with ports 23000-23099");
    for (String script : new String[] {"hidden.js", "client.js"}) {
      Files.copy(Path.of("src/test/resources/taas", script), directory.resolve(script));
    }
    // The hidden server has a certificate of its own.
    Program.start(
            directory,
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=hidden",
            "-addext",
            "subjectAltName=DNS:home.servers.example",
            "-keyout",
            "hidden.key",
            "-out",
            "hidden.crt")
        .outputWhenDone();
  }

  /** Writes an entry as the page of a TAAS server does. */
  private static String entry(String id, String label) {
    return "{\"uuid\":\""
        + id
        + "\",\"qrcodeURL\":\"https://www.google.com/chart?chs=166x166&cht=qr\","
        + "\"authURL\":\"otpauth://totp/"
        + label
        + ".servers.example?secret="
        + SECRET
        + "\",\"authParams\":{\"length\":40,\"name\":\""
        + label
        + ".servers.example\",\"issuer\":\"https://taas.example\",\"base32\":\""
        + SECRET
        + "\",\"protocol\":\"totp\"},\"labels\":[\""
        + label
        + "\"]}";
  }

  private static void put(String key, String value) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", redis.port());
        OutputStream out = socket.getOutputStream();
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))) {
      out.write(
          ("*3\r\n$3\r\nSET\r\n$"
                  + key.length()
                  + "\r\n"
                  + key
                  + "\r\n$"
                  + value.length()
                  + "\r\n"
                  + value
                  + "\r\n")
              .getBytes(StandardCharsets.US_ASCII));
      out.flush();
      assertThat(in.readLine()).isEqualTo("+OK");
    }
  }

  @AfterAll
  static void stop() throws Exception {
    broker.signal("TERM");
    assertThat(broker.exitCode()).isZero();
    broker.close();
    redis.close();
  }

  private static Program hidden(String id, String label) throws IOException {
    return Program.start(directory, "node", "hidden.js", Integer.toString(port), id, SECRET, label);
  }

  @Test
  void clientsReachTheHiddenServerByItsNameAndItsTls() throws Exception {
    try (Program hidden = hidden(ID, "Home")) {
      hidden.await("parked 4");
      String seen =
          Program.start(directory, "node", "client.js", Integer.toString(port), "get", "home")
              .outputWhenDone();
      assertThat(seen)
          .isEqualTo(
              """
              307 then 200 from /x?y=1 with 3000000 octets
              307 then 200 from /x?y=2 with 3000000 octets
              307 then 200 from /x?y=3 with 3000000 octets
              307 then 200 from /x?y=4 with 3000000 octets
              307 then 200 from /x?y=5 with 3000000 octets""");
      assertThat(broker.output()).doesNotContain(SECRET);
      String pairings =
          Program.start(
                  directory,
                  "node",
                  "client.js",
                  Integer.toString(port),
                  "pairings",
                  ID,
                  SECRET,
                  "Home")
              .outputWhenDone();
      assertThat(pairings).isEqualTo("5 of https 127.0.0.1 PUT and https 127.0.0.1 GET for /x");
    }
  }

  @Test
  void provisioningFileNamesTheRegistrar() throws Exception {
    assertThat(Program.rendezvous(directory, "entry", "show", ID, "--js").outputWhenDone())
        .containsPattern("\"issuer\" : \"https://taas\\.example:\\d+\"");
  }

  @Test
  void fixedPortIsThereWhileItsServerIs() throws Exception {
    try (Program hidden = hidden(DOOR_ID, "Door:" + door)) {
      hidden.await("parked 4");
      assertThat(
              Program.start(
                      directory,
                      "node",
                      "client.js",
                      Integer.toString(door),
                      "raw",
                      "home.servers.example")
                  .outputWhenDone())
          .isEqualTo("200 from /raw");
    }
  }
}
