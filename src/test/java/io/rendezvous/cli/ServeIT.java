package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.entry.Provisioning;
import io.rendezvous.entry.Totp;
import io.rendezvous.testing.Directories;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.OpenSsl;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Program;
import io.rendezvous.testing.RedisServer;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The broker as a program: how it starts, what it shows, what it survives, how it ends. */
class ServeIT {
  private static final int MIB = 1024 * 1024;
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

  @TempDir private Path directory;
  private final List<Program> programs = new ArrayList<>();

  @AfterEach
  void stop() {
    programs.forEach(Program::close);
  }

  private Program serve(List<String> options, String... settings) throws IOException {
    List<String> all = new ArrayList<>(options);
    all.add("-Drendezvous.host=127.0.0.1");
    all.add("-Drendezvous.port=0");
    for (String setting : settings) {
      all.add("-Drendezvous." + setting);
    }
    Program program = Program.rendezvous(directory, all, "serve");
    programs.add(program);
    return program;
  }

  private static int port(Program serve) {
    return Integer.parseInt(serve.await("Listening on https?://127\\.0\\.0\\.1:(\\d+)"));
  }

  private Provisioning create(String... settings) throws Exception {
    Directories.installBroker(directory);
    List<String> options = new ArrayList<>();
    for (String setting : settings) {
      options.add("-Drendezvous." + setting);
    }
    String json =
        Program.rendezvous(directory, options, "entry", "create", "--json").outputWhenDone();
    return Provisioning.parse(json.substring(json.indexOf('{')));
  }

  private TrustedCertificates trust() throws IOException {
    return TrustedCertificates.in(
        Optional.of(Files.readString(directory.resolve("conf/registrar-ca.crt"))));
  }

  private Peer connect(int port) throws IOException {
    return Peer.to(port).tls(trust().context());
  }

  private Peer park(int port, Provisioning entry) throws IOException {
    Peer tunnel = connect(port);
    assertThat(tunnel.send(connectHead(entry)).readHead()).startsWith("HTTP/1.1 200 ");
    return tunnel;
  }

  private static String connectHead(Provisioning entry) {
    Totp totp = entry.totp();
    String token = totp.token(totp.stepAt(Instant.now().getEpochSecond()), totp.digits());
    return "CONNECT uuid:" + entry.id() + "?response=" + token + " HTTP/1.1\r\n\r\n";
  }

  private static String get(Provisioning entry) {
    return "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Digest username=\""
        + entry.id()
        + "\"\r\n\r\n";
  }

  // How it starts.

  @Test
  void certificateIsMadeWhereThereIsNone() throws Exception {
    Program serve = serve(List.of());
    port(serve);
    assertThat(serve.lines().get(0)).isEqualTo("Created a certificate: conf/registrar.crt");
  }

  @Test
  void everyMistakeInTheSettingsStopsTheStart() throws Exception {
    Program serve = serve(List.of(), "wait=x", "nonsense=1");
    assertThat(serve.exitCode()).isEqualTo(2);
    assertThat(serve.lines())
        .containsExactly(
            "rendezvous.nonsense: there is no such setting",
            "rendezvous.wait: not a duration such as 5s, 2m, 1h or 7d: x");
  }

  @Test
  void pairThatCannotBeReadStopsTheStart() throws Exception {
    Files.createDirectory(directory.resolve("conf"));
    Files.writeString(directory.resolve("conf/registrar.crt"), "nonsense");
    Program serve = serve(List.of());
    assertThat(serve.exitCode()).isEqualTo(1);
    assertThat(serve.output()).contains("conf/registrar.key").doesNotContain("\tat ");
    assertThat(Files.readString(directory.resolve("conf/registrar.crt"))).isEqualTo("nonsense");
  }

  @Test
  void addressThatIsTakenStopsTheStart() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      int port = taken.getLocalPort();
      Program serve = serve(List.of(), "port=" + port);
      assertThat(serve.exitCode()).isEqualTo(1);
      assertThat(serve.output())
          .contains(
              "cannot listen on 127.0.0.1 port "
                  + port
                  + " (rendezvous.host, rendezvous.port): Address already in use");
    }
  }

  @Test
  void withoutTlsItIsPlainHttpOnALoopbackAddress() throws Exception {
    int port = port(serve(List.of(), "tls.enabled=false"));
    try (Peer client = Peer.to(port).plain()) {
      assertThat(client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").readHead())
          .startsWith("HTTP/1.1 401 ");
    }
    try (Stream<Path> made = Files.list(directory)) {
      assertThat(made.map(p -> p.getFileName().toString())).containsExactly("data");
    }
  }

  // What it shows.

  @Test
  void agentsResumeTheirSessions() throws Exception {
    Provisioning entry = create("public-host=localhost");
    Program serve = serve(List.of("-Djavax.net.debug=ssl:handshake"));
    int port = port(serve);
    Files.writeString(directory.resolve("home.json"), entry.toJson());
    try (LocalServer local = new LocalServer(LocalServer::answerWithPath);
        Program agent =
            Program.rendezvous(
                directory,
                "agent",
                "--to",
                "127.0.0.1:" + local.port(),
                "--entry",
                "home.json",
                "--broker",
                "https://localhost:" + port,
                "--tunnels",
                "1")) {
      agent.await("\\(1 of 1\\)");
      assertThat(serve.output()).doesNotContain("Resuming session");
      try (Peer client = connect(port)) {
        client.send(get(entry));
        client.readResponse();
      }
      serve.await("Resuming session");
    }
  }

  @Test
  void newPairIsUsedWithinSecondsAndABrokenOneIsNot() throws Exception {
    Program serve = serve(List.of());
    int port = port(serve);
    try (Peer before = connect(port)) {
      before.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").readResponse();
      Program.rendezvous(directory, "cert", "--host", "new.example").outputWhenDone();
      Awaitility.await()
          .pollInterval(Duration.ofMillis(200))
          .until(() -> OpenSsl.connect(directory, port, "").contains("subject=CN = new.example"));
      Files.writeString(directory.resolve("conf/registrar.crt"), "nonsense");
      serve.await("The new certificate is not used, the old one is kept: .*registrar.crt");
      assertThat(OpenSsl.connect(directory, port, "")).contains("subject=CN = new.example");
      assertThat(before.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").readHead()).contains(" 401 ");
    }
  }

  @Test
  void keepaliveFindsDeadPeersWithinSeconds() throws Exception {
    int port = port(serve(List.of()));
    try (Peer client = connect(port)) {
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").readResponse();
      Awaitility.await()
          .untilAsserted(
              () ->
                  assertThat(
                          Program.start(directory, "ss", "-tnoH", "sport", "=", ":" + port)
                              .outputWhenDone())
                      .containsPattern("timer:\\(keepalive,([0-9][.0-9]*sec|10sec|[0-9]+ms)"));
    }
  }

  // What it survives.

  @Test
  void keyUpdatesOfItsOwnAreOutOfReachWhateverJavaIsTold() throws Exception {
    Path security = directory.resolve("security");
    Files.writeString(security, "jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 2^22\n");
    Provisioning entry = create();
    List<String> options = new ArrayList<>(Program.FULL_SPEED);
    options.add("-Djava.security.properties=" + security);
    int port = port(serve(options));
    try (Peer tunnel = park(port, entry);
        Peer client = connect(port)) {
      client.send(get(entry));
      tunnel.readHead();
      tunnel.send("x");
      client.read(1);
      long count = 100L * MIB;
      CompletableFuture<String> up = Octets.beside(() -> Octets.write(client.out(), count, 1));
      CompletableFuture<String> down = Octets.beside(() -> Octets.write(tunnel.out(), count, 2));
      CompletableFuture<String> at = Octets.beside(() -> Octets.read(tunnel.in(), count));
      assertThat(Octets.read(client.in(), count)).isEqualTo(down.get());
      assertThat(at.get()).isEqualTo(up.get());
    }
  }

  @Test
  void whenDescriptorsRunOutAcceptingPausesAndNothingIsLost() throws Exception {
    Provisioning entry = create();
    List<String> options = List.of("-Drendezvous.host=127.0.0.1", "-Drendezvous.port=0");
    String command = String.join(" ", Program.commandLine(options, "serve"));
    Program serve = Program.start(directory, "sh", "-c", "ulimit -n 256; exec " + command);
    programs.add(serve);
    int port = port(serve);
    try (Peer parked = park(port, entry)) {
      List<Socket> crowd = new ArrayList<>();
      try {
        for (int i = 0; i < 400; i++) {
          crowd.add(new Socket("127.0.0.1", port));
        }
        long before = cpuTicks(serve.pid());
        Awaitility.await().pollDelay(Duration.ofSeconds(3)).until(() -> true);
        assertThat(cpuTicks(serve.pid()) - before).isLessThan(150); // of 300: it does not spin
      } finally {
        for (Socket socket : crowd) {
          socket.close();
        }
      }
      try (Peer client = connect(port)) {
        client.send(get(entry));
        parked.readHead();
        parked.send(OK);
        assertThat(client.readResponse()).isEqualTo(OK);
      }
    }
    assertThat(serve.output()).doesNotContain("ERROR");
  }

  private static long cpuTicks(long pid) throws IOException {
    String[] fields = Files.readString(Path.of("/proc/" + pid + "/stat")).split(" ", -1);
    return Long.parseLong(fields[13]) + Long.parseLong(fields[14]);
  }

  @Test
  void deletionByTheCommandEndsTunnelsWithinTwoSeconds() throws Exception {
    Provisioning entry = create();
    int port = port(serve(List.of()));
    try (Peer parked = park(port, entry)) {
      Awaitility.await().pollDelay(Duration.ofMillis(1500)).until(() -> true);
      Program.rendezvous(directory, "entry", "delete", entry.id().toString()).outputWhenDone();
      assertThat(parked.patience(Duration.ofSeconds(3)).in().read()).isEqualTo(-1);
    }
  }

  // What it keeps to itself.

  @ParameterizedTest
  @ValueSource(strings = {"file", "redis"})
  void noSecretReachesTheLogAtAnyLevel(String kind) throws Exception {
    try (RedisServer redis = new RedisServer("--requirepass", "canary-password")) {
      String store =
          kind.equals("file")
              ? "file:data/entries"
              : "redis://:canary-password@127.0.0.1:" + redis.port();
      Provisioning entry = create("store=" + store);
      Program serve =
          serve(
              List.of(
                  "-Dorg.slf4j.simpleLogger.defaultLogLevel=debug",
                  "-Dorg.slf4j.simpleLogger.log.org.xnio=debug",
                  "-Dorg.slf4j.simpleLogger.log.org.redisson=debug",
                  "-Dorg.slf4j.simpleLogger.log.io.undertow=debug",
                  "-Dorg.slf4j.simpleLogger.log.io.rendezvous=trace"),
              "store=" + store);
      int port = port(serve);
      String token = connectHead(entry).replaceAll("(?s).*response=(\\d+).*", "$1");
      try (Peer tunnel = park(port, entry);
          Peer client = connect(port)) {
        client.send(get(entry).replace("\"\r\n", "\", response=\"canary-response\"\r\n"));
        tunnel.readHead();
        tunnel.send(OK);
        client.readResponse();
      }
      for (String request :
          List.of(
              connectHead(entry).replace("response=", "response=canary"),
              "CONNECT uuid:x?response=canary-token HTTP/1.1\r\nBroken\r\n\r\n",
              "GET /?response=canary-query HTTP/1.1\r\nHost: a\r\nAuthorization: canary-scheme x\r\n\r\n",
              "GET /?rendezvous=canary-query HTTP/1.1\r\nHost: canary host\r\n\r\n",
              "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic canary-basic\r\n\r\n")) {
        try (Peer peer = connect(port)) {
          assertThat(peer.send(request).readAll()).startsWith("HTTP/1.1 4");
        }
      }
      String adminToken = Files.readString(directory.resolve("data/admin.token")).strip();
      int admin = Integer.parseInt(serve.await("Admin page on http://127.0.0.1:(\\d+)/"));
      String bearer = "Authorization: Bearer " + adminToken + "\r\n";
      List<String> issued = new ArrayList<>();
      String login = "{\"token\":\"" + adminToken + "\"}";
      for (String request :
          List.of(
              "POST /api/session HTTP/1.1\r\nContent-Length: " + login.length() + "\r\n",
              "POST /api/one-time-token HTTP/1.1\r\n" + bearer,
              "GET /?token=canary-guess HTTP/1.1\r\n",
              "GET /api/status HTTP/1.1\r\nAuthorization: Bearer canary-guess\r\n",
              "POST /api/entries/" + entry.id() + "/provisioning.json HTTP/1.1\r\n" + bearer,
              "POST /api/entries/" + entry.id() + "/qr.svg HTTP/1.1\r\n" + bearer,
              "GET /api/entries HTTP/1.1\r\n" + bearer)) {
        try (Peer peer = Peer.to(admin).plain()) {
          String body = request.contains("Content-Length") ? login : "";
          String answer = peer.send(request + "Host: localhost\r\n\r\n" + body).readResponse();
          Matcher secret = Pattern.compile("\"(session|token)\":\"([\\w-]{43})\"").matcher(answer);
          if (secret.find()) {
            issued.add(secret.group(2));
          }
        }
      }
      assertThat(issued).hasSize(2);
      if (kind.equals("redis")) {
        redis.kill(); // exceptions show more than good times do
        try (Peer peer = connect(port)) {
          peer.send(
              connectHead(entry).replace(entry.id().toString(), UUID.randomUUID().toString()));
          assertThat(peer.readAll()).startsWith("HTTP/1.1 503 ");
        }
      }
      serve.signal("TERM");
      serve.exitCode();
      assertThat(serve.lines()).hasSizeGreaterThan(10); // it did log
      assertThat(serve.output())
          .doesNotContain("canary")
          .doesNotContain(entry.totp().base32())
          .doesNotContain(token)
          .doesNotContain(adminToken)
          .doesNotContain(issued)
          .doesNotContain(entry.id().toString())
          .doesNotContain("Digest username");
      assertThat(Files.readString(Path.of("/proc/self/cmdline"))).doesNotContain("canary");
    }
  }

  // How it ends.

  @Test
  void sigtermLetsTransfersFinishAndASecondOneDoesNot() throws Exception {
    Provisioning entry = create();
    Program serve = serve(List.of());
    int port = port(serve);
    try (Peer tunnel = park(port, entry);
        Peer client = connect(port)) {
      client.send(get(entry));
      tunnel.readHead();
      tunnel.send("HTTP/1.1 200 OK\r\n\r\nhalf ");
      client.readHead();
      serve.signal("TERM");
      serve.await("Draining: no new connections; transfers may finish");
      Awaitility.await()
          .untilAsserted(
              () ->
                  assertThatThrownBy(() -> new Socket("127.0.0.1", port).close())
                      .isInstanceOf(IOException.class));
      assertThat(serve.isRunning()).isTrue();
      tunnel.send("and half").end();
      assertThat(client.readAll()).isEqualTo("half and half");
      client.end();
      assertThat(serve.exitCode()).isZero(); // long before the drain is over
    }
    Program second = serve(List.of());
    int secondPort = port(second);
    try (Peer tunnel = park(secondPort, entry);
        Peer client = connect(secondPort)) {
      client.send(get(entry));
      tunnel.readHead();
      second.signal("TERM");
      second.await("Draining");
      second.signal("TERM");
      assertThat(second.exitCode()).isZero();
    }
  }

  @Test
  void idleBrokerEndsAtOnce() throws Exception {
    Program serve = serve(List.of());
    port(serve);
    serve.signal("TERM");
    assertThat(serve.exitCode()).isZero();
  }

  @Test
  void drainIsBounded() throws Exception {
    Provisioning entry = create();
    Program serve = serve(List.of(), "drain=1s");
    int port = port(serve);
    try (Peer tunnel = park(port, entry);
        Peer client = connect(port)) {
      client.send(get(entry));
      tunnel.readHead();
      serve.signal("TERM");
      assertThat(serve.exitCode()).isZero();
      assertThat(client).isNotNull();
    }
  }

  @Test
  void demoPrintsACurlLineThatWorksAsPasted() throws Exception {
    Program demo = Program.rendezvous(directory, "demo");
    programs.add(demo);
    String line = demo.await("^ +(curl --digest .*)");
    demo.await("Ctrl-C");
    assertThat(Program.start(directory, "sh", "-c", line + " -sS").outputWhenDone())
        .startsWith("Hello from the hidden server!");
    String keys = line.replaceAll(".*--cacert (\\S+)/registrar-ca.crt.*", "$1");
    demo.signal("TERM");
    assertThat(demo.exitCode()).isZero();
    assertThat(Path.of(keys)).doesNotExist();
  }
}
