package io.rendezvous.cli;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.agent.requests.RequestHistory;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.http.proxy.ReverseProxy;
import io.rendezvous.net.Network;
import io.rendezvous.testing.Chromium;
import io.rendezvous.testing.FreePort;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.LocalServer;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tls.keys.TrustedCertificates;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tests the status page of an agent in a browser. */
class StatusPageIT {
  private static final String MARKUP = "<img src=x onerror=\"document.title='pwned'\">";

  private final BlockingQueue<String> received = new LinkedBlockingQueue<>();
  private final List<String> errors = Collections.synchronizedList(new ArrayList<>());
  private TestBroker broker;
  private LocalServer local;
  private Network network;
  private HiddenServer server;
  private StatusServer status;
  private Chromium chromium;
  private Page page;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start();
    local = new LocalServer(this::answer);
    network = new Network("test-agent", 1);
    RequestHistory history = new RequestHistory();
    Provisioning provisioning =
        new Provisioning(
            broker.id(),
            List.of(),
            broker.entry().totp(),
            "localhost",
            broker.port(),
            Optional.empty());
    server =
        HiddenServer.of(provisioning)
            .on(network)
            .trusting(Keys.trusted())
            .history(history, "home")
            .proxy(
                URI.create("http://127.0.0.1:" + local.port()),
                new ReverseProxy.Options(false, true, TrustedCertificates.all(), Duration.ZERO));
    status =
        new StatusServer(
            new Address("127.0.0.1", FreePort.find()),
            network,
            () -> Map.of("home", server.status()),
            history);
    broker.awaitParked(8);
    chromium = new Chromium();
    page = chromium.page(1100, 800);
    page.onConsoleMessage(
        message -> {
          if (message.text().contains("Content Security Policy")) {
            errors.add(message.text());
          }
        });
    page.onPageError(errors::add);
    page.navigate("http://127.0.0.1:" + status.address().getPort() + "/");
    assertThat(page.locator("#live")).hasText("live");
  }

  /** Answers with the status that the path names. */
  private void answer(Peer connection) throws java.io.IOException {
    while (true) {
      String head = connection.readHead();
      received.add(head + connection.readBody(head));
      String wanted = head.contains("/bad") ? "500 No" : "200 OK";
      connection.send(
          "HTTP/1.1 " + wanted + "\r\nX-Markup: " + MARKUP + "\r\nContent-Length: 2\r\n\r\nhi");
    }
  }

  @AfterEach
  void stop() throws Exception {
    page.close();
    chromium.close();
    status.close();
    server.close();
    network.close();
    local.close();
    broker.close();
    assertThat(errors).isEmpty();
  }

  private void exchange(String method, String path, String lines, String body) throws Exception {
    try (Peer client = broker.connect()) {
      client.send(broker.request(method, broker.entry(), path, lines) + body).readResponse();
    }
  }

  private Locator rows() {
    return page.locator("#requests tbody tr");
  }

  private Locator row(String text) {
    return rows().filter(new Locator.FilterOptions().setHasText(text));
  }

  private static void click(Locator within, String button) {
    within.getByText(button, new Locator.GetByTextOptions().setExact(true)).click();
  }

  @Test
  void requestsAppearAreFilteredAndReplayed() throws Exception {
    assertThat(page.locator("#servers")).containsText("home");
    assertThat(page.locator("#servers .state")).hasText("online");
    assertThat(page.locator("#requests")).containsText("None yet.");

    exchange("POST", "/form?secret=1", "Cookie: a=secret\r\nContent-Length: 3\r\n", "abc");
    exchange("GET", "/bad", "", "");
    assertThat(rows()).hasCount(2);
    assertThat(row("POST /form")).containsText("200");
    assertThat(row("GET /bad")).containsText("500");

    page.getByLabel("Status").selectOption("5xx");
    assertThat(rows()).hasCount(1);
    assertThat(rows()).containsText("GET /bad");
    page.getByLabel("Status").selectOption("");
    assertThat(rows()).hasCount(2);

    String first = received.poll(20, TimeUnit.SECONDS);
    received.poll(20, TimeUnit.SECONDS);
    click(row("POST /form"), "Replay");
    assertThat(rows()).hasCount(3);
    assertThat(rows().first()).containsText("POST /form");
    assertThat(rows().first()).containsText("replay");
    assertThat(received.poll(20, TimeUnit.SECONDS)).isEqualTo(first).endsWith("abc");
  }

  @Test
  void headersAreShownOnDemandWithoutCredentials() throws Exception {
    exchange("GET", "/a", "Cookie: a=secret\r\nX-Request: " + MARKUP + "\r\n", "");
    click(row("GET /a"), "Headers");
    assertThat(page.locator("#request-head")).containsText("Cookie: \u2026");
    assertThat(page.locator("#request-head")).containsText("X-Request: " + MARKUP);
    assertThat(page.locator("#response-head")).containsText("X-Markup: " + MARKUP);
    assertThat(page.content()).doesNotContain("secret");
    page.locator("#close").click();
    assertThat(page.locator("#heads")).isHidden();
  }

  @Test
  void hostilePathIsText() throws Exception {
    exchange("GET", "/&lt;script&gt;&#60;b&#62;'%3Cscript%3E".replace("#", "%23"), "", "");
    assertThat(rows()).containsText("/&lt;script&gt;&%2360;b&%2362;'%3Cscript%3E");
    assertThat(page).not().hasTitle("pwned");
    assertThat(page.locator("#requests script, #requests b, #requests img")).hasCount(0);
  }
}
