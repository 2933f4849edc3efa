package io.rendezvous.protocol.connect;

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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Native apps name a hidden server in a header, browsers in a cookie (protocol.md, 1.2, 1.6). */
class CarriersTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  private static final Duration HOUR = Duration.ofHours(1);

  private final TestBroker.SteppedClock clock = new TestBroker.SteppedClock();
  private final HookedStore store = new HookedStore();
  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.startOn(store, clock, "domain", "example.net");
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  private static String request(String lines) {
    return "GET /x?y HTTP/1.1\r\nHost: localhost\r\n" + lines + "\r\n";
  }

  private Entry entry(String label, String... flags) throws Exception {
    Entry entry = Entry.create(UUID.randomUUID(), List.of(label), 8, Instant.now(), List.of(flags));
    store.create(entry);
    return entry;
  }

  private String cookie(Entry of) throws IOException {
    Link link = Link.to(of, "/", HOUR, clock.instant());
    return broker.linkKey().seal(Purpose.COOKIE, link.forCookie(of));
  }

  /** Sends a request, and checks what the hidden server receives. */
  private void assertHeard(Entry of, String request, String expected) throws Exception {
    try (Peer tunnel = broker.park(of);
        Peer client = broker.connect()) {
      client.send(request);
      assertThat(tunnel.readHead()).isEqualTo(expected);
      tunnel.send(OK);
      assertThat(client.readResponse()).startsWith("HTTP/1.1 200 ");
    }
  }

  private String answer(String request) throws Exception {
    try (Peer client = broker.connect()) {
      return client.send(request).readResponse();
    }
  }

  // Rendezvous-ID.

  @Test
  void headerNamesTheHiddenServer() throws Exception {
    String kept = "Authorization: Basic YXBwOnNlY3JldA==\r\nAuthorization: Bearer x\r\n";
    String id = "Rendezvous-ID: " + broker.id() + "\r\n";
    assertHeard(broker.entry(), request(id + kept), request(kept));
  }

  @Test
  void headerMayContainTheLabelOfAnOpenEntry() throws Exception {
    assertHeard(entry("garden", "open"), request("Rendezvous-ID: Garden\r\n"), request(""));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Rendezvous-ID:",
        "Rendezvous-ID: nobody",
        "Rendezvous-ID: closed",
        "Rendezvous-ID: <x>",
        "Rendezvous-ID: ID\r\nRendezvous-ID: ID",
        "Rendezvous-ID: ID, ID"
      })
  void headerThatNamesNoneIsRefused(String lines) throws Exception {
    entry("closed");
    String answer = answer(request(lines.replace(" ID", " " + broker.id()) + "\r\n"));
    assertThat(answer).startsWith("HTTP/1.1 400 ").contains("Rendezvous-ID");
  }

  @Test
  void headerComesAfterTheHostName() throws Exception {
    Entry home = entry("home");
    String host = "GET / HTTP/1.1\r\nHost: home.example.net\r\n";
    for (String lines : List.of(broker.id().toString(), "", "?\r\nRendezvous-ID: !")) {
      assertHeard(home, host + "Rendezvous-ID: " + lines + "\r\n\r\n", host + "\r\n");
    }
  }

  @Test
  void headerOfAnEntryWithAPasswordNeedsThePassword() throws Exception {
    Entry secret =
        store
            .change(
                broker.id(),
                old ->
                    old.withPassword(
                        Optional.of(ClientPassword.of(old.id(), "rendezvous", "open sesame"))))
            .orElseThrow();
    String id = "Rendezvous-ID: " + secret.id() + "\r\n";
    try (Peer tunnel = broker.park(secret)) {
      for (String password : List.of("", "Rendezvous-Password: open sesam\r\n")) {
        assertThat(answer(request(id + password))).startsWith("HTTP/1.1 401 ");
      }
      try (Peer client = broker.connect()) {
        client.send(request(id + "Rendezvous-Password: open sesame\r\n"));
        assertThat(tunnel.readHead()).isEqualTo(request(""));
      }
    }
  }

  @Test
  void laterRequestsOfAClientWithAHeaderAreRead() throws Exception {
    String id = "Rendezvous-ID: " + broker.id() + "\r\n";
    String cookie = "Cookie: __Host-rendezvous=" + cookie(broker.entry()) + "\r\n";
    assertGuarded(
        request(id),
        List.of(id + cookie, "Authorization: Digest username=" + broker.id() + "\r\n"),
        List.of("", cookie, "Rendezvous-ID: " + UUID.randomUUID() + "\r\n", id + id));
  }

  /**
   * Asserts which requests may follow the first one of a connection. The hidden server receives
   * nothing of the lines that are added to them.
   */
  private void assertGuarded(String first, List<String> passed, List<String> refused)
      throws Exception {
    for (String lines : refused) {
      try (Peer tunnel = broker.park();
          Peer client = broker.connect()) {
        client.send(first);
        for (String same : passed) {
          assertThat(tunnel.readHead()).isEqualTo(request(""));
          tunnel.send(OK);
          client.readResponse();
          client.send(request(same));
        }
        assertThat(tunnel.readHead()).isEqualTo(request(""));
        client.send(request(lines));
        tunnel.send(OK);
        assertThat(client.readAll()).isEqualTo(OK);
        assertThat(tunnel.readAll()).isEmpty();
      }
    }
  }

  // The cookie.

  @Test
  void laterRequestsOfAClientWithACookieAreRead() throws Exception {
    String cookie = "Cookie: __Host-rendezvous=" + cookie(broker.entry()) + "\r\n";
    String other = "Cookie: __Host-rendezvous=" + cookie(entry("other")) + "\r\n";
    assertGuarded(request(cookie), List.of(cookie, cookie), List.of("", other, "Cookie: a=b\r\n"));
  }

  @Test
  void cookieNamesTheHiddenServer() throws Exception {
    String cookie = "__Host-rendezvous=" + cookie(broker.entry());
    assertHeard(
        broker.entry(),
        request("Cookie: a=1; " + cookie + "; b=2\r\nAuthorization: Bearer x\r\n"),
        request("Cookie: a=1; b=2\r\nAuthorization: Bearer x\r\n"));
    assertHeard(
        broker.entry(),
        "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nCookie: "
            + cookie
            + "\r\n\r\n",
        "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n");
  }

  @Test
  void userNameComesBeforeTheCookie() throws Exception {
    Entry other = entry("other");
    String lines = "Authorization: Digest username=\"" + other.id() + "\"\r\n";
    String cookie = "Cookie: __Host-rendezvous=" + cookie(broker.entry()) + "\r\n";
    assertHeard(other, request(lines + cookie), request(""));
  }

  @Test
  void cookieComesAfterTheHostName() throws Exception {
    String host = "GET / HTTP/1.1\r\nHost: home.example.net\r\n";
    String cookie = "Cookie: __Host-rendezvous=" + cookie(broker.entry()) + "; a=b\r\n";
    assertHeard(entry("home"), host + cookie + "\r\n", host + "Cookie: a=b\r\n\r\n");
  }

  @Test
  void voidCookieIsNone() throws Exception {
    Entry deleted = entry("deleted");
    Entry revoked = entry("revoked");
    String link = broker.linkKey().seal(Purpose.LINK, Link.to(revoked, "/", HOUR, clock.instant()));
    List<String> cookies = List.of(cookie(deleted), cookie(revoked), link, "x", "\"x\"");
    store.delete(deleted.id());
    store.change(revoked.id(), old -> old.withLinksRevoked(clock.instant()));
    for (String value : cookies) {
      String cookie = "Cookie: __Host-rendezvous=" + value + "\r\n";
      assertThat(answer(request(cookie))).startsWith("HTTP/1.1 401 ");
      assertThat(answer(request(cookie + "Authorization: Bearer x\r\n")))
          .startsWith("HTTP/1.1 400 ");
      String id = "Rendezvous-ID: " + broker.id() + "\r\n";
      assertHeard(broker.entry(), request(cookie + id), request(""));
    }
  }

  @Test
  void cookieExpires() throws Exception {
    String cookie = request("Cookie: __Host-rendezvous=" + cookie(broker.entry()) + "\r\n");
    assertHeard(broker.entry(), cookie, request(""));
    clock.step(HOUR.plusMillis(1));
    assertThat(answer(cookie)).startsWith("HTTP/1.1 401 ");
  }

  @Test
  void cookieCannotBeCheckedWhileTheStoreIsAway() throws Exception {
    String cookie = request("Cookie: __Host-rendezvous=" + cookie(broker.entry()) + "\r\n");
    store.hook(
        id -> {
          throw new IOException("the store is away");
        });
    assertThat(answer(cookie)).startsWith("HTTP/1.1 503 ").contains("Retry-After: ");
  }

  @Test
  void carriersAreCounted() throws Exception {
    Entry home = entry("home");
    String id = home.id().toString();
    assertHeard(home, request("Rendezvous-ID: " + id + "\r\n"), request(""));
    String cookie = "Cookie: __Host-rendezvous=" + cookie(home) + "\r\n";
    assertHeard(home, request(cookie), request(""));
    assertHeard(home, broker.get(home, "/x?y"), request(""));
    String host = "GET / HTTP/1.1\r\nHost: home.example.net\r\n\r\n";
    assertHeard(home, host, host);
    String upgrade = "GET /?rendezvous=" + id + " HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n";
    assertHeard(home, upgrade, upgrade);
    assertThat(answer(request(""))).startsWith("HTTP/1.1 401 ");
    for (String carrier : List.of("header", "cookie", "authorization", "host-name", "query")) {
      assertThat(broker.broker().metrics().scrape())
          .contains("rendezvous_identified_total{carrier=\"" + carrier + "\"} 1.0\n");
    }
  }

  @Test
  void cookieIsNeverShown() throws Exception {
    String token = cookie(entry("offline"));
    String answer =
        answer(request("Accept: text/html\r\nCookie: __Host-rendezvous=" + token + "\r\n"));
    assertThat(answer).startsWith("HTTP/1.1 404 ").doesNotContain(token);
  }
}
