package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.config.RelayMode;
import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.ClientPassword.Algorithm;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.link.Link;
import io.rendezvous.link.LinkKey.Purpose;
import io.rendezvous.testing.HookedStore;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Program;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The clients of an entry with a password have to know it (protocol.md, 1.8). */
class PasswordTest {
  private static final String SECRET = "open sesame";
  private static final Pattern NONCE = Pattern.compile("nonce=\"([0-9a-f]{32})\"");
  private static final String BARE = "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n";

  private final TestBroker.SteppedClock clock = new TestBroker.SteppedClock();
  private final HookedStore store = new HookedStore();
  private TestBroker broker;
  private Entry entry;
  private Entry open; // has a label, no password

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.startOn(store, clock, "domain", "example.org");
    entry = Entry.create(UUID.randomUUID(), List.of("home"), 6, Instant.now(), List.of());
    store.create(entry);
    setPassword(SECRET);
    open = broker.addLabelled("free");
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  private void setPassword(String password) throws IOException {
    setPassword(store, password, "rendezvous");
  }

  private void setPassword(EntryStore in, String password, String realm) throws IOException {
    ClientPassword stored = ClientPassword.of(entry.id(), realm, password);
    in.change(entry.id(), old -> old.withPassword(Optional.of(stored)));
  }

  private String request(String lines) {
    return "GET /x?y HTTP/1.1\r\nHost: localhost\r\n" + lines + "\r\n";
  }

  private String basic(String user, String password) {
    byte[] pair = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
    return "Authorization: Basic " + Base64.getEncoder().encodeToString(pair) + "\r\n";
  }

  private String basic(String password) {
    return basic(entry.id().toString(), password);
  }

  private static String nonce(String challenge) {
    Matcher matcher = NONCE.matcher(challenge);
    assertThat(matcher.find()).as(challenge).isTrue();
    return matcher.group(1);
  }

  private String digest(Algorithm algorithm, String nonce, String password) {
    String ha1 = algorithm.digest(entry.id() + ":rendezvous:" + password);
    String ha2 = algorithm.digest("GET:/x?y");
    String response = algorithm.digest(ha1 + ":" + nonce + ":00000001:c:auth:" + ha2);
    return ("Authorization: Digest username=\"%s\", realm=\"rendezvous\", nonce=\"%s\", nc=00000001,"
            + " uri=\"/x?y\", algorithm=%s, qop=auth, cnonce=\"c\", response=\"%s\"\r\n")
        .formatted(entry.id(), nonce, algorithm.token(), response);
  }

  private static void assertAsksForThePassword(String answer) {
    String nonce = "nonce=\"[0-9a-f]{32}\", opaque=\"[0-9a-f]{32}\"";
    assertThat(answer)
        .startsWith("HTTP/1.1 401 ")
        .containsPattern(
            "\r\nWWW-Authenticate: Digest realm=\"rendezvous\", qop=\"auth\", "
                + nonce
                + ", algorithm=SHA-256(, stale=true)?\r\n"
                + "WWW-Authenticate: Digest realm=\"rendezvous\", qop=\"auth\", "
                + nonce
                + ", algorithm=MD5(, stale=true)?\r\n");
  }

  /** Answers with a 200 and returns the head that the hidden server has received. */
  private static String serve(Peer tunnel) throws IOException {
    String head = tunnel.readHead();
    tunnel.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    return head;
  }

  private void assertPasses(Peer tunnel, Peer client, String request) throws IOException {
    client.send(request);
    String head = serve(tunnel);
    assertThat(client.readResponse()).startsWith("HTTP/1.1 200 ").endsWith("hi");
    assertThat(head).doesNotContain("Authorization", entry.id().toString());
  }

  // Digest.

  @ParameterizedTest
  @EnumSource
  void rightResponsePassesOnTheConnectionOfTheChallenge(Algorithm algorithm) throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      String first = client.send(BARE).readResponse();
      assertThat(first).startsWith("HTTP/1.1 401 ").doesNotContain("algorithm=");
      String named =
          client.send(request(digest(algorithm, nonce(first), "open sesamo"))).readResponse();
      assertAsksForThePassword(named);
      assertThat(named).doesNotContain("stale");
      assertPasses(tunnel, client, request(digest(algorithm, nonce(named), SECRET)));
    }
  }

  /** A browser that has typed the password at the first challenge is not asked again. */
  @Test
  void responseToTheChallengeForANamePasses() throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      String challenge = client.send(BARE).readResponse();
      assertPasses(tunnel, client, request(digest(Algorithm.MD5, nonce(challenge), SECRET)));
    }
  }

  @Test
  void requestThatOnlyNamesTheEntryIsChallenged() throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      for (int i = 0; i < 15; i++) { // more than the failures that are allowed
        assertAsksForThePassword(client.send(broker.get(entry, "/")).readResponse());
      }
      String challenge = client.send(broker.get(entry, "/")).readResponse();
      assertPasses(tunnel, client, request(digest(Algorithm.SHA_256, nonce(challenge), SECRET)));
    }
  }

  @Test
  void nonceThatHasExpiredIsStale() throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      String challenge = client.send(BARE).readResponse();
      clock.step(Duration.ofSeconds(301));
      String late = request(digest(Algorithm.MD5, nonce(challenge), SECRET));
      String stale = client.send(late).readResponse();
      assertAsksForThePassword(stale);
      assertThat(stale).contains("stale=true");
      assertPasses(tunnel, client, request(digest(Algorithm.SHA_256, nonce(stale), SECRET)));
    }
  }

  @Test
  void responseForAnotherTargetIsAMistake() throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      String nonce = nonce(client.send(BARE).readResponse());
      String request = request(digest(Algorithm.MD5, nonce, SECRET)).replace("GET /x?y", "GET /z");
      assertThat(client.send(request).readAll()).startsWith("HTTP/1.1 400 ");
      assertThat(tunnel.hearsNothing()).isTrue();
    }
  }

  @Test
  void authIntIsRefused() throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      String nonce = nonce(client.send(BARE).readResponse());
      String request =
          request(digest(Algorithm.MD5, nonce, SECRET)).replace("qop=auth", "qop=auth-int");
      assertAsksForThePassword(client.send(request).readResponse());
      assertThat(tunnel.hearsNothing()).isTrue();
    }
  }

  // Other carriers.

  @Test
  void basicPasswordIsChecked() throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      assertAsksForThePassword(client.send(request(basic("x"))).readResponse());
      assertAsksForThePassword(client.send(request(basic(""))).readResponse());
      assertPasses(tunnel, client, request(basic(SECRET)));
    }
    String upper = entry.id().toString().toUpperCase(Locale.ROOT);
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      assertPasses(tunnel, client, request(basic(upper, SECRET)));
    }
  }

  @Test
  void passwordMayStandInAHeader() throws Exception {
    String id = "Rendezvous-ID: " + entry.id() + "\r\n";
    String password = "Rendezvous-Password: " + SECRET + "\r\n";
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      assertAsksForThePassword(client.send(request(id)).readResponse());
      assertAsksForThePassword(client.send(request(id + basic(SECRET))).readResponse());
      client.send(request(id + password + basic("for the", "server")));
      assertThat(serve(tunnel)).contains("Basic ").doesNotContain(SECRET, entry.id().toString());
      assertThat(client.readResponse()).endsWith("hi");
    }
    try (Peer client = broker.connect()) {
      assertThat(client.send(request(id + password + password)).readAll())
          .startsWith("HTTP/1.1 400 ");
    }
  }

  /** Otherwise the hidden server could read the password in a later request. */
  @ParameterizedTest
  @ValueSource(strings = {"localhost", "home.example.org"})
  void laterRequestsArePassedOnWithoutThePassword(String host) throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      for (int i = 0; i < 3; i++) {
        assertPasses(tunnel, client, request(basic(SECRET)).replace("localhost", host));
      }
      client.send(request(basic(open.id().toString(), "x")).replace("localhost", host));
      assertThat(tunnel.readAll()).isEmpty();
    }
  }

  @Test
  void queryIsNoIdentity() throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      String socket = "GET /ws?rendezvous=" + entry.id() + " HTTP/1.1\r\nHost: localhost\r\n";
      String upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
      assertAsksForThePassword(client.send(socket + upgrade).readResponse());
      assertThat(tunnel.hearsNothing()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"home.example.org", "HOME.example.org:443"})
  void hostNameIsChallenged(String host) throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      String bare = BARE.replace("localhost", host);
      assertAsksForThePassword(client.send(bare).readResponse());
      String another = request(basic(open.id().toString(), SECRET)).replace("localhost", host);
      assertAsksForThePassword(client.send(another).readResponse());
      assertThat(tunnel.hearsNothing()).isTrue();
      assertPasses(tunnel, client, request(basic(SECRET)).replace("localhost", host));
    }
  }

  @Test
  void hostNameOfAnEntryWithoutAPasswordIsNot() throws Exception {
    try (Peer tunnel = broker.park(open);
        Peer client = broker.connect()) {
      client.send(request(basic("for the", "server")).replace("localhost", "free.example.org"));
      assertThat(serve(tunnel)).contains("Authorization: Basic ");
      assertThat(client.readResponse()).endsWith("hi");
    }
  }

  // Failures.

  @Test
  void wrongPasswordsBlockTheSourceAtThisEntry() throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer another = broker.park(open)) {
      for (int i = 0; i < 10; i++) {
        try (Peer client = broker.connect()) {
          assertAsksForThePassword(client.send(request(basic("wrong"))).readResponse());
        }
      }
      try (Peer client = broker.connect()) {
        assertThat(client.send(request(basic(SECRET))).readAll())
            .startsWith("HTTP/1.1 429 ")
            .contains("\r\nRetry-After: 60\r\n");
      }
      try (Peer client = broker.connect()) {
        client.send(broker.get(open, "/"));
        serve(another);
        assertThat(client.readResponse()).startsWith("HTTP/1.1 200 ");
      }
      try (Peer more = broker.park(entry)) { // wrong passwords are no wrong tokens
        assertThat(more.hearsNothing()).isTrue();
      }
      clock.step(Duration.ofSeconds(61));
      try (Peer client = broker.connect()) {
        assertPasses(tunnel, client, request(basic(SECRET)));
      }
    }
  }

  @Test
  void knownSourceIsAnsweredLateAfterAFailure() throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      assertPasses(tunnel, client, request(basic(SECRET)));
    }
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      assertAsksForThePassword(client.send(request(basic("wrong"))).readResponse());
      assertPasses(tunnel, client, request(basic(SECRET)));
    }
  }

  @Test
  void storeThatIsAwayLetsNobodyIn() throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      clock.step(Duration.ofHours(1)); // longer than a remembered entry is good
      store.hook(
          id -> {
            throw new IOException("away");
          });
      assertThat(client.send(request(basic(SECRET))).readAll()).startsWith("HTTP/1.1 503 ");
      assertThat(tunnel.hearsNothing()).isTrue();
    }
  }

  // Later requests.

  /** Asserts that nothing of a later request passes, and that the connection ends. */
  private static void assertEnds(Peer tunnel, Peer client, String request) throws IOException {
    client.send(request);
    assertThat(client.readAll()).isEmpty();
    assertThat(tunnel.readAll()).isEmpty();
  }

  @Test
  void laterRequestsHaveToSendThePasswordToo() throws Exception {
    String right = request(basic(SECRET));
    for (String lines : List.of("", basic(""), basic("open sesamo"), basic("x", SECRET))) {
      try (Peer tunnel = broker.park(entry);
          Peer client = broker.connect()) {
        assertPasses(tunnel, client, right);
        assertPasses(tunnel, client, right);
        assertEnds(tunnel, client, request(lines));
      }
    }
  }

  /** A kept connection is not cut because its nonce is old. */
  @Test
  void laterRequestsMayAnswerAChallengeOfAnyAge() throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      String nonce = nonce(client.send(BARE).readResponse());
      String right = request(digest(Algorithm.SHA_256, nonce, SECRET));
      assertPasses(tunnel, client, right);
      clock.step(Duration.ofHours(6));
      assertPasses(tunnel, client, right);
      String foreign = nonce.substring(0, 31) + (nonce.endsWith("0") ? "1" : "0");
      assertEnds(tunnel, client, request(digest(Algorithm.SHA_256, foreign, SECRET)));
    }
  }

  @Test
  void laterRequestIsProvenByAResponseOfItsOwn() throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      String nonce = nonce(client.send(BARE).readResponse());
      String right = request(digest(Algorithm.MD5, nonce, SECRET));
      assertPasses(tunnel, client, right);
      assertEnds(tunnel, client, right.replace("GET /x?y", "DELETE /x?y"));
    }
  }

  /** A host name names the hidden server, but proves nothing. */
  @Test
  void laterRequestForTheHostNameHasToSendThePasswordToo() throws Exception {
    try (Peer client = broker.connect()) { // so that the label is known
      String bare = BARE.replace("localhost", "home.example.org");
      assertAsksForThePassword(client.send(bare).readResponse());
    }
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      String right = request(basic(SECRET));
      assertPasses(tunnel, client, right);
      assertPasses(tunnel, client, right.replace("localhost", "home.example.org"));
      String bare = BARE.replace("localhost", "home.example.org");
      assertEnds(tunnel, client, bare);
    }
  }

  @Test
  void laterRequestWithoutTheCookieHasToProveThePassword() throws Exception {
    Entry known = store.find(entry.id()).orElseThrow();
    Link link = Link.to(known, "/", Duration.ofHours(1), clock.instant()).forCookie(known);
    String cookie =
        "Cookie: __Host-rendezvous=" + broker.linkKey().seal(Purpose.COOKIE, link) + "\r\n";
    for (String lines : List.of("", basic("x"), "Rendezvous-ID: " + entry.id() + "\r\n")) {
      try (Peer tunnel = broker.park(entry);
          Peer client = broker.connect()) {
        assertPasses(tunnel, client, request(cookie));
        assertPasses(tunnel, client, request(cookie));
        assertEnds(tunnel, client, request(lines));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost", "free.example.org"})
  void passwordThatIsSetMeanwhileIsAskedOfLaterRequests(String host) throws Exception {
    Entry guarded =
        store.change(open.id(), old -> old.withRelay(Optional.of(RelayMode.GUARDED))).orElseThrow();
    try (Peer tunnel = broker.park(guarded);
        Peer client = broker.connect()) {
      String right = request(basic(open.id().toString(), "x")).replace("localhost", host);
      client.send(right);
      serve(tunnel);
      client.readResponse();
      ClientPassword password = ClientPassword.of(open.id(), "rendezvous", SECRET);
      store.change(open.id(), old -> old.withPassword(Optional.of(password)));
      store.tellOfPassword(open.id());
      assertEnds(tunnel, client, right);
    }
  }

  // When the password changes.

  @Test
  void passwordThatIsSetWhileTunnelsAreParkedCounts() throws Exception {
    try (Peer tunnel = broker.park(open);
        Peer client = broker.connect()) {
      ClientPassword password = ClientPassword.of(open.id(), "rendezvous", SECRET);
      store.change(open.id(), old -> old.withPassword(Optional.of(password)));
      store.tellOfPassword(open.id());
      assertAsksForThePassword(client.send(broker.get(open, "/")).readResponse());
      assertThat(tunnel.hearsNothing()).isTrue();
    }
  }

  @Test
  void passwordThatIsRemovedIsNotAskedFor() throws Exception {
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      store.change(entry.id(), old -> old.withPassword(Optional.empty()));
      client.send(broker.get(entry, "/"));
      assertThat(serve(tunnel)).startsWith("GET / ");
      assertThat(client.readResponse()).endsWith("hi");
    }
  }

  @Test
  void passwordOfAnotherRealmIsVoid() throws Exception {
    setPassword(store, SECRET, "old realm");
    try (Peer tunnel = broker.park(entry);
        Peer client = broker.connect()) {
      assertAsksForThePassword(client.send(request(basic(SECRET))).readResponse());
      assertThat(tunnel.hearsNothing()).isTrue();
    }
  }

  @Test
  void clientsOfOtherEntriesCostNoLookIntoTheStore() throws Exception {
    try (Peer tunnel = broker.park(open);
        Peer client = broker.connect()) {
      AtomicInteger looks = new AtomicInteger();
      store.hook(id -> looks.incrementAndGet());
      client.send(broker.get(open, "/"));
      serve(tunnel);
      assertThat(client.readResponse()).endsWith("hi");
      try (Peer stranger = broker.connect()) {
        String unknown =
            broker.get(open, "/").replace(open.id().toString(), UUID.randomUUID().toString());
        assertThat(stranger.send(unknown).readAll()).startsWith("HTTP/1.1 404 ");
      }
      assertThat(looks).hasValue(0);
    }
  }

  // Real programs.

  @ParameterizedTest
  @CsvSource({"--digest, 200", "--basic, 200", "--anyauth, 200", "--digest, 401"})
  void curlPasses(String way, String status, @TempDir Path directory) throws Exception {
    String password = status.equals("200") ? SECRET : "something else";
    List<String> curl =
        new ArrayList<>(List.of("curl", "-sS", "-k", "-o", "-", "-w", " %{http_code}", way));
    curl.addAll(List.of("--user", entry.id() + ":" + password, "--max-time", "20"));
    curl.add("https://localhost:" + broker.port() + "/some%20path?q=%7Bx%7D");
    try (Peer tunnel = broker.park(entry)) {
      CompletableFuture<String> served =
          Octets.beside(() -> status.equals("200") ? serve(tunnel) : "");
      try (Program client = Program.start(directory, curl.toArray(String[]::new))) {
        assertThat(client.outputWhenDone()).endsWith(" " + status);
      }
      assertThat(served.get()).doesNotContain("Authorization");
    }
    Awaitility.await().until(() -> broker.broker().paired() == 0);
  }
}
