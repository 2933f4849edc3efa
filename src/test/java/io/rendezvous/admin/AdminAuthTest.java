package io.rendezvous.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.AdminClient;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests which requests are answered, and which are refused for want of a token. */
class AdminAuthTest {
  private static final String BEARER = "Bearer " + AdminClient.TOKEN;

  private TestBroker broker;
  private AdminClient admin;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start("admin.enabled", "true", "admin.token", AdminClient.TOKEN);
    admin = new AdminClient(broker);
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /",
    "GET, /index.html",
    "GET, /api/entries",
    "POST, /api/entries",
    "GET, /api/entries/2f402f80-da50-11e1-9b23-0123456789ab",
    "PUT, /api/entries/2f402f80-da50-11e1-9b23-0123456789ab",
    "DELETE, /api/entries/2f402f80-da50-11e1-9b23-0123456789ab",
    "POST, /api/entries/2f402f80-da50-11e1-9b23-0123456789ab/provisioning.json",
    "GET, /api/status",
    "GET, /api/events",
    "GET, /api/openapi.json",
    "GET, /metrics",
    "POST, /logout",
    "GET, /nothing",
    "PATCH, /api/status"
  })
  void everythingAsksForTheToken(String method, String path) throws Exception {
    for (String authorization :
        new String[] {"", "Bearer", "Bearer x", "Basic " + AdminClient.TOKEN, "Bearer " + BEARER}) {
      HttpResponse<String> answer =
          authorization.isEmpty()
              ? admin.askBare(method, path, "")
              : admin.askBare(method, path, "", "Authorization", authorization);
      assertThat(answer.statusCode()).isEqualTo(401);
      assertThat(answer.headers().firstValue("WWW-Authenticate")).isPresent();
      assertThat(answer.body()).doesNotContain(broker.id().toString());
    }
  }

  @Test
  void healthChecksNeedNoToken() throws Exception {
    assertThat(admin.askBare("GET", "/health", "").statusCode()).isEqualTo(200);
    assertThat(admin.askBare("GET", "/ready", "").statusCode()).isEqualTo(200);
    broker.broker().drain(Duration.ZERO);
    assertThat(admin.askBare("GET", "/health", "").statusCode()).isEqualTo(200);
    assertThat(admin.askBare("GET", "/ready", "").statusCode()).isEqualTo(503);
    assertThat(admin.get("/api/status").path("state").asText()).isEqualTo("draining");
  }

  @Test
  void guessingIsSlowedDown() throws Exception {
    for (int i = 0; i < 10; i++) {
      assertThat(admin.askBare("GET", "/api/status", "", "Authorization", "Bearer x" + i))
          .extracting(HttpResponse::statusCode)
          .isEqualTo(401);
    }
    HttpResponse<String> late = admin.ask("GET", "/api/status", "");
    assertThat(late.statusCode()).isEqualTo(429);
    assertThat(late.headers().firstValueAsLong("Retry-After").orElseThrow()).isBetween(1L, 31L);
    assertThat(login(AdminClient.TOKEN).statusCode()).isEqualTo(429);
    broker.clock().step(Duration.ofSeconds(31));
    assertThat(admin.ask("GET", "/api/status", "").statusCode()).isEqualTo(200);
  }

  @Test
  void pagesOfOtherSitesCannotUseUpGuesses() throws Exception {
    for (int i = 0; i < 20; i++) {
      admin.askBare("GET", "/?token=x" + i, "", "Sec-Fetch-Site", "cross-site");
    }
    assertThat(admin.ask("GET", "/api/status", "").statusCode()).isEqualTo(200);
  }

  private HttpResponse<String> login(String token) throws Exception {
    return admin.askBare(
        "POST", "/login", "token=" + token, "Content-Type", "application/x-www-form-urlencoded");
  }

  private static String cookie(HttpResponse<String> answer) {
    return answer.headers().firstValue("Set-Cookie").orElseThrow().replaceFirst(";.*", "");
  }

  @Test
  void formLogsIn() throws Exception {
    HttpResponse<String> wrong = login("wrong");
    assertThat(wrong.statusCode()).isEqualTo(401);
    assertThat(wrong.body()).contains("The token is wrong.");
    assertThat(wrong.headers().firstValue("Set-Cookie")).isEmpty();
    HttpResponse<String> right = login(AdminClient.TOKEN);
    assertThat(right.statusCode()).isEqualTo(303);
    assertThat(right.headers().firstValue("Location")).contains("/");
    assertThat(right.headers().firstValue("Set-Cookie").orElseThrow())
        .contains("; HttpOnly", "; SameSite=Strict", "; Path=/")
        .doesNotContain(AdminClient.TOKEN);
    assertThat(admin.askBare("GET", "/", "", "Cookie", cookie(right)).statusCode()).isEqualTo(200);
  }

  @Test
  void urlLogsInAndTheSessionEnds() throws Exception {
    assertThat(admin.askBare("GET", "/?token=wrong", "").statusCode()).isEqualTo(401);
    HttpResponse<String> answer = admin.askBare("GET", "/?token=" + AdminClient.TOKEN, "");
    assertThat(answer.statusCode()).isEqualTo(303);
    String cookie = cookie(answer);
    assertThat(status(cookie)).isEqualTo(200);
    String other = cookie(login(AdminClient.TOKEN));
    assertThat(
            admin.askBare("POST", "/logout", "", "Cookie", other, "Origin", origin()).statusCode())
        .isEqualTo(303);
    assertThat(status(other)).isEqualTo(401);
    assertThat(status(cookie)).isEqualTo(200);
    broker.clock().step(Duration.ofHours(12));
    assertThat(status(cookie)).isEqualTo(401);
  }

  private int status(String cookie) throws Exception {
    return admin.askBare("GET", "/api/status", "", "Cookie", cookie).statusCode();
  }

  private String origin() {
    return "http://127.0.0.1:" + admin.port();
  }

  @Test
  void pagesOfOtherOriginsChangeAndReadNothing() throws Exception {
    String cookie = cookie(login(AdminClient.TOKEN));
    String entry = "/api/entries/" + broker.id();
    String[][] foreign = {
      {"Origin", "http://evil.example"},
      {"Origin", "null"},
      {"Origin", "http://127.0.0.1:1"},
      {"Origin", origin() + ".evil.example"},
      {"Sec-Fetch-Site", "cross-site"},
      {"Sec-Fetch-Site", "same-site"},
      {"Sec-Fetch-Site", "cross-site", "Origin", origin()},
      {"X-Nothing", "that a browser sends"},
    };
    for (String[] headers : foreign) {
      String[] all = new String[headers.length + 2];
      System.arraycopy(headers, 0, all, 2, headers.length);
      all[0] = "Cookie";
      all[1] = cookie;
      assertThat(admin.askBare("DELETE", entry, "", all).statusCode()).isEqualTo(403);
      assertThat(admin.askBare("POST", entry + "/revoke", "", all).statusCode()).isEqualTo(403);
      assertThat(admin.askBare("POST", "/logout", "", all).statusCode()).isEqualTo(403);
      if (headers[0].equals("Sec-Fetch-Site")) {
        assertThat(admin.askBare("GET", entry, "", all).statusCode()).isEqualTo(403);
      }
      // The token itself does not help a page of another site either.
      if (!headers[0].equals("X-Nothing")) {
        assertThat(admin.ask("DELETE", entry, "", headers).statusCode()).isEqualTo(403);
      }
    }
    assertThat(broker.store().find(broker.id())).isPresent();
    String[] ours = {"Cookie", cookie, "Origin", origin(), "Sec-Fetch-Site", "same-origin"};
    assertThat(admin.askBare("DELETE", entry, "", ours).statusCode()).isEqualTo(204);
    assertThat(broker.store().find(broker.id())).isEmpty();
  }

  @Test
  void linkOnAnotherSiteLeadsToThePage() throws Exception {
    String cookie = cookie(login(AdminClient.TOKEN));
    assertThat(
            admin
                .askBare("GET", "/", "", "Cookie", cookie, "Sec-Fetch-Site", "cross-site")
                .statusCode())
        .isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"evil.example", "evil.example:8893", "127.0.0.1.evil.example", "192.0.2.1", "x"})
  void foreignHostIsMisdirected(String host) throws Exception {
    assertThat(askHost(host, "/api/status")).startsWith("HTTP/1.1 421 ");
    assertThat(askHost(host, "/health")).startsWith("HTTP/1.1 421 ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost:4711",
        "127.0.0.1",
        "[::1]:22",
        "[0:0:0:0:0:0:0:1]:1",
        "127.0.0.2:8893"
      })
  void everyLoopbackHostIsServed(String host) throws Exception {
    assertThat(askHost(host, "/api/status")).startsWith("HTTP/1.1 200 ");
  }

  private String askHost(String host, String path) throws Exception {
    try (Peer peer = Peer.to(admin.port()).plain()) {
      return peer.send(
              "GET "
                  + path
                  + " HTTP/1.1\r\nHost: "
                  + host
                  + "\r\nAuthorization: "
                  + BEARER
                  + "\r\n\r\n")
          .readHead();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/", "/style.css", "/app.js", "/icon.svg", "/health", "/api/status", "/x"})
  void responsesRestrictWhatBrowsersMayDo(String path) throws Exception {
    HttpResponse<String> answer = admin.ask("GET", path, "");
    assertThat(answer.headers().firstValue("Content-Security-Policy").orElseThrow())
        .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
        .doesNotContain("unsafe");
    assertThat(answer.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
    assertThat(answer.headers().firstValue("Cache-Control")).contains("no-store");
    assertThat(answer.headers().firstValue("Access-Control-Allow-Origin")).isEmpty();
  }

  @Tag("long")
  @Test
  void connectionWithoutARequestIsClosed() throws Exception {
    // Undertow keeps the time; the end of the connection shows that one is set.
    try (Peer peer = Peer.to(admin.port()).plain()) {
      peer.patience(Duration.ofSeconds(60)).send("GET /health HTTP/1.1\r\nHost: localhost\r\n");
      assertThat(peer.readAll()).isEmpty();
    }
  }

  @Test
  void otherAddressIsServedOverTlsOnly() throws Exception {
    try (TestBroker open =
        TestBroker.start(
            "admin.enabled", "true", "admin.token", AdminClient.TOKEN, "admin.host", "0.0.0.0")) {
      String url = open.broker().adminUrl().orElseThrow();
      assertThat(url).matches("https://localhost:\\d+/");
      int port = URI.create(url).getPort();
      try (Peer plain = Peer.to(port).plain()) {
        plain.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assertThat(Octets.untilItBreaks(plain.in())).doesNotContain("HTTP/1.1");
      }
      for (String host : List.of("localhost", "192.0.2.7:8893", "[2001:db8::7]")) {
        assertThat(login(port, host)).startsWith("HTTP/1.1 303 ").contains("; Secure");
      }
      assertThat(login(port, "evil.example")).startsWith("HTTP/1.1 421 ");
    }
  }

  private static String login(int port, String host) throws Exception {
    try (Peer peer = Peer.to(port).tls(Keys.trust())) {
      return peer.send(
              "GET /?token=" + AdminClient.TOKEN + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
          .readHead();
    }
  }

  @Test
  void noTokenIsNeededIfTheSettingIsNone() throws Exception {
    try (TestBroker free = TestBroker.start("admin.enabled", "true", "admin.token", "none")) {
      AdminClient anybody = new AdminClient(free);
      assertThat(anybody.askBare("GET", "/api/status", "").statusCode()).isEqualTo(200);
      assertThat(anybody.askBare("GET", "/", "").statusCode()).isEqualTo(200);
      String path = "/api/entries/" + UUID.randomUUID();
      assertThat(anybody.askBare("PUT", path, "{}").statusCode()).isEqualTo(201);
      assertThat(anybody.askBare("DELETE", path, "", "Origin", "http://evil.example").statusCode())
          .isEqualTo(403);
    }
  }
}
