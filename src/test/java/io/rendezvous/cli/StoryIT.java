package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.burgstaller.okhttp.digest.Credentials;
import com.burgstaller.okhttp.digest.DigestAuthenticator;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.HeadReader;
import io.rendezvous.testing.Browser;
import io.rendezvous.testing.Directories;
import io.rendezvous.testing.MarkdownDocument;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Program;
import io.rendezvous.testing.Site;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.io.ByteArrayInputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Base64;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The main use of the jar, with clients and hidden servers that others have written. */
class StoryIT {
  private static final int MIB = 1024 * 1024;

  @TempDir private static Path directory;
  private static Program broker;
  private static Program agent;
  private static Site site;
  private static Provisioning provisioning;
  private static TrustedCertificates trust;
  private static int port;

  @BeforeAll
  static void start() throws Exception {
    Files.createDirectory(directory.resolve("conf"));
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        "rendezvous.host=127.0.0.1\nrendezvous.port=0\nrendezvous.public-host=localhost\n");
    String json = Program.rendezvous(directory, "entry", "create", "--json").outputWhenDone();
    Files.writeString(directory.resolve("home.json"), json.substring(json.indexOf('{')));
    provisioning = Provisioning.parse(Files.readString(directory.resolve("home.json")));
    trust = TrustedCertificates.in(provisioning.ca());
    broker = Program.rendezvous(directory, "serve");
    port = Integer.parseInt(broker.await("Listening on https://127\\.0\\.0\\.1:(\\d+)"));
    site = new Site();
    agent =
        Program.rendezvous(
            directory,
            "agent",
            "--to",
            "127.0.0.1:" + site.port(),
            "--entry",
            "home.json",
            "--broker",
            "https://localhost:" + port);
    agent.await("parked a tunnel at localhost:\\d+ \\(8 of 8\\)");
  }

  @AfterAll
  static void stop() throws Exception {
    agent.signal("TERM");
    assertThat(agent.exitCode()).isZero();
    broker.signal("TERM");
    assertThat(broker.exitCode()).isZero();
    agent.close();
    broker.close();
    site.close();
  }

  private static String id() {
    return provisioning.id().toString();
  }

  private static String url(String path) {
    return "https://localhost:" + port + path;
  }

  private static String curl(String... arguments) throws Exception {
    String[] command = new String[arguments.length + 6];
    String[] common = {"curl", "-sS", "--cacert", "conf/registrar-ca.crt", "--max-time", "60"};
    System.arraycopy(common, 0, command, 0, common.length);
    System.arraycopy(arguments, 0, command, common.length, arguments.length);
    return Program.start(directory, command).outputWhenDone();
  }

  // Clients.

  @Test
  void curlWithDigest() throws Exception {
    assertThat(curl("--digest", "-u", id() + ":x", url("/curl"))).isEqualTo("hello from /curl");
    assertThat(curl("--digest", "-u", id() + ":x", url("/headers")))
        .contains("User-Agent")
        .doesNotContain("Authorization");
  }

  @Test
  void curlWithBasicUnasked() throws Exception {
    assertThat(curl("-u", id() + ":whatever", url("/basic"))).isEqualTo("hello from /basic");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Content-Type: x", "Transfer-Encoding: chunked", "Expect: 100-continue"})
  void curlUploadsWhateverTheFraming(String header) throws Exception {
    Path file = directory.resolve("upload");
    try (OutputStream out = Files.newOutputStream(file)) {
      Octets.write(out, 5 * MIB, 1);
    }
    for (String scheme : new String[] {"--digest", "--basic"}) {
      assertThat(
              curl(
                  scheme,
                  "-u",
                  id() + ":x",
                  "-H",
                  header,
                  "--data-binary",
                  "@upload",
                  url("/upload")))
          .isEqualTo("received " + 5 * MIB);
    }
  }

  @Test
  void curlDownloadsWithoutLosingAnOctet() throws Exception {
    curl("--digest", "-u", id() + ":x", "-o", "download", url("/bytes?count=" + 64 * MIB));
    Path copy = directory.resolve("download");
    String expected = Octets.write(OutputStream.nullOutputStream(), 64 * MIB, 1);
    assertThat(Octets.read(Files.newInputStream(copy), 64 * MIB)).isEqualTo(expected);
  }

  @Test
  void wget() throws Exception {
    assertThat(
            Program.start(
                    directory,
                    "wget",
                    "-q",
                    "-O",
                    "-",
                    "--ca-certificate=conf/registrar-ca.crt",
                    "--user=" + id(),
                    "--password=x",
                    url("/wget"))
                .outputWhenDone())
        .isEqualTo("hello from /wget");
  }

  @Test
  void javaNetHttpWithAHeaderSentUnasked() throws Exception {
    String basic =
        Base64.getEncoder().encodeToString((id() + ":x").getBytes(StandardCharsets.UTF_8));
    HttpClient client = HttpClient.newBuilder().sslContext(trust.context()).build();
    for (int i = 0; i < 3; i++) { // on one kept connection
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(url("/java" + i)))
              .header(
                  "Authorization", i == 1 ? "Basic " + basic : "Digest username=\"" + id() + "\"")
              .build();
      HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
      assertThat(response.body()).isEqualTo("hello from /java" + i);
    }
  }

  private static OkHttpClient.Builder okHttp() throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    byte[] pem = provisioning.ca().orElseThrow().getBytes(StandardCharsets.US_ASCII);
    store.setCertificateEntry(
        "ca",
        CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(pem)));
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(store);
    return new OkHttpClient.Builder()
        .sslSocketFactory(
            trust.context().getSocketFactory(), (X509TrustManager) factory.getTrustManagers()[0]);
  }

  @Test
  void okHttpWithADigestAuthenticator() throws Exception {
    OkHttpClient client =
        okHttp().authenticator(new DigestAuthenticator(new Credentials(id(), "x"))).build();
    try (Response response =
        client.newCall(new Request.Builder().url(url("/ok")).build()).execute()) {
      assertThat(response.body().string()).isEqualTo("hello from /ok");
    }
    RequestBody body = RequestBody.create(new byte[3 * MIB], MediaType.get("text/plain"));
    try (Response response =
        client.newCall(new Request.Builder().url(url("/upload")).post(body).build()).execute()) {
      assertThat(response.body().string()).isEqualTo("received " + 3 * MIB);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void webSocketThroughTheQueryOrAHeader(boolean query) throws Exception {
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    Request.Builder request =
        new Request.Builder().url(url("/chat" + (query ? "?rendezvous=" + id() : "")));
    if (!query) {
      request.header("Authorization", "Digest username=\"" + id() + "\"");
    }
    WebSocket socket =
        okHttp()
            .build()
            .newWebSocket(
                request.build(),
                new WebSocketListener() {
                  @Override
                  public void onMessage(WebSocket from, String text) {
                    heard.add(text);
                  }
                });
    for (int i = 0; i < 3; i++) {
      socket.send("message " + i);
      assertThat(heard.poll(60, TimeUnit.SECONDS)).isEqualTo("echo message " + i);
    }
    socket.close(1000, null);
  }

  @Test
  void chromiumShowsAPageWithItsParts() throws Exception {
    try (Program browser =
        Browser.open(directory, "https://" + id() + ":x@localhost:" + port + "/page?id=" + id())) {
      assertThat(site.reports().poll(60, TimeUnit.SECONDS))
          .as(browser.output())
          .isEqualTo(
              "pictures " + Site.PICTURES + ", fetched hello from /fetched, socket echo ping");
    }
  }

  // Hidden servers.

  @Test
  void hiddenServerInNodeAsTheDocumentHasIt() throws Exception {
    String script = MarkdownDocument.named("node").blocks("js").get(0).text();
    Path folder = Files.createDirectory(directory.resolve("node"));
    Files.writeString(folder.resolve("hidden.js"), script);
    Provisioning other = create();
    Files.writeString(
        folder.resolve("entry.json"),
        new Provisioning(other.id(), other.labels(), other.totp(), "localhost", port, other.ca())
            .toJson());
    try (Program node = Program.start(folder, "node", "hidden.js")) {
      node.await("parked");
      for (int i = 0; i < 5; i++) {
        assertThat(curl("--digest", "-u", other.id() + ":x", url("/node" + i)))
            .contains("Hello from behind the NAT");
      }
    }
  }

  private static Provisioning create() throws Exception {
    return Directories.addEntry(directory, "other", port);
  }

  @Test
  void hiddenServerByHandWithOpenssl() throws Exception {
    Provisioning other = create();
    Files.writeString(directory.resolve("hand.json"), other.toJson());
    String token = Program.rendezvous(directory, "token", "--entry", "hand.json").outputWhenDone();
    Process openssl =
        new ProcessBuilder(
                "openssl",
                "s_client",
                "-quiet",
                "-CAfile",
                "conf/registrar-ca.crt",
                "-connect",
                "localhost:" + port)
            .directory(directory.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (OutputStream in = openssl.getOutputStream()) {
      in.write(
          ("CONNECT uuid:" + other.id() + "?response=" + token + " HTTP/1.1\r\n\r\n")
              .getBytes(StandardCharsets.US_ASCII));
      in.flush();
      HeadReader ok = new HeadReader(1024);
      while (ok.read(ByteBuffer.wrap(openssl.getInputStream().readNBytes(1)))
          == HeadReader.Progress.MORE) {
        // not whole yet
      }
      assertThat(new String(ok.head(), StandardCharsets.US_ASCII))
          .startsWith("HTTP/1.1 200 OK\r\n");
      try (Peer client = Peer.to(port).tls(trust.context())) {
        client.send(
            "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Digest username=\""
                + other.id()
                + "\"\r\n\r\n");
        assertThat(new String(openssl.getInputStream().readNBytes(27), StandardCharsets.US_ASCII))
            .isEqualTo("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        in.write(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".getBytes(StandardCharsets.US_ASCII));
        in.flush();
        assertThat(client.readResponse()).endsWith("hi");
      }
    } finally {
      openssl.destroyForcibly();
    }
  }

  @Test
  void oldProvisioningFileServesAnAgentToo() throws Exception {
    Provisioning other = create();
    Files.writeString(
        directory.resolve("old.js"),
        new Provisioning(other.id(), other.labels(), other.totp(), "localhost", port, other.ca())
            .toJs());
    try (Program second =
        Program.rendezvous(
            directory,
            "agent",
            "--to",
            "127.0.0.1:" + site.port(),
            "--entry",
            "old.js",
            "--tunnels",
            "2")) {
      second.await("\\(2 of 2\\)");
      assertThat(curl("--digest", "-u", other.id() + ":x", url("/old")))
          .isEqualTo("hello from /old");
    }
  }

  @Test
  void agentIsToldAllOnTheCommandLine() throws Exception {
    Provisioning other = create();
    try (Program second =
        Program.rendezvous(
            directory,
            "agent",
            "--to",
            "127.0.0.1:" + site.port(),
            "--broker",
            "https://localhost:" + port,
            "--id",
            other.id().toString(),
            "--secret",
            other.totp().base32(),
            "--tunnels",
            "1",
            "--ca",
            "conf/registrar-ca.crt")) {
      second.await("\\(1 of 1\\)");
      assertThat(Optional.of(curl("-u", other.id() + ":x", url("/cli"))))
          .contains("hello from /cli");
    }
  }
}
