package io.rendezvous.admin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.testing.AdminClient;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
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
  private static final ObjectMapper JSON = new ObjectMapper();
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
    "DELETE, /api/session",
    "POST, /api/one-time-token",
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
  void guessingIsSlowedDownAndTheRightTokenIsLetIn() throws Exception {
    String session = session(login(AdminClient.TOKEN));
    for (int i = 0; i < 10; i++) {
      assertThat(admin.askBare("GET", "/api/status", "", "Authorization", "Bearer x" + i))
          .extracting(HttpResponse::statusCode)
          .isEqualTo(401);
    }
    for (HttpResponse<String> wrong :
        List.of(admin.askBare("GET", "/api/status", "", "Authorization", "Bearer y"), login("y"))) {
      assertThat(wrong.statusCode()).isEqualTo(429);
      assertThat(wrong.headers().firstValueAsLong("Retry-After").orElseThrow()).isBetween(1L, 31L);
    }
    assertThat(admin.ask("GET", "/api/status", "").statusCode()).isEqualTo(200);
    assertThat(admin.ask("GET", "/metrics", "").statusCode()).isEqualTo(200);
    assertThat(status(session)).isEqualTo(200);
    assertThat(login(oneTimeToken()).statusCode()).isEqualTo(201);
    assertThat(login(AdminClient.TOKEN).statusCode()).isEqualTo(201);
    broker.clock().step(Duration.ofSeconds(31));
    assertThat(login("y").statusCode()).isEqualTo(401);
  }

  @Test
  void pagesOfOtherSitesCannotUseUpGuesses() throws Exception {
    for (int i = 0; i < 20; i++) {
      admin.askBare("POST", "/api/session", "{\"token\":\"x\"}", "Sec-Fetch-Site", "cross-site");
    }
    assertThat(login("x").statusCode()).isEqualTo(401);
  }

  private HttpResponse<String> login(String token) throws Exception {
    return admin.askBare("POST", "/api/session", "{\"token\":\"" + token + "\"}");
  }

  private static String session(HttpResponse<String> answer) throws Exception {
    return JSON.readTree(answer.body()).path("session").asText();
  }

  private int status(String session) throws Exception {
    return admin
        .askBare("GET", "/api/status", "", "Authorization", "Bearer " + session)
        .statusCode();
  }

  private String oneTimeToken() throws Exception {
    HttpResponse<String> answer = admin.ask("POST", "/api/one-time-token", "");
    assertThat(answer.statusCode()).isEqualTo(201);
    return JSON.readTree(answer.body()).path("token").asText();
  }

  @Test
  void loginStartsASessionWhichEnds() throws Exception {
    assertThat(login("wrong").statusCode()).isEqualTo(401);
    assertThat(admin.askBare("POST", "/api/session", "{\"token\":1}").statusCode()).isEqualTo(400);
    HttpResponse<String> answer = login(AdminClient.TOKEN);
    assertThat(answer.statusCode()).isEqualTo(201);
    assertThat(answer.body()).doesNotContain(AdminClient.TOKEN);
    String session = session(answer);
    String other = session(login(AdminClient.TOKEN));
    assertThat(status(session)).isEqualTo(200);
    assertThat(
            admin
                .askBare("DELETE", "/api/session", "", "Authorization", "Bearer " + other)
                .statusCode())
        .isEqualTo(204);
    assertThat(status(other)).isEqualTo(401);
    assertThat(status(session)).isEqualTo(200);
    broker.clock().step(Duration.ofHours(12));
    assertThat(status(session)).isEqualTo(401);
  }

  @Test
  void oneTimeTokenLogsInOnceAndForTenMinutes() throws Exception {
    String token = oneTimeToken();
    assertThat(status(token)).isEqualTo(401); // it is good for a login only
    assertThat(status(session(login(token)))).isEqualTo(200);
    assertThat(login(token).statusCode()).isEqualTo(401);
    String late = oneTimeToken();
    broker.clock().step(Duration.ofMinutes(10));
    assertThat(login(late).statusCode()).isEqualTo(401);
  }

  @Test
  void sessionCannotProlongItself() throws Exception {
    String session = session(login(AdminClient.TOKEN));
    assertThat(
            admin
                .askBare("POST", "/api/one-time-token", "", "Authorization", "Bearer " + session)
                .statusCode())
        .isEqualTo(403);
    assertThat(login(session).statusCode()).isEqualTo(401);
  }

  @Test
  void noCookieIsSetAndNoneLogsIn() throws Exception {
    HttpResponse<String> answer = login(AdminClient.TOKEN);
    assertThat(answer.headers().map()).doesNotContainKey("set-cookie");
    String session = session(answer);
    for (String name : List.of("rendezvous-admin", "rendezvous-session", "session")) {
      assertThat(
              admin.askBare("GET", "/api/status", "", "Cookie", name + "=" + session).statusCode())
          .isEqualTo(401);
    }
  }

  @Test
  void tokenInTheQueryIsOfNoUse() throws Exception {
    HttpResponse<String> page = admin.askBare("GET", "/?token=" + AdminClient.TOKEN, "");
    assertThat(page.body()).startsWith("<!doctype html>").doesNotContain(AdminClient.TOKEN);
    assertThat(page.headers().map()).doesNotContainKey("set-cookie");
    assertThat(admin.askBare("GET", "/api/status?token=" + AdminClient.TOKEN, "").statusCode())
        .isEqualTo(401);
  }

  private String origin() {
    return "http://127.0.0.1:" + admin.port();
  }

  @Test
  void pagesOfOtherOriginsChangeAndReadNothing() throws Exception {
    String session = "Bearer " + session(login(AdminClient.TOKEN));
    String entry = "/api/entries/" + broker.id();
    String[][] foreign = {
      {"Origin", "http://evil.example"},
      {"Origin", "null"},
      {"Origin", "http://127.0.0.1:1"},
      {"Origin", origin() + ".evil.example"},
      {"Sec-Fetch-Site", "cross-site"},
      {"Sec-Fetch-Site", "same-site"},
      {"Sec-Fetch-Site", "cross-site", "Origin", origin()},
    };
    for (String[] headers : foreign) {
      String[] all = new String[headers.length + 2];
      System.arraycopy(headers, 0, all, 2, headers.length);
      all[0] = "Authorization";
      all[1] = session;
      assertThat(admin.askBare("DELETE", entry, "", all).statusCode()).isEqualTo(403);
      assertThat(admin.askBare("POST", entry + "/revoke", "", all).statusCode()).isEqualTo(403);
      assertThat(admin.askBare("DELETE", "/api/session", "", all).statusCode()).isEqualTo(403);
      if (headers[0].equals("Sec-Fetch-Site")) {
        assertThat(admin.askBare("GET", entry, "", all).statusCode()).isEqualTo(403);
      }
      // The token itself does not help a page of another site either.
      assertThat(admin.ask("DELETE", entry, "", headers).statusCode()).isEqualTo(403);
    }
    assertThat(broker.store().find(broker.id())).isPresent();
    String[] ours = {"Authorization", session, "Origin", origin(), "Sec-Fetch-Site", "same-origin"};
    assertThat(admin.askBare("DELETE", entry, "", ours).statusCode()).isEqualTo(204);
    assertThat(broker.store().find(broker.id())).isEmpty();
  }

  @Test
  void linkOnAnotherSiteLeadsToThePage() throws Exception {
    assertThat(admin.askBare("GET", "/", "", "Sec-Fetch-Site", "cross-site").statusCode())
        .isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "evil.example",
        "evil.example:8893",
        "127.0.0.1.evil.example",
        "192.0.2.1",
        "x"
      })
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
  void idleConnectionsKeepNobodyOut() throws Exception {
    List<Peer> idle = new ArrayList<>();
    try (Peer known = Peer.to(admin.port()).plain()) {
      String request = "GET /api/status HTTP/1.1\r\nHost: localhost\r\n";
      known.send(request + "Authorization: " + BEARER + "\r\n\r\n").readResponse();
      for (int i = 0; i < 300; i++) {
        idle.add(Peer.to(admin.port()).plain());
      }
      assertThat(admin.askBare("GET", "/health", "").statusCode()).isEqualTo(200);
      assertThat(admin.ask("GET", "/metrics", "").statusCode()).isEqualTo(200);
      assertThat(Octets.untilItBreaks(idle.get(0).in())).isEmpty();
      known.send(request + "Authorization: " + BEARER + "\r\n\r\n");
      assertThat(known.readResponse()).startsWith("HTTP/1.1 200 ");
    } finally {
      for (Peer peer : idle) {
        peer.reset();
      }
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
        assertThat(login(port, host)).startsWith("HTTP/1.1 201 ");
      }
      assertThat(login(port, "evil.example")).startsWith("HTTP/1.1 421 ");
    }
  }

  private static String login(int port, String host) throws Exception {
    try (Peer peer = Peer.to(port).tls(Keys.trust())) {
      String body = "{\"token\":\"" + AdminClient.TOKEN + "\"}";
      return peer.send(
              "POST /api/session HTTP/1.1\r\nHost: "
                  + host
                  + "\r\nContent-Length: "
                  + body.length()
                  + "\r\n\r\n"
                  + body)
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
