package io.rendezvous.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.proxy.ReverseProxy;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Site;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tls.keys.TrustedCertificates;
import io.undertow.Undertow;
import io.undertow.server.HttpHandler;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A hidden server that speaks HTTP on its tunnels: a handler, a reverse proxy, or files. */
class HttpModeTest {
  private static final int MIB = 1024 * 1024;

  private final Queue<String> events = new ConcurrentLinkedQueue<>();
  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start();
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  private HiddenServer.Builder hiddenServer() {
    return hiddenServer(broker.entry());
  }

  private HiddenServer.Builder hiddenServer(Entry entry) {
    Provisioning provisioning =
        new Provisioning(
            entry.id(),
            List.of("home"),
            entry.totp(),
            "localhost",
            broker.port(),
            Optional.empty());
    return HiddenServer.of(provisioning)
        .trusting(Keys.trusted())
        .tunnels(3)
        .maxTunnels(3)
        .events(event -> events.add(event.text()));
  }

  private HiddenServer proxy(String url) throws IOException {
    return proxy(url, false, Duration.ofSeconds(30));
  }

  private HiddenServer proxy(String url, boolean rewriteHost, Duration patience)
      throws IOException {
    return hiddenServer()
        .proxy(
            URI.create(url),
            new ReverseProxy.Options(rewriteHost, true, TrustedCertificates.all(), patience));
  }

  private String get(String path) throws IOException {
    try (Peer client = broker.connect()) {
      return client.send(broker.get(broker.entry(), path)).readResponse();
    }
  }

  @Test
  void handlerInThisProcessIsReachedWithoutAPort() throws Exception {
    HttpHandler handler = exchange -> exchange.getResponseSender().send(exchange.getRequestURI());
    try (HiddenServer server = hiddenServer().serve(handler)) {
      broker.awaitParked(3);
      for (int i = 0; i < 10; i++) {
        assertThat(get("/" + i)).startsWith("HTTP/1.1 200 ").endsWith("\r\n\r\n/" + i);
      }
      Awaitility.await().until(() -> server.status().parked() == 3);
    }
    broker.awaitParked(0);
  }

  @Test
  void listenerThatThrowsStopsNothing() throws Exception {
    Consumer<Event> listener =
        event -> {
          throw new IllegalStateException("thrown by a test");
        };
    try (HiddenServer server = hiddenServer().events(listener).serve(e -> e.setStatusCode(204))) {
      broker.awaitParked(3);
      for (int i = 0; i < 10; i++) {
        assertThat(get("/")).startsWith("HTTP/1.1 204 ");
      }
      Awaitility.await().until(() -> server.status().active() == 0);
      broker.awaitParked(server.status().wanted());
    }
  }

  @Test
  void handlerMayBlockWhenItDispatches() throws Exception {
    HttpHandler blocking =
        exchange -> {
          exchange.startBlocking();
          byte[] body = exchange.getInputStream().readAllBytes();
          exchange.setResponseContentLength(body.length);
          exchange.getOutputStream().write(body);
          exchange.endExchange();
        };
    try (HiddenServer server = hiddenServer().serve(e -> e.dispatch(blocking));
        Peer client = broker.connect()) {
      broker.awaitParked(3);
      client.send(
          broker.request("POST", broker.entry(), "/", "Content-Length: " + 8 * MIB + "\r\n"));
      CompletableFuture<String> sent = Octets.beside(() -> Octets.write(client.out(), 8 * MIB, 1));
      client.readHead();
      assertThat(Octets.read(client.in(), 8 * MIB)).isEqualTo(sent.get());
      awaitParked(server);
    }
  }

  /** Collects the request heads that a local server receives, and answers each with 200. */
  private static LocalServer heads(BlockingQueue<String> heads) throws IOException {
    return new LocalServer(
        connection -> {
          while (true) {
            heads.add(connection.readHead());
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
          }
        });
  }

  @Test
  void credentialOfTheBrokerIsRemovedFromEveryRequestAndNoOther() throws Exception {
    BlockingQueue<String> heads = new LinkedBlockingQueue<>();
    String basic =
        Base64.getEncoder()
            .encodeToString((broker.id() + ":x").getBytes(StandardCharsets.US_ASCII));
    String label = Base64.getEncoder().encodeToString("HOME:x".getBytes(StandardCharsets.US_ASCII));
    String other = Base64.getEncoder().encodeToString("me:x".getBytes(StandardCharsets.US_ASCII));
    try (LocalServer local = heads(heads);
        HiddenServer server = proxy("http://127.0.0.1:" + local.port());
        Peer client = broker.connect()) {
      broker.awaitParked(3);
      client.send(broker.get(broker.entry(), "/first")).readResponse();
      client.send(broker.get(broker.entry(), "/second")).readResponse();
      for (String value : List.of("Basic " + basic, "Basic " + label)) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: " + value + "\r\n\r\n");
        client.readResponse();
      }
      for (int i = 0; i < 4; i++) {
        assertThat(heads.take()).doesNotContain("Authorization");
      }
      for (String value : List.of("Basic " + other, "Bearer token", "Digest username=\"me\"")) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: " + value + "\r\n\r\n");
        client.readResponse();
        assertThat(heads.take()).contains("Authorization: " + value + "\r\n");
      }
      client.send(
          "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic "
              + basic
              + "\r\nAuthorization: Bearer token\r\n\r\n");
      client.readResponse();
      assertThat(heads.take()).contains("Authorization: Bearer token").doesNotContain("Basic");
      awaitParked(server);
    }
  }

  @Test
  void localServerIsToldWhereTheRequestCameThrough() throws Exception {
    BlockingQueue<String> heads = new LinkedBlockingQueue<>();
    try (LocalServer local = heads(heads);
        Peer client = broker.connect()) {
      try (HiddenServer server = proxy("http://127.0.0.1:" + local.port())) {
        broker.awaitParked(3);
        client.send(
            broker.request(
                "GET",
                broker.entry(),
                "/a|b?c={d}",
                String.join(
                    "\r\n",
                    "X-Forwarded-For: 1.2.3.4",
                    "X-Forwarded-Host: evil.example",
                    "x-forwarded-prefix: /evil.example",
                    "X-Real-IP: 1.2.3.4",
                    "")));
        client.readResponse();
        assertThat(heads.take())
            .startsWith("GET /a|b?c={d} HTTP/1.1\r\n")
            .contains("\r\nHost: localhost\r\n")
            .contains("\r\nForwarded: for=\"127.0.0.1\";proto=https;host=\"localhost\"\r\n")
            .contains("\r\nX-Forwarded-Proto: https\r\n")
            .contains("\r\nX-Forwarded-Host: localhost\r\n")
            .doesNotContain("1.2.3.4", "evil.example");
        client.end();
        awaitParked(server);
      }
      try (HiddenServer server =
          proxy("http://127.0.0.1:" + local.port(), true, Duration.ofSeconds(5))) {
        broker.awaitParked(3);
        get("/");
        assertThat(heads.take())
            .contains("\r\nHost: 127.0.0.1:" + local.port() + "\r\n")
            .contains("\r\nX-Forwarded-Host: localhost\r\n");
        awaitParked(server);
      }
    }
  }

  @Test
  void localServerIsToldWhereTheClientIsWhereTheEntryAsksForIt() throws Exception {
    BlockingQueue<String> heads = new LinkedBlockingQueue<>();
    Entry asks = broker.addEntry(List.of("proxyProtocol"));
    ReverseProxy.Options how =
        new ReverseProxy.Options(false, true, TrustedCertificates.all(), Duration.ofSeconds(5));
    try (LocalServer local = heads(heads)) {
      URI url = URI.create("http://127.0.0.1:" + local.port());
      try (HiddenServer server = hiddenServer(asks).proxy(url, how);
          Peer client = broker.connect(broker.dial().from("127.0.0.9"))) {
        broker.awaitParked(3);
        for (int i = 0; i < 2; i++) {
          client.send(broker.get(asks, "/")).readResponse();
          assertThat(heads.take())
              .startsWith("GET / HTTP/1.1\r\n")
              .contains("\r\nX-Forwarded-For: 127.0.0.9\r\n")
              .contains("\r\nForwarded: for=\"127.0.0.9\";proto=https;host=\"localhost\"\r\n");
        }
        awaitParked(server);
      }
      broker.awaitParked(0);
      for (boolean pass : new boolean[] {true, false}) {
        Address address = new Address("127.0.0.1", local.port());
        try (HiddenServer server = hiddenServer(asks).relay(address, pass);
            Peer client = broker.connect()) {
          broker.awaitParked(3);
          client.send(broker.get(asks, "/")).readResponse();
          String head = heads.take();
          assertThat(head.startsWith("\r\n\r\n")).isEqualTo(pass);
          if (pass) {
            head = heads.take(); // since the signature looks like a head
          }
          assertThat(head).contains("GET / HTTP/1.1\r\n");
          awaitParked(server);
        }
        broker.awaitParked(0);
      }
    }
  }

  @Test
  void oneLocalConnectionIsKeptAsLongAsTheClients() throws Exception {
    Queue<Peer> connections = new ConcurrentLinkedQueue<>();
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  connections.add(connection);
                  LocalServer.answerWithPath(connection);
                });
        HiddenServer server = proxy("http://127.0.0.1:" + local.port());
        Peer client = broker.connect()) {
      broker.awaitParked(3);
      for (int i = 0; i < 20; i++) {
        assertThat(client.send(broker.get(broker.entry(), "/" + i)).readResponse())
            .endsWith("\r\n\r\n/" + i);
      }
      assertThat(connections).hasSize(1);
      client.end();
      assertThat(connections.remove().in().read()).isEqualTo(-1);
      awaitParked(server);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"text/html", "*/*"})
  void localServerThatIsDownIsNamed(String accept) throws Exception {
    try (HiddenServer server = proxy("http://127.0.0.1:1");
        Peer client = broker.connect()) {
      broker.awaitParked(3);
      client.send(broker.request("POST", broker.entry(), "/", "Accept: " + accept + "\r\n"));
      assertThat(client.readResponse())
          .startsWith("HTTP/1.1 502 Bad Gateway\r\n")
          .contains(
              accept.equals("*/*")
                  ? "\"the local server at 127.0.0.1:1 cannot be reached: "
                  : "<p>The local server at 127.0.0.1:1 cannot be reached: ");
      awaitParked(server);
    }
  }

  @Test
  void localServerThatDoesNotAnswerIsGivenUp() throws Exception {
    CompletableFuture<String> ended = new CompletableFuture<>();
    try (LocalServer local =
            new LocalServer(connection -> ended.complete(Octets.untilItBreaks(connection.in())));
        HiddenServer server =
            proxy("http://127.0.0.1:" + local.port(), false, Duration.ofSeconds(1));
        Peer client = broker.connect()) {
      broker.awaitParked(3);
      client.send(broker.request("POST", broker.entry(), "/", "Content-Length: 2\r\n") + "a");
      Awaitility.await().pollDelay(Duration.ofMillis(1500)).until(() -> true);
      client.send("b"); // it was the client that was slow
      assertThat(client.readResponse())
          .startsWith("HTTP/1.1 504 ")
          .contains("the local server at 127.0.0.1:" + local.port() + " did not answer in time");
      assertThat(ended.get(5, TimeUnit.SECONDS)).endsWith("\r\n\r\nab");
      awaitParked(server);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void endlessAnswerEndsWhenTheClientLeaves(boolean inOrder) throws Exception {
    CompletableFuture<Boolean> ended = new CompletableFuture<>();
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  connection.readHead();
                  connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                  try {
                    while (true) {
                      connection.send("4\r\nmore\r\n");
                    }
                  } finally {
                    ended.complete(true);
                  }
                });
        HiddenServer server = proxy("http://127.0.0.1:" + local.port())) {
      broker.awaitParked(3);
      try (Peer client = broker.connect()) {
        client.send(broker.get(broker.entry(), "/")).readHead();
        client.read(10_000);
        if (!inOrder) {
          client.reset();
        }
      }
      assertThat(ended.get(10, TimeUnit.SECONDS)).isTrue();
      awaitParked(server);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"})
  void localServerThatBreaksOffIsNoOrderlyAnswer(String said) throws Exception {
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  connection.readHead();
                  connection.send(said).reset();
                });
        HiddenServer server = proxy("http://127.0.0.1:" + local.port());
        Peer client = broker.connect()) {
      broker.awaitParked(3);
      client.send(broker.request("POST", broker.entry(), "/", ""));
      if (said.isEmpty()) {
        assertThat(client.readResponse()).startsWith("HTTP/1.1 502 ");
      } else {
        String answer = Octets.untilItBreaks(client.in());
        assertThat(answer).doesNotContain("502").hasSizeLessThan(200);
      }
      awaitParked(server);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'', closed the connection without an answer",
    "'no HTTP at all\r\n\r\n', gave a malformed answer (malformed head)",
    "'HTTP/1.1 200 OK\r\nX: y', gave a malformed answer (ended within its head)",
    "'HTTP/1.1 200 OK\r\nX y\r\n\r\n', gave a malformed answer (header line without a colon)",
    "'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n', gave a malformed answer (malformed Content-Length)",
  })
  void localServerThatGivesNoAnswerIsNotSaidToBeOutOfReach(String said, String reason)
      throws Exception {
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  connection.readHead();
                  connection.send(said);
                });
        HiddenServer server = proxy("http://127.0.0.1:" + local.port());
        Peer client = broker.connect()) {
      broker.awaitParked(3);
      client.send(broker.request("POST", broker.entry(), "/", ""));
      assertThat(client.readResponse())
          .startsWith("HTTP/1.1 502 ")
          .contains("the local server at 127.0.0.1:" + local.port() + " " + reason);
      awaitParked(server);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'HTTP/1.1 200 OK\r\nX:', ' y', sent too long a head",
    "'', 'HTTP/1.1 100 Continue\r\n\r\n', gave a malformed answer (endless interim responses)",
  })
  void endlessHeadOfALocalServerIsNotReadToTheEnd(String begin, String again, String reason)
      throws Exception {
    Queue<Peer> connections = new ConcurrentLinkedQueue<>();
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  connections.add(connection);
                  connection.readHead();
                  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").readHead();
                  connection.send(begin);
                  String more = again.repeat(1000);
                  for (int sent = 0; sent < 16 * MIB; sent += more.length()) {
                    connection.send(more);
                  }
                });
        HiddenServer server = proxy("http://127.0.0.1:" + local.port());
        Peer client = broker.connect()) {
      broker.awaitParked(3);
      client.send(broker.get(broker.entry(), "/")).readResponse();
      assertThat(client.send(broker.get(broker.entry(), "/")).readAll())
          .contains("HTTP/1.1 502 ")
          .contains("the local server at 127.0.0.1:" + local.port() + " " + reason)
          .hasSizeLessThan(2 * MIB);
      assertThat(connections).as("not tried again in vain").hasSize(1);
      awaitParked(server);
    }
  }

  @Test
  void headsOfAnswersAreBoundedEachForItself() throws Exception {
    String line = "X: " + "y".repeat(9 * 1024) + "\r\n";
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  while (true) {
                    connection.readHead();
                    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + line + "\r\nhi");
                  }
                });
        HiddenServer server = proxy("http://127.0.0.1:" + local.port());
        Peer client = broker.connect()) {
      broker.awaitParked(3);
      for (int i = 0; i < 8; i++) {
        assertThat(client.send(broker.get(broker.entry(), "/")).readResponse())
            .contains(line)
            .endsWith("\r\n\r\nhi");
      }
      awaitParked(server);
    }
  }

  private static String event(int number) {
    String data = "data: " + number + "\n\n";
    return data.length() + "\r\n" + data + "\r\n";
  }

  @Test
  void eventsArriveOneByOne() throws Exception {
    BlockingQueue<String> asked = new LinkedBlockingQueue<>();
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  connection.readHead();
                  connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                  for (int i = 0; i < 3; i++) {
                    try {
                      asked.take();
                    } catch (InterruptedException e) {
                      throw new IOException(e);
                    }
                    connection.send(event(i));
                  }
                  connection.send("0\r\n\r\n");
                });
        HiddenServer server = proxy("http://127.0.0.1:" + local.port());
        Peer client = broker.connect()) {
      broker.awaitParked(3);
      client.send(broker.get(broker.entry(), "/events")).readHead();
      for (int i = 0; i < 3; i++) {
        asked.add("go"); // the next is sent when the last has arrived
        assertThat(client.read(14)).isEqualTo(event(i));
      }
      assertThat(client.read(5)).isEqualTo("0\r\n\r\n");
      awaitParked(server);
    }
  }

  private void openWebSocket(Peer client) throws IOException {
    client.send(
        "GET /chat?rendezvous="
            + broker.id()
            + " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    assertThat(client.readHead()).startsWith("HTTP/1.1 101 ");
  }

  private static void assertEchoes(Peer client) throws IOException {
    client.send(new byte[] {(byte) 0x81, (byte) 0x84, 0, 0, 0, 0, 'p', 'i', 'n', 'g'});
    assertThat(client.read(11)).isEqualTo("\u0081\techo ping");
  }

  @Test
  void webSocketPasses() throws Exception {
    try (Site site = new Site();
        HiddenServer server = proxy("http://127.0.0.1:" + site.port());
        Peer client = broker.connect()) {
      broker.awaitParked(3);
      openWebSocket(client);
      assertEchoes(client);
      awaitParked(server);
    }
  }

  @Test
  void largeBodiesPassBothWays() throws Exception {
    try (Site site = new Site();
        HiddenServer server = proxy("http://127.0.0.1:" + site.port());
        Peer client = broker.connect()) {
      broker.awaitParked(3);
      client.send(
          broker.request("POST", broker.entry(), "/upload", "Content-Length: 67108864\r\n"));
      Octets.write(client.out(), 64 * MIB, 1);
      assertThat(client.readResponse()).endsWith("received 67108864");
      client.send(broker.get(broker.entry(), "/bytes?count=67108864")).readHead();
      assertThat(Octets.read(client.in(), 64 * MIB))
          .isEqualTo(Octets.write(OutputStream.nullOutputStream(), 64 * MIB, 1));
      awaitParked(server);
    }
  }

  @Test
  void localServerOverTlsIsReached() throws Exception {
    Undertow local =
        Undertow.builder()
            .addHttpsListener(0, "127.0.0.1", Keys.server().context())
            .setIoThreads(1)
            .setHandler(exchange -> exchange.getResponseSender().send("over TLS"))
            .build();
    local.start();
    int port = ((InetSocketAddress) local.getListenerInfo().get(0).getAddress()).getPort();
    URI url = URI.create("https://localhost:" + port);
    List<String> answers = new ArrayList<>();
    try {
      for (TrustedCertificates trust :
          List.of(Keys.trusted(), TrustedCertificates.in(Optional.empty()))) {
        ReverseProxy.Options how =
            new ReverseProxy.Options(false, true, trust, Duration.ofSeconds(10));
        try (HiddenServer server = hiddenServer().proxy(url, how)) {
          broker.awaitParked(3);
          String answer = get("/");
          if (answer.startsWith("HTTP/1.1 502 ")) {
            assertThat(answer).contains("at localhost:" + port + " is not trusted (");
          }
          answers.add(answer.substring(9, 12));
          awaitParked(server);
        }
        broker.awaitParked(0);
      }
      assertThat(answers).containsExactly("200", "502");
    } finally {
      local.stop();
    }
  }

  @Test
  void certificateHasToNameTheLocalServer() throws Exception {
    Undertow local =
        Undertow.builder()
            .addHttpsListener(0, "127.0.0.2", Keys.server().context())
            .setIoThreads(1)
            .setHandler(exchange -> exchange.getResponseSender().send("over TLS"))
            .build();
    local.start();
    int port = ((InetSocketAddress) local.getListenerInfo().get(0).getAddress()).getPort();
    URI url = URI.create("https://127.0.0.2:" + port);
    ReverseProxy.Options how =
        new ReverseProxy.Options(false, true, Keys.trusted(), Duration.ofSeconds(10));
    try (HiddenServer server = hiddenServer().proxy(url, how)) {
      broker.awaitParked(3);
      assertThat(get("/"))
          .startsWith("HTTP/1.1 502 ")
          .contains("at 127.0.0.2:" + port + " is not trusted (No subject alternative names");
      awaitParked(server);
    } finally {
      local.stop();
    }
  }

  @Test
  void handlersThatBlockDoNotKeepTunnelsFromBeingOpened() throws Exception {
    CompletableFuture<String> answer = new CompletableFuture<>();
    HttpHandler blocking = exchange -> exchange.getResponseSender().send(answer.join());
    List<Peer> clients = new ArrayList<>();
    try (HiddenServer server = hiddenServer().serve(e -> e.dispatch(blocking))) {
      for (int i = 0; i < 20; i++) { // there are 16 threads
        broker.awaitParked(3);
        Peer client = broker.connect();
        clients.add(client.send(broker.get(broker.entry(), "/")));
        int taken = i + 1;
        Awaitility.await().until(() -> broker.broker().paired() == taken);
      }
      broker.awaitParked(3);
      answer.complete("done");
      for (Peer client : clients) {
        assertThat(client.readResponse()).endsWith("done");
        client.end();
      }
      awaitParked(server);
    }
  }

  @Test
  void filesOfADirectoryAreServedAndNoOthers(@TempDir Path directory) throws Exception {
    Files.createDirectory(directory.resolve("public"));
    Files.writeString(directory.resolve("public/a.txt"), "a file");
    Files.writeString(directory.resolve("secret.txt"), "a secret");
    Files.createSymbolicLink(directory.resolve("public/link"), directory.resolve("secret.txt"));
    try (HiddenServer server = hiddenServer().files(directory.resolve("public"))) {
      broker.awaitParked(3);
      assertThat(get("/a.txt")).startsWith("HTTP/1.1 200 ").endsWith("a file");
      assertThat(get("/../secret.txt")).doesNotContain("a secret");
      assertThat(get("/%2e%2e/secret.txt")).doesNotContain("a secret");
      assertThat(get("/link")).startsWith("HTTP/1.1 404 ");
      awaitParked(server);
    }
  }

  @Test
  void closingLetsAWebSocketFinish() throws Exception {
    try (Site site = new Site();
        Peer client = broker.connect()) {
      HiddenServer server = proxy("http://127.0.0.1:" + site.port());
      broker.awaitParked(3);
      openWebSocket(client);
      CompletableFuture<Boolean> closed =
          Octets.beside(
              () -> {
                server.close();
                return true;
              });
      broker.awaitParked(0);
      assertEchoes(client);
      client.end();
      assertThat(closed.get(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void closingLetsWhatGoesOnFinishAndEndsWhatStandsIdle() throws Exception {
    BlockingQueue<String> asked = new LinkedBlockingQueue<>();
    try (LocalServer local =
            new LocalServer(
                connection -> {
                  asked.add(connection.readHead());
                  Awaitility.await().pollDelay(Duration.ofMillis(700)).until(() -> true);
                  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
                });
        Peer idle = broker.connect();
        Peer busy = broker.connect()) {
      HiddenServer server = proxy("http://127.0.0.1:" + local.port());
      broker.awaitParked(3);
      idle.send(broker.get(broker.entry(), "/")).readResponse();
      asked.take();
      busy.send(broker.get(broker.entry(), "/"));
      asked.take();
      CompletableFuture<Boolean> closed =
          Octets.beside(
              () -> {
                server.close();
                return true;
              });
      assertThat(idle.readAll()).isEmpty();
      assertThat(busy.readResponse()).endsWith("late");
      assertThat(closed.get(15, TimeUnit.SECONDS)).isTrue();
    }
  }

  /** Waits until tunnels that were taken have been replaced. */
  private static void awaitParked(HiddenServer server) {
    Awaitility.await().until(() -> server.status().parked() > 0);
  }
}
