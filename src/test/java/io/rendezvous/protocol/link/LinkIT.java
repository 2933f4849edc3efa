package io.rendezvous.protocol.link;

import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.Response;
import com.microsoft.playwright.options.AriaRole;
import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.link.Link;
import io.rendezvous.testing.Chromium;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.Site;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A browser opens a link, and is at the hidden server without a prompt. */
class LinkIT {
  /** Loads what a page can load, and returns what became of it. */
  private static final String LOAD =
      """
      async () => {
        const image = new Image();
        image.src = '/picture1.svg';
        await image.decode();
        const text = await (await fetch('/fetched')).text();
        const echo = await new Promise((resolve, reject) => {
          const socket = new WebSocket('wss://' + location.host + '/chat');
          socket.onopen = () => socket.send('ping');
          socket.onerror = () => reject(new Error('no WebSocket'));
          socket.onmessage = event => resolve(event.data);
        });
        return image.naturalWidth + ', ' + text + ', ' + echo;
      }
      """;

  private static Chromium chromium;
  private static TestBroker broker;
  private static Site site;
  private static LocalServer other;
  private static HiddenServer homeServer;
  private static HiddenServer gardenServer;
  private static Entry home;
  private static Entry garden;

  private Page page;

  @BeforeAll
  static void start() throws Exception {
    chromium = new Chromium();
    broker = TestBroker.start();
    home = broker.addLabelled("home");
    garden = broker.addLabelled("garden");
    site = new Site();
    other = new LocalServer(LocalServer::answerWithPath);
    homeServer = hiddenServer(home, site.port());
    gardenServer = hiddenServer(garden, other.port());
  }

  private static HiddenServer hiddenServer(Entry entry, int port) throws Exception {
    Provisioning provisioning =
        new Provisioning(
            entry.id(), entry.labels(), entry.totp(), "localhost", broker.port(), Optional.empty());
    return HiddenServer.of(provisioning)
        .trusting(Keys.trusted())
        .relay(new Address("127.0.0.1", port), false);
  }

  @AfterAll
  static void stop() throws Exception {
    chromium.close();
    homeServer.close();
    gardenServer.close();
    site.close();
    other.close();
    broker.close();
  }

  @BeforeEach
  void open() {
    page = chromium.trustingPage();
  }

  @AfterEach
  void close() {
    page.close();
  }

  private static String url(String path) {
    return "https://localhost:" + broker.port() + path;
  }

  private static String link(Entry to, String path) throws IOException {
    Link link = Link.to(to, path, Duration.ofHours(1), Instant.now());
    return broker.linkKey().url(url(""), link);
  }

  private void click(String button) {
    page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName(button)).click();
  }

  @Test
  void oneScanAndTheHiddenServerIsThere() throws Exception {
    Response response = page.navigate(link(home, "/hello?x=y"));
    assertThat(response.status()).isEqualTo(200);
    assertThat(response.text()).isEqualTo("hello from /hello");
    assertThat(page.url()).isEqualTo(url("/hello?x=y"));
    assertThat(page.evaluate(LOAD)).isEqualTo("9, hello from /fetched, echo ping");
  }

  /** Returns the line with the browser's cookies; an empty text if it has none. */
  private String cookies() {
    return page.context().cookies(url("/")).stream()
        .map(cookie -> "Cookie: " + cookie.name + "=" + cookie.value + "\r\n")
        .collect(Collectors.joining());
  }

  @Test
  void browserLeavesTheHiddenServer() throws Exception {
    page.navigate(link(home, "/hello"));
    assertThat(cookies()).contains("__Host-rendezvous=");
    page.navigate(url("/.well-known/rendezvous/")); // on the connection to the hidden server
    assertThat(page.textContent("body")).contains("home");
    click("Leave");
    page.getByText("connected to no server").waitFor();
    assertThat(cookies()).isEmpty();
  }

  @Test
  void linkToAnotherServerAsksFirst() throws Exception {
    page.navigate(link(home, "/hello"));
    page.navigate(link(garden, "/flowers"));
    assertThat(page.textContent("body")).contains("home", "garden", "instead");
    click("Open");
    page.waitForURL(url("/flowers"));
    assertThat(page.textContent("body")).isEqualTo("/flowers");
  }

  @Test
  void linkThatWasRevokedIsGone() throws Exception {
    Entry revoked = broker.addLabelled("revoked");
    String link = link(revoked, "/");
    broker.store().change(revoked.id(), entry -> entry.withLinksRevoked(Instant.now()));
    Response response = page.navigate(link);
    assertThat(response.status()).isEqualTo(410);
    assertThat(page.textContent("h1")).isEqualTo("This link is no longer valid");
  }

  @Test
  void passwordIsAskedForOnAPage() throws Exception {
    Entry secret = broker.addLabelled("secret");
    ClientPassword password = ClientPassword.of(secret.id(), "rendezvous", "open sesame");
    broker.store().change(secret.id(), entry -> entry.withPassword(Optional.of(password)));
    try (HiddenServer server = hiddenServer(secret, site.port())) {
      assertThat(server.status()).isNotNull();
      page.navigate(link(secret, "/hello"));
      page.getByLabel("password").fill("wrong");
      click("Open");
      page.getByText("The password is wrong").waitFor();
      page.getByLabel("password").fill("open sesame");
      click("Open");
      page.waitForURL(url("/hello"));
      assertThat(page.evaluate(LOAD)).isEqualTo("9, hello from /fetched, echo ping");
    }
  }
}
