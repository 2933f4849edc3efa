package io.rendezvous.admin;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import io.rendezvous.testing.AdminClient;
import io.rendezvous.testing.Chromium;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Tests the latest requests on the page of a hidden server, in a browser. */
class RequestsPageIT {
  private final List<String> errors = Collections.synchronizedList(new ArrayList<>());

  @AfterEach
  void pageHadNoErrors() {
    assertThat(errors).isEmpty();
  }

  private Page open(Chromium chromium, TestBroker broker) {
    Page page = chromium.page(1100, 800);
    page.onConsoleMessage(
        message -> {
          if (message.text().contains("Content Security Policy")) {
            errors.add(message.text());
          }
        });
    page.onPageError(errors::add);
    page.navigate(broker.broker().adminUrl().orElseThrow() + "#/server/" + broker.id());
    page.getByLabel("Admin token").fill(AdminClient.TOKEN);
    page.keyboard().press("Enter");
    assertThat(page.locator("#server h1")).isVisible();
    return page;
  }

  private static void exchange(TestBroker broker, String path, String status) throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), path));
      tunnel.readHead();
      tunnel.send("HTTP/1.1 " + status + "\r\nContent-Length: 2\r\n\r\nhi");
      client.readResponse();
    }
  }

  @Test
  void requestsAppearAreFilteredAndAreText() throws Exception {
    try (TestBroker broker =
            TestBroker.start("admin.enabled", "true", "admin.token", AdminClient.TOKEN);
        Chromium chromium = new Chromium()) {
      Page page = open(chromium, broker);
      Locator rows = page.locator("#requests tbody tr");
      assertThat(page.locator("#requests")).containsText("None yet.");
      exchange(broker, "/a?q=hunter2", "200 OK");
      assertThat(rows).hasCount(1);
      assertThat(rows).containsText("GET /a");
      assertThat(rows).containsText("200");
      assertThat(rows).containsText("127.0.0.1");
      assertThat(page.content()).doesNotContain("hunter2");
      exchange(broker, "/&lt;img/src=x/onerror=document.title='pwned'&gt;", "503 No");
      assertThat(rows).hasCount(2);
      assertThat(rows.first())
          .containsText("GET /&lt;img/src=x/onerror=document.title='pwned'&gt;");
      assertThat(page.locator("#requests img")).hasCount(0);
      page.locator("#requests select").selectOption("5xx");
      assertThat(rows).hasCount(1);
      assertThat(rows).containsText("503");
      exchange(broker, "/more", "200 OK");
      page.locator("#requests select").selectOption("2xx");
      assertThat(rows).hasCount(2);
      page.setViewportSize(360, 740);
      assertThat(page.evaluate("document.documentElement.scrollWidth")).isEqualTo(360);
    }
  }

  @Test
  void pageSaysThatRequestsAreNotRecorded() throws Exception {
    try (TestBroker broker =
            TestBroker.start(
                "admin.enabled", "true", "admin.token", AdminClient.TOKEN, "requests", "off");
        Chromium chromium = new Chromium()) {
      Page page = open(chromium, broker);
      exchange(broker, "/a", "200 OK");
      assertThat(page.locator("#server .rendezvous tbody tr")).hasCount(1);
      assertThat(page.locator("#unrecorded")).isVisible();
      assertThat(page.locator("#requests tbody tr")).hasCount(0);
    }
  }
}
