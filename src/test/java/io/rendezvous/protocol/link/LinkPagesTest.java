package io.rendezvous.protocol.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import io.rendezvous.link.Link;
import io.rendezvous.link.LinkKey.Purpose;
import io.rendezvous.testing.HookedStore;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Links, and the page that shows which hidden server is chosen (protocol.md, 1.6). */
class LinkPagesTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final String PREFIX = "/.well-known/rendezvous/";
  private static final String SAME_ORIGIN = "Sec-Fetch-Site: same-origin\r\n";
  private static final Pattern COOKIE =
      Pattern.compile(
          "\r\nSet-Cookie: __Host-rendezvous=([A-Za-z0-9_-]+);"
              + " Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=(\\d+)\r\n");

  private final TestBroker.SteppedClock clock = new TestBroker.SteppedClock();
  private final HookedStore store = new HookedStore();
  private TestBroker broker;
  private Entry home;
  private Entry garden;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.startOn(store, clock, "domain", "example.net");
    home = broker.addLabelled("home");
    garden = broker.addLabelled("garden");
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  private String token(Entry of, String path) throws IOException {
    return broker.linkKey().seal(Purpose.LINK, Link.to(of, path, HOUR, clock.instant()));
  }

  private String token(Entry of) throws IOException {
    return token(of, "/");
  }

  private String cookie(Entry of) throws IOException {
    Link link = Link.to(of, "/", HOUR, clock.instant());
    return "Cookie: a=b; __Host-rendezvous="
        + broker.linkKey().seal(Purpose.COOKIE, link.forCookie(of))
        + "\r\n";
  }

  private String answer(String method, String token, String lines) throws IOException {
    return answer(method, token, lines, "");
  }

  private String answer(String method, String token, String lines, String body) throws IOException {
    try (Peer client = broker.connect()) {
      String head = method + " " + PREFIX + token + " HTTP/1.1\r\nHost: localhost\r\n" + lines;
      return client.send(head + "\r\n" + body).readAll();
    }
  }

  private static Matcher setCookie(String answer) {
    Matcher cookie = COOKIE.matcher(answer);
    assertThat(cookie.find()).as(answer).isTrue();
    return cookie;
  }

  /** Checks that the value of a Set-Cookie leads to a hidden server. */
  private void assertLeadsTo(Entry of, String value) throws Exception {
    try (Peer tunnel = broker.park(of);
        Peer client = broker.connect()) {
      client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: __Host-rendezvous=" + value + "\r\n\r\n");
      assertThat(tunnel.readHead()).isEqualTo("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
  }

  private static void assertPage(String answer, String status, String text) {
    assertThat(answer)
        .startsWith("HTTP/1.1 " + status + " ")
        .contains(
            "\r\nContent-Type: text/html; charset=utf-8\r\n",
            "\r\nCache-Control: no-store\r\n",
            "\r\nConnection: close\r\n",
            "\r\nContent-Security-Policy: default-src 'none'; style-src 'sha256-",
            "<!doctype html>",
            text)
        .doesNotContain("<script", "\r\nSet-Cookie");
  }

  // Links.

  @Test
  void linkSetsTheCookieAndLeadsToItsPath() throws Exception {
    String answer = answer("GET", token(home, "/x?y=z"), "");
    assertThat(answer)
        .startsWith("HTTP/1.1 303 See Other\r\n")
        .contains(
            "\r\nLocation: /x?y=z\r\n",
            "\r\nCache-Control: no-store\r\n",
            "\r\nReferrer-Policy: no-referrer\r\n",
            "\r\nConnection: close\r\n",
            "\r\nContent-Length: 0\r\n");
    Matcher cookie = setCookie(answer);
    assertThat(Integer.parseInt(cookie.group(2))).isBetween(3590, 3600);
    assertLeadsTo(home, cookie.group(1));
  }

  @ParameterizedTest
  @CsvSource({
    "/\u00fc b, /%C3%BC%20b",
    "/a%0d%0aX: y, /a%0d%0aX:%20y",
    "/#x, /#x",
  })
  void pathIsEscapedWhereNecessary(String path, String location) throws Exception {
    assertThat(answer("GET", token(home, path), "")).contains("\r\nLocation: " + location + "\r\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"?utm_source=x", ""})
  void linkOpensWithAnythingAsCredentials(String query) throws Exception {
    String lines = "Authorization: Bearer x\r\nRendezvous-ID: " + garden.id() + "\r\n";
    setCookie(answer("GET", token(home) + query, lines));
    setCookie(answer("GET", token(home) + query, "Accept: application/json\r\n"));
  }

  @Test
  void cookieIsRevokedWithItsLink() throws Exception {
    String cookie = setCookie(answer("GET", token(home), "")).group(1);
    clock.step(Duration.ofSeconds(1));
    store.change(home.id(), old -> old.withLinksRevoked(clock.instant()));
    try (Peer client = broker.connect()) {
      client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: __Host-rendezvous=" + cookie + "\r\n\r\n");
      assertThat(client.readResponse()).startsWith("HTTP/1.1 401 ");
    }
  }

  @Test
  void voidLinkIsGone() throws Exception {
    String ofDeleted = token(garden);
    store.delete(garden.id());
    String cookie = cookie(home);
    String ofCookie = cookie.substring(cookie.indexOf('=', 12) + 1).strip();
    String good = token(home);
    for (String token : List.of("x", "x/y", good + "/", good.substring(1), ofCookie, ofDeleted)) {
      assertPage(answer("GET", token, ""), "410", "no longer valid");
    }
    store.change(home.id(), old -> old.withLinksRevoked(clock.instant()));
    assertPage(answer("GET", good, ""), "410", "no longer valid");
    String fresh = token(store.find(home.id()).orElseThrow());
    setCookie(answer("GET", fresh, ""));
    clock.step(HOUR.plusMillis(1));
    assertPage(answer("GET", fresh, ""), "410", "no longer valid");
  }

  @Test
  void storeThatIsAwayIsTold() throws Exception {
    String token = token(home);
    store.hook(
        id -> {
          throw new IOException("the store is away");
        });
    assertPage(answer("GET", token, ""), "503", "Try again");
  }

  @Test
  void headIsAnsweredWithoutABody() throws Exception {
    assertThat(answer("HEAD", token(home), "")).startsWith("HTTP/1.1 303 ").endsWith("\r\n\r\n");
    assertThat(answer("HEAD", "x", "")).startsWith("HTTP/1.1 410 ").endsWith("\r\n\r\n");
    assertThat(answer("HEAD", "", "")).startsWith("HTTP/1.1 200 ").endsWith("\r\n\r\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"PUT", "DELETE", "OPTIONS", "get", "PROPFIND"})
  void otherMethodsAreRefused(String method) throws Exception {
    String answer = answer(method, token(home), "");
    assertPage(answer, "405", "page of the broker");
    assertThat(answer).contains("\r\nAllow: GET, HEAD, POST\r\n");
  }

  // Another hidden server.

  @Test
  void linkAsksBeforeItReplacesAnotherServer() throws Exception {
    String token = token(home, "/x");
    String page = answer("GET", token, cookie(garden));
    assertPage(page, "200", "<form method=\"post\">");
    assertThat(page)
        .contains("<b>garden</b>", "<b>home</b>")
        .doesNotContain(home.id().toString(), garden.id().toString(), token);
    String entered = answer("POST", token, cookie(garden) + SAME_ORIGIN);
    assertThat(entered).contains("\r\nLocation: /x\r\n");
    assertLeadsTo(home, setCookie(entered).group(1));
  }

  @Test
  void linkDoesNotAskWithoutNeed() throws Exception {
    setCookie(answer("GET", token(home), cookie(home)));
    setCookie(answer("GET", token(home), "Cookie: __Host-rendezvous=x\r\n"));
    String ofDeleted = cookie(garden);
    store.delete(garden.id());
    setCookie(answer("GET", token(home), ofDeleted));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: none",
        "Sec-Fetch-Site: cross-site~Origin: https://localhost",
        "Origin: https://evil.example",
        "Origin: https://localhost.evil.example",
        "Origin: https://localhost:1",
        "Origin: http://localhost",
        "Origin: null",
        "Origin:"
      })
  void formOfAnotherSiteIsRefused(String lines) throws Exception {
    String more = lines.isEmpty() ? "" : lines.replace("~", "\r\n") + "\r\n";
    assertPage(answer("POST", token(home), more), "403", "not sent by a page of this host");
    assertPage(answer("POST", "", more), "403", "not sent by a page of this host");
  }

  @Test
  void formOfThisHostIsKnownByItsOriginToo() throws Exception {
    setCookie(answer("POST", token(home), "Origin: https://localhost\r\n"));
  }

  // The page without a token.

  @Test
  void pageShowsTheChosenServer() throws Exception {
    String page = answer("GET", "", cookie(home));
    assertPage(page, "200", "<b>home</b>");
    assertThat(page).contains("<form method=\"post\">").doesNotContain(home.id().toString());
    assertPage(answer("GET", "", ""), "200", "no server");
    assertPage(answer("GET", "", "Cookie: __Host-rendezvous=x\r\n"), "200", "no server");
  }

  /** Others may write into the store whatever they want. */
  @Test
  void labelIsNoMarkup() throws Exception {
    Entry strange =
        Entry.parse(home.toJson().replace("[\"home\"]", "[\"<img src=x>\",\"door:22\"]"));
    store.create(strange);
    assertPage(answer("GET", "", cookie(strange)), "200", "<b>door</b>");
    Entry nameless = Entry.parse(home.toJson().replace("[\"home\"]", "[\"<img src=x>\"]"));
    store.create(nameless);
    assertPage(answer("GET", "", cookie(nameless)), "200", "a server without a name");
  }

  @Test
  void leavingClearsTheCookie() throws Exception {
    assertThat(answer("POST", "", cookie(home) + SAME_ORIGIN))
        .startsWith("HTTP/1.1 303 ")
        .contains(
            "\r\nLocation: /.well-known/rendezvous/\r\n",
            "\r\nSet-Cookie: __Host-rendezvous=; Path=/; Secure; HttpOnly; SameSite=Lax;"
                + " Max-Age=0\r\n");
  }

  // A password.

  private Entry withPassword(Entry entry, String password) throws IOException {
    ClientPassword stored = ClientPassword.of(entry.id(), "rendezvous", password);
    return store.change(entry.id(), old -> old.withPassword(Optional.of(stored))).orElseThrow();
  }

  private String post(String token, String form) throws IOException {
    return answer("POST", token, SAME_ORIGIN + "Content-Length: " + form.length() + "\r\n", form);
  }

  @Test
  void linkAsksForThePassword() throws Exception {
    Entry secret = withPassword(home, "\u00f6ffne dich & +");
    String token = token(secret, "/x");
    assertPage(answer("GET", token, ""), "200", "type=\"password\"");
    assertPage(post(token, ""), "403", "The password is wrong");
    assertPage(post(token, "password="), "403", "The password is wrong");
    assertPage(post(token, "password=wrong"), "403", "The password is wrong");
    String entered = post(token, "x=y&password=%C3%B6ffne+dich+%26+%2B");
    assertThat(entered).contains("\r\nLocation: /x\r\n");
    String cookie = setCookie(entered).group(1);
    assertLeadsTo(secret, cookie);
    withPassword(home, "another password");
    try (Peer client = broker.connect()) {
      client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: __Host-rendezvous=" + cookie + "\r\n\r\n");
      assertThat(client.readResponse()).startsWith("HTTP/1.1 401 ");
    }
  }

  @Test
  void cookieOfBeforeThePasswordIsVoid() throws Exception {
    String cookie = cookie(home);
    withPassword(home, "open sesame");
    assertPage(answer("GET", token(home), cookie), "200", "type=\"password\"");
  }

  @Test
  void wrongPasswordsAreLimited() throws Exception {
    String token = token(withPassword(home, "open sesame"));
    String last = "";
    for (int i = 0; i < 20 && !last.startsWith("HTTP/1.1 429 "); i++) {
      last = post(token, "password=wrong" + i);
    }
    assertPage(last, "429", "Try again later");
    assertThat(last).contains("\r\nRetry-After: ");
  }

  @Test
  void formIsBounded() throws Exception {
    assertPage(post(token(home), "x".repeat(4097)), "413", "too long");
    assertPage(
        answer("POST", token(home), SAME_ORIGIN + "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        "413",
        "too long");
  }

  @Test
  void formThatArrivesInPiecesIsRead() throws Exception {
    String token = token(withPassword(home, "open sesame"));
    try (Peer client = broker.connect()) {
      client.send(
          "POST "
              + PREFIX
              + token
              + " HTTP/1.1\r\nHost: a\r\n"
              + SAME_ORIGIN
              + "Content-Length: 20\r\n\r\npass");
      client.send("word=open+s");
      client.send("esame");
      setCookie(client.readAll());
    }
  }

  // Where the pages are.

  @Test
  void pathsBesideThePagesAreTheHiddenServers() throws Exception {
    for (String path :
        List.of(
            "/.well-known/rendezvous",
            "/.well-known/rendezvous?/",
            "/.well-known/Rendezvous/",
            "/.well-known/rendezvous%2F",
            "//.well-known/rendezvous/")) {
      try (Peer tunnel = broker.park();
          Peer client = broker.connect()) {
        client.send(broker.get(broker.entry(), path));
        assertThat(tunnel.readHead()).startsWith("GET " + path + " ");
      }
    }
  }

  @Test
  void everyPathOfAHostNameIsTheHiddenServers() throws Exception {
    try (Peer tunnel = broker.park(home);
        Peer client = broker.connect()) {
      client.send("GET " + PREFIX + " HTTP/1.1\r\nHost: home.example.net\r\n\r\n");
      assertThat(tunnel.readHead()).startsWith("GET " + PREFIX + " ");
    }
  }

  @Test
  void pageThatIsAskedForOnTheConnectionToAHiddenServerReachesNoHiddenServer() throws Exception {
    String host = " HTTP/1.1\r\nHost: localhost\r\n" + cookie(home) + "\r\n";
    try (Peer tunnel = broker.park(home);
        Peer client = broker.connect()) {
      client.send("GET /first" + host);
      assertThat(tunnel.readHead()).startsWith("GET /first ");
      client.send("GET " + PREFIX + token(garden) + host);
      tunnel.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      assertThat(client.readAll()).endsWith("\r\n\r\nok");
      assertThat(tunnel.readAll()).isEmpty();
    }
  }

  @Test
  void entryOfNoLabelHasNoUuidOnThePage() throws Exception {
    Entry nameless = Entry.create(UUID.randomUUID(), List.of(), 8, Instant.now(), List.of("open"));
    store.create(nameless);
    String page = answer("GET", "", cookie(nameless));
    assertPage(page, "200", "a server without a name");
    assertThat(page).doesNotContain(nameless.id().toString());
  }
}
