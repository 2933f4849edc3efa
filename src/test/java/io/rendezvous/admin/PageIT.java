package io.rendezvous.admin;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static com.microsoft.playwright.assertions.PlaywrightAssertions.setDefaultAssertionTimeout;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Download;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.options.AriaRole;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.Chromium;
import io.rendezvous.testing.Program;
import io.rendezvous.testing.Site;
import io.undertow.Undertow;
import io.undertow.util.Headers;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the admin page in a browser, on a broker with 10,000 entries. */
class PageIT {
  /** The page lists files that others write at its next reload, which is once a minute. */
  private static final LocatorAssertions.HasCountOptions WITHIN_TWO_RELOADS =
      new LocatorAssertions.HasCountOptions().setTimeout(120_000);

  private static final int MANY = 10_000;
  private static final String TOKEN = "a-token-for-this-test-alone";

  /** Labels that the broker would refuse, so they are written into the file of an entry. */
  private static final String HOSTILE =
      "\"<img src=x onerror=document.title='pwned'>\",\"a\\u2028b\",\"\\u202elive\"";

  @TempDir private static Path directory;
  private static Program broker;
  private static Site site;
  private static Chromium chromium;
  private static String admin;
  private static int port;

  private final List<String> errors = Collections.synchronizedList(new ArrayList<>());
  private Page page;

  @BeforeAll
  static void start() throws Exception {
    Files.createDirectory(directory.resolve("conf"));
    Files.writeString(
        directory.resolve("conf/rendezvous.properties"),
        """
        rendezvous.host=127.0.0.1
        rendezvous.port=0
        rendezvous.public-host=localhost
        rendezvous.admin.port=0
        rendezvous.admin.token=%s
        """
            .formatted(TOKEN));
    Files.createDirectories(directory.resolve("data/entries"));
    for (int i = 0; i < MANY; i++) {
      write(UUID.randomUUID(), "\"server-%05d\"".formatted(i));
    }
    broker = Program.rendezvous(directory, "serve");
    port = Integer.parseInt(broker.await("Listening on https://127\\.0\\.0\\.1:(\\d+)"));
    admin = broker.await("Admin page on (http://127\\.0\\.0\\.1:\\d+)/");
    site = new Site();
    chromium = new Chromium();
    setDefaultAssertionTimeout(30_000);
  }

  private static Path write(UUID id, String labels) throws Exception {
    return Files.writeString(
        fileOf(id.toString()),
        """
        {"uuid":"%s","labels":[%s],"created":"2026-01-31T12:00:00Z","authParams":{"protocol":"totp",\
        "algorithm":"sha1","base32":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","step":30,"digits":8}}
        """
            .formatted(id, labels));
  }

  private static Path fileOf(String id) {
    return directory.resolve("data/entries/" + id + ".json");
  }

  @AfterAll
  static void stop() throws Exception {
    chromium.close();
    site.close();
    broker.signal("TERM");
    assertThat(broker.exitCode()).isZero();
    broker.close();
  }

  @BeforeEach
  void logIn() {
    page = chromium.page(1100, 800);
    page.onConsoleMessage(
        message -> {
          if (message.text().contains("Content Security Policy")) {
            errors.add(message.text());
          }
        });
    page.onPageError(errors::add);
    page.navigate(admin);
    page.getByLabel("Admin token").fill(TOKEN);
    page.keyboard().press("Enter");
    assertThat(heading("Hidden servers")).isVisible();
    assertThat(page.locator("#live")).hasText("live");
    assertThat(rows()).hasCount(50);
  }

  @AfterEach
  void pageHadNoErrors() {
    page.close();
    assertThat(errors).isEmpty();
  }

  private Locator heading(String name) {
    return page.getByRole(
        AriaRole.HEADING, new Page.GetByRoleOptions().setName(name).setExact(true));
  }

  private Locator button(String name) {
    return page.getByRole(
        AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
  }

  private Locator link(String name) {
    return page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName(name).setExact(true));
  }

  private Locator rows() {
    return page.locator("#entries tbody tr");
  }

  private Locator range() {
    return page.locator("#range");
  }

  private Locator state() {
    return page.locator("#server h1 + .state");
  }

  private Locator tile(String name) {
    return page.locator("#server .tiles > div")
        .filter(new Locator.FilterOptions().setHasText(name))
        .locator("dd");
  }

  private void search(String text) {
    page.getByLabel("Search").fill(text);
  }

  private void confirm(String verb) {
    page.getByRole(AriaRole.DIALOG)
        .getByRole(AriaRole.BUTTON, new Locator.GetByRoleOptions().setName(verb).setExact(true))
        .click();
    assertThat(page.getByRole(AriaRole.DIALOG)).isHidden();
  }

  private Path download(String button) {
    Download download = page.waitForDownload(() -> button(button).click());
    Path file = directory.resolve(download.suggestedFilename());
    download.saveAs(file);
    return file;
  }

  private static Program agent(Path file) throws Exception {
    String name = file.getFileName().toString();
    return Program.rendezvous(
        directory, "agent", "--entry", name, "--to", "127.0.0.1:" + site.port());
  }

  @Test
  void hiddenServerIsCreatedConnectedRotatedRevokedAndDeleted() throws Exception {
    page.evaluate("window.loadedOnce = true");
    button("New hidden server").click();
    page.getByRole(AriaRole.DIALOG).getByLabel("Labels").fill("story");
    button("Create").click();
    assertThat(heading("story")).isVisible();
    assertThat(state()).hasText("offline");

    Path file = download("Download .json");
    assertThat(page.locator("[data-f=agent]"))
        .hasText(
            "java -jar rendezvous.jar agent --entry "
                + file.getFileName()
                + " --to http://127.0.0.1:8080");
    try (Program agent = agent(file)) {
      agent.await("parked a tunnel");
      assertThat(state()).hasText("online");
      assertThat(tile("Tunnels parked")).hasText("8");

      String[] line = page.locator("[data-f=curl]").textContent().split(" ");
      assertThat(line).contains("--cacert", "conf/registrar-ca.crt");
      String[] curl = Stream.concat(Stream.of(line), Stream.of("-sS")).toArray(String[]::new);
      assertThat(Program.start(directory, curl).outputWhenDone()).isEqualTo("hello from /");
      assertThat(tile("Rendezvous today")).hasText("1");
      assertThat(page.locator("#server .rendezvous tbody tr")).hasCount(1);
      assertThat(page.locator("#server .rendezvous tbody tr .state")).hasText("complete");
      assertThat(page.getByLabel("1 rendezvous in the last hour").locator("visible=true"))
          .isVisible();

      button("Rotate…").click();
      Locator overlap = page.getByLabel("The old secret stays valid for");
      assertThat(overlap).hasValue("1h");
      overlap.selectOption("1 day");
      confirm("Rotate");
      assertThat(page.getByText("The previous secret is valid until")).isVisible();
      assertThat(state()).hasText("online");

      button("Revoke…").click();
      confirm("Revoke");
      assertThat(state()).hasText("offline");
      assertThat(tile("Last seen")).containsText("revoked");

      String old = Files.readString(file);
      download("Download .json");
      assertThat(Files.readString(file)).isNotEqualTo(old);
      assertThat(state()).hasText("online");
    }
    assertThat(state()).hasText("offline");
    assertThat(page.evaluate("window.loadedOnce")).isEqualTo(true);
    button("Delete…").click();
    confirm("Delete");
    search("story");
    assertThat(page.getByText("No hidden server has “story”")).isVisible();
  }

  @Test
  void lastRefusalAndTheLinesOfTheLogAreShown() throws Exception {
    UUID id = UUID.randomUUID();
    write(id, "\"refused-one\"");
    page.navigate(admin + "/#/server/" + id);
    assertThat(heading("refused-one")).isVisible();
    assertThat(page.locator("#refused")).isHidden();
    assertThat(page.locator("#server [data-f=check]"))
        .hasText(
            "java -jar rendezvous.jar agent check --as-client --broker localhost:"
                + port
                + " --id "
                + id
                + " --ca conf/registrar-ca.crt");
    Path file = download("Download .json");
    String text = Files.readString(file);
    Files.writeString(file, text.replace("GEZDGNBVGY3TQOJQ", "MFRGGZDFMZTWQ2LK"));
    try (Program agent = agent(file)) {
      agent.await("401 unknown UUID or wrong token");
      assertThat(page.locator("#refused")).containsText("401 unknown UUID or wrong token");
      assertThat(page.locator("#refused")).containsText("from 127.0.0.1");
      page.setViewportSize(360, 740);
      assertThat(page.evaluate("document.documentElement.scrollWidth")).isEqualTo(360);
    }
    String shortId = id.toString().substring(0, 8);
    broker.await(
        "servers - refused-one \\("
            + shortId
            + "\\) refused at 127\\.0\\.0\\.1: 401 unknown UUID or wrong token");
  }

  @Test
  void listIsUpdatedLive() throws Exception {
    UUID id = UUID.randomUUID();
    write(id, "\"live-in-list\"");
    search("live-in-list");
    assertThat(rows()).hasCount(1, WITHIN_TWO_RELOADS);
    assertThat(rows().locator(".state")).hasText("offline");
    link("live-in-list").focus();
    link("live-in-list").click();
    Path file = download("Download .json");
    page.goBack();
    assertThat(page.getByLabel("Search")).hasValue("live-in-list");
    link("live-in-list").focus();
    try (Program agent = agent(file)) {
      agent.await("parked a tunnel");
      assertThat(rows().locator(".state")).hasText("online");
      assertThat(link("live-in-list")).isFocused();
    }
    assertThat(rows().locator(".state")).hasText("offline");
    Files.delete(fileOf(id.toString()));
    assertThat(rows()).hasCount(0, WITHIN_TWO_RELOADS);
  }

  @Test
  void tenThousandEntries() {
    assertThat(range()).hasText(Pattern.compile("1 to 50 of 10,\\d{3}"));
    page.keyboard().press("/");
    page.keyboard().type("SERVER-042");
    assertThat(range()).hasText("1 to 50 of 100");
    assertThat(rows().first()).containsText("server-04200");
    link("Next").click();
    assertThat(range()).hasText("51 to 100 of 100");
    assertThat(rows().first()).containsText("server-04250");
    page.reload();
    assertThat(range()).hasText("51 to 100 of 100");
    button("Hidden server").click();
    assertThat(rows().first()).containsText("server-04299");
    page.goBack();
    assertThat(rows().first()).containsText("server-04250");
    page.goBack();
    assertThat(rows().first()).containsText("server-04200");
    search("");
    assertThat(range()).hasText(Pattern.compile("1 to 50 of 10,\\d{3}"));
    page.getByLabel("Page", new Page.GetByLabelOptions().setExact(true)).fill("150");
    page.keyboard().press("Enter");
    assertThat(range()).hasText(Pattern.compile("7,451 to 7,500 of 10,\\d{3}"));
    assertThat(rows()).hasCount(50);
  }

  @Test
  void labelsAreNeverMarkup() throws Exception {
    UUID id = UUID.randomUUID();
    write(id, HOSTILE);
    search("onerror");
    assertThat(rows()).hasCount(1);
    assertThat(rows())
        .containsText("<img src=x onerror=document.title='pwned'>, a\uFFFDb, \uFFFDlive");
    rows().getByRole(AriaRole.LINK).click();
    assertThat(page.locator("#server h1")).containsText("<img src=x");
    button("Delete…").click();
    assertThat(page.getByRole(AriaRole.DIALOG)).containsText("<img src=x");
    assertThat(page.locator("main img, #confirm img")).hasCount(0);
    assertThat(page.title()).startsWith("<img");
    page.keyboard().press("Escape");
    assertThat(button("Delete…")).isFocused();

    button("Save").click();
    assertThat(page.locator("#edit").getByRole(AriaRole.ALERT)).containsText("not a label");
    button("Delete…").click();
    confirm("Delete");
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "localhost"})
  void otherOriginsChangeNothing(String host) throws Exception {
    UUID id = UUID.randomUUID();
    Path file = write(id, "\"kept-%s\"".formatted(host));
    search("kept-" + host);
    assertThat(rows()).hasCount(1);
    String before = Files.readString(file);
    String entry = admin + "/api/entries/" + id;
    Undertow other =
        Undertow.builder()
            .addHttpListener(0, "127.0.0.1")
            .setHandler(
                exchange -> {
                  exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, "text/html");
                  exchange
                      .getResponseSender()
                      .send(
                          """
                          <!doctype html><title>another site</title>
                          <form method="post" enctype="text/plain" action="%s/revoke">
                            <button name="{&quot;a&quot;:&quot;" value="&quot;}">Win</button>
                          </form>
                          """
                              .formatted(entry));
                })
            .build();
    other.start();
    try {
      int otherPort = ((InetSocketAddress) other.getListenerInfo().get(0).getAddress()).getPort();
      page.navigate("http://" + host + ":" + otherPort);
      Object read =
          page.evaluate(
              """
              async ([entry, entries]) => {
                const all = { credentials: 'include' };
                const simple = { ...all, method: 'POST', mode: 'no-cors', body: '{}' };
                const json = { 'Content-Type': 'application/json' };
                const answers = await Promise.allSettled([
                  fetch(entry, all),
                  fetch(entry, { ...all, method: 'DELETE' }),
                  fetch(entry, { ...all, method: 'PUT', headers: json, body: '{"labels":[]}' }),
                  fetch(entries, { ...all, method: 'POST', headers: json, body: '{"labels":["stranger"]}' }),
                ]);
                await Promise.allSettled([
                  fetch(entry + '/revoke', simple),
                  fetch(entry + '/rotate', { ...simple, body: '{"overlap":"0s"}' }),
                  fetch(entries, { ...simple, body: '{"labels":["stranger"]}' }),
                ]);
                return answers.map(answer => answer.status);
              }
              """,
              List.of(entry, admin + "/api/entries"));
      assertThat(read).isEqualTo(Collections.nCopies(4, "rejected"));
      page.waitForResponse(entry + "/revoke", () -> button("Win").click());
    } finally {
      other.stop();
    }
    assertThat(Files.readString(file)).isEqualTo(before);
    page.navigate(admin);
    search("stranger");
    assertThat(page.getByText("No hidden server has “stranger”")).isVisible();
    Files.delete(file);
  }

  @Test
  void entryIsCreatedAndDeletedByKeyboardAlone() {
    tabTo(button("New hidden server"));
    page.keyboard().press("Enter");
    page.keyboard().type("not_a_label");
    page.keyboard().press("Enter");
    assertThat(page.getByRole(AriaRole.DIALOG).getByRole(AriaRole.ALERT))
        .containsText("not_a_label");
    page.keyboard().press("Escape");
    assertThat(page.getByRole(AriaRole.DIALOG)).isHidden();
    assertThat(button("New hidden server")).isFocused();
    page.keyboard().press("Enter");
    page.keyboard().type("by-keyboard");
    tabTo(page.getByRole(AriaRole.DIALOG).getByLabel("PROXY protocol"));
    page.keyboard().press("Space");
    tabTo(button("Create"));
    page.keyboard().press("Enter");
    assertThat(heading("by-keyboard")).isVisible();
    assertThat(page.locator("#connect")).isFocused();
    tabTo(button("Download .json"));
    Download file = page.waitForDownload(() -> page.keyboard().press("Enter"));
    assertThat(file.suggestedFilename()).endsWith(".provisioning.json");
    assertThat(page.locator("#edit").getByLabel("PROXY protocol")).isChecked();
    tabTo(button("Delete…"));
    page.keyboard().press("Enter");
    assertThat(button("Cancel").locator("visible=true")).isFocused();
    page.keyboard().press("Tab");
    page.keyboard().press("Enter");
    assertThat(page.getByText("Deleted by-keyboard.")).isVisible();
    assertThat(heading("Hidden servers")).isFocused();
  }

  private void tabTo(Locator target) {
    for (int i = 0; i < 400; i++) {
      page.keyboard().press("Tab");
      if (target.evaluate("element => element === document.activeElement").equals(true)) {
        return;
      }
    }
    throw new AssertionError("Tab does not lead to " + target);
  }

  @Test
  void filesAndQrCodesAreForTheRightHiddenServer() throws Exception {
    link("server-00001").click();
    assertThat(heading("server-00001")).isVisible();
    Provisioning json = Provisioning.parse(Files.readString(download("Download .json")));
    Provisioning js = Provisioning.parse(Files.readString(download("Download .js")));
    assertThat(js.id()).isEqualTo(json.id());
    assertThat(page.locator("#server [data-f=url]"))
        .hasText("https://" + json.id() + ":x@localhost:" + port + "/");
    for (String name : List.of("QR code of the secret", "QR code of the URL")) {
      button(name).click();
      Locator image = page.getByRole(AriaRole.IMG, new Page.GetByRoleOptions().setName("QR code"));
      page.waitForFunction("image => image.naturalWidth > 0", image.elementHandle());
      page.keyboard().press("Escape");
      assertThat(page.getByRole(AriaRole.DIALOG)).isHidden();
    }
  }

  @Test
  void passwordOfClientsIsSetAndRemoved() throws Exception {
    UUID id = UUID.randomUUID();
    write(id, "\"with-password\"");
    page.navigate(admin + "/#/server/" + id);
    Locator said = page.locator("[data-f=password]");
    assertThat(said).hasText("Clients need no password.");
    assertThat(button("Remove the password…")).isHidden();
    button("Set a password…").click();
    Locator input = page.getByLabel("Password, at least 8 characters");
    input.fill("short");
    button("Set").click();
    assertThat(page.getByRole(AriaRole.DIALOG)).isVisible();
    input.fill("open sesame");
    confirm("Set");
    assertThat(said).hasText("Clients have to send a password.");
    assertThat(Files.readString(fileOf(id.toString()))).contains("\"viewer\":{\"realm\":");
    assertThat(page.locator("[data-f=curl]")).containsText("--digest --user " + id + " ");
    assertThat(page.locator("#server [data-f=url]"))
        .hasText("https://" + id + "@localhost:" + port + "/");
    button("Remove the password…").click();
    confirm("Remove");
    assertThat(said).hasText("Clients need no password.");
    assertThat(Files.readString(fileOf(id.toString()))).doesNotContain("viewer");
  }

  @Test
  void linkIsShownWithItsQrCode() throws Exception {
    UUID id = UUID.randomUUID();
    write(id, "\"shared-one\"");
    page.navigate(admin + "/#/server/" + id);
    button("Create a link…").click();
    Locator form = page.locator("#confirm");
    form.getByLabel("It is valid for").selectOption("1 hour");
    form.getByLabel("It opens the path").fill("//elsewhere");
    button("Create").locator("visible=true").click();
    assertThat(form.getByRole(AriaRole.ALERT)).containsText("one slash");
    form.getByLabel("It opens the path").fill("/photos");
    button("Create").locator("visible=true").click();
    Locator code = page.locator("#code");
    assertThat(code.locator("code"))
        .hasText(
            Pattern.compile("https://localhost:" + port + "/\\.well-known/rendezvous/[\\w-]+"));
    Locator image =
        page.getByRole(AriaRole.IMG, new Page.GetByRoleOptions().setName("QR code: link to"));
    page.waitForFunction("image => image.naturalWidth > 0", image.elementHandle());
    page.keyboard().press("Escape");
    assertThat(page.getByRole(AriaRole.DIALOG)).isHidden();
    button("Revoke all links…").click();
    confirm("Revoke");
    assertThat(Files.readString(fileOf(id.toString()))).contains("\"linksSince\":");
  }

  @Test
  void silentBrokerIsReported() throws Exception {
    broker.signal("STOP");
    try {
      assertThat(page.getByText("The broker has not responded since")).isVisible();
      assertThat(page.locator("#live")).hasText("not live");
    } finally {
      broker.signal("CONT");
    }
    assertThat(page.locator("#live")).hasText("live");
    assertThat(page.getByText("The broker has not responded since")).isHidden();
  }

  @Test
  void loginAndLogout() {
    button("Log out").click();
    page.getByLabel("Admin token").fill("wrong");
    button("Log in").click();
    assertThat(page.getByRole(AriaRole.ALERT)).hasText("The token is wrong.");
    assertThat(heading("Hidden servers")).isHidden();
    page.getByLabel("Admin token").fill(TOKEN);
    button("Log in").click();
    assertThat(heading("Hidden servers")).isVisible();
    link("server-00001").click();
    assertThat(heading("server-00001")).isVisible();
    page.evaluate("localStorage.clear()");
    link("Rendezvous").first().click();
    assertThat(page.getByLabel("Admin token")).isVisible();
  }

  @Test
  void linkLogsInOnceAndLeavesTheAddressBar() throws Exception {
    button("Log out").click();
    assertThat(page.getByLabel("Admin token")).isVisible();
    String url = Program.rendezvous(directory, "admin").outputWhenDone();
    page.navigate(url); // the page is open, so only its hash changes
    assertThat(heading("Hidden servers")).isVisible();
    assertThat(page).hasURL(admin + "/");
    assertThat(page.evaluate("document.cookie")).isEqualTo("");

    // Another tab has the session too, since it belongs to the origin.
    Page other = page.waitForPopup(() -> page.evaluate("window.open('/#/broker') && 1"));
    assertThat(other.locator("#broker h1")).isVisible();
    other.close();

    button("Log out").click();
    page.navigate("about:blank");
    page.navigate(url);
    assertThat(page.getByRole(AriaRole.ALERT)).containsText("This link was used before");
    assertThat(page).hasURL(admin + "/");
    page.navigate("about:blank");
    page.navigate(admin + "/?token=" + TOKEN);
    assertThat(page.getByLabel("Admin token")).isVisible();
    assertThat(page).hasURL(admin + "/");
  }

  @Test
  void otherPortsOfTheHostGetNothing() throws Exception {
    List<String> headers = Collections.synchronizedList(new ArrayList<>());
    Undertow other =
        Undertow.builder()
            .addHttpListener(0, "127.0.0.1")
            .setHandler(
                exchange -> {
                  headers.add(exchange.getRequestHeaders().toString());
                  exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, "text/html");
                  exchange.getResponseSender().send("<!doctype html><title>a stranger</title>");
                })
            .build();
    other.start();
    try {
      String session = (String) page.evaluate("localStorage.getItem('rendezvous-session')");
      assertThat(session).hasSize(43);
      int otherPort = ((InetSocketAddress) other.getListenerInfo().get(0).getAddress()).getPort();
      page.navigate("http://127.0.0.1:" + otherPort);
      assertThat(page.evaluate("localStorage.length + document.cookie")).isEqualTo("0");
      assertThat(headers.toString()).doesNotContain("Cookie").doesNotContain(session);
    } finally {
      other.stop();
    }
  }

  @Test
  void unsavedChangesAreNotLostSilently() {
    link("server-00002").click();
    page.locator("#edit").getByLabel("Labels").fill("server-00002, kitchen pi");
    button("Save").click();
    assertThat(page.locator("#edit").getByRole(AriaRole.ALERT)).containsText("kitchen pi");
    link("Broker").click();
    assertThat(heading("Discard the changes")).isVisible();
    page.keyboard().press("Escape");
    assertThat(heading("server-00002")).isVisible();
    assertThat(page.locator("#edit").getByLabel("Labels")).hasValue("server-00002, kitchen pi");
    link("Broker").click();
    confirm("Discard");
    assertThat(page.locator("#broker h1")).isVisible();
    page.goBack();
    assertThat(page.locator("#edit").getByLabel("Labels")).hasValue("server-00002");
  }

  @ParameterizedTest
  @ValueSource(strings = {"servers", "rendezvous", "broker"})
  void phoneNeedsNoSidewaysScrolling(String view) {
    page.setViewportSize(360, 740);
    page.navigate(admin + "/#/" + view);
    assertThat(page.locator("#" + view)).isVisible();
    assertThat(page.getByText("The broker’s public host name leads to this machine only"))
        .isVisible();
    assertThat(page.evaluate("document.documentElement.scrollWidth")).isEqualTo(360);
  }
}
