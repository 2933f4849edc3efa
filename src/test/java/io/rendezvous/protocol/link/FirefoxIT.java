package io.rendezvous.protocol.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.link.Link;
import io.rendezvous.testing.Firefox;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Site;
import io.rendezvous.testing.TestBroker;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Firefox follows links, keeps their cookie, and answers prompts. */
class FirefoxIT {
  private static final String SECRET = "größe: 12 \u20ac";

  private static final String LOAD =
      """
      (async () => {
        const text = await (await fetch('/fetched')).text();
        const echo = await new Promise((resolve, reject) => {
          const socket = new WebSocket('wss://' + location.host + '/chat');
          socket.onopen = () => socket.send('ping');
          socket.onerror = () => reject(new Error('no WebSocket'));
          socket.onmessage = event => resolve(event.data);
        });
        return text + ', ' + echo;
      })()
      """;

  @TempDir private static Path profile;
  private static TestBroker broker;
  private static Site site;
  private static Firefox firefox;
  private static final List<HiddenServer> servers = new ArrayList<>();

  @BeforeAll
  static void start() throws Exception {
    broker = TestBroker.start();
    site = new Site();
    firefox = new Firefox(profile);
  }

  @AfterAll
  static void stop() throws Exception {
    firefox.close();
    servers.forEach(HiddenServer::close);
    site.close();
    broker.close();
  }

  /**
   * Connects a hidden server, which is closed after the browser, whose connections it waits for.
   */
  private static void connect(Entry entry) throws Exception {
    Provisioning provisioning =
        new Provisioning(
            entry.id(), entry.labels(), entry.totp(), "localhost", broker.port(), Optional.empty());
    int parked = broker.broker().connected().totals().parked();
    servers.add(
        HiddenServer.of(provisioning)
            .trusting(Keys.trusted())
            .relay(new Address("127.0.0.1", site.port()), false));
    broker.awaitParked(parked + 8);
  }

  private static String url(String path) {
    return "https://localhost:" + broker.port() + path;
  }

  private static void await(Firefox.Tab tab, String text) {
    Awaitility.await()
        .ignoreExceptions() // the page is about to be replaced
        .untilAsserted(() -> assertThat(tab.text()).contains(text));
  }

  @Test
  void linkLeadsToTheHiddenServerWithoutAPrompt() throws Exception {
    Entry home = broker.addLabelled("home");
    connect(home);
    Link link = Link.to(home, "/hello?x=y", Duration.ofHours(1), Instant.now());
    Firefox.Tab tab = firefox.tab();
    firefox.answer("", "");
    tab.open(broker.linkKey().url(url(""), link));
    assertThat(tab.evaluate("location.href")).isEqualTo(url("/hello?x=y"));
    assertThat(tab.text()).isEqualTo("hello from /hello");
    assertThat(tab.evaluate(LOAD)).isEqualTo("hello from /fetched, echo ping");
    assertThat(firefox.prompts()).isZero();
    tab.open(url("/.well-known/rendezvous/"));
    assertThat(tab.text()).contains("home");
    tab.evaluate("document.querySelector('button').click()");
    await(tab, "connected to no server");
  }

  @Test
  void oneAnswerToAPromptLetsThePageAndWhatItLoadsIn() throws Exception {
    Entry secret = broker.addLabelled("secret");
    ClientPassword password = ClientPassword.of(secret.id(), "rendezvous", SECRET);
    broker.store().change(secret.id(), entry -> entry.withPassword(Optional.of(password)));
    connect(secret);
    Firefox.Tab wrong = firefox.tab();
    firefox.answer(secret.id().toString(), "something else");
    wrong.open(url("/hello"));
    assertThat(wrong.text()).contains("its password");
    assertThat(firefox.prompts()).isEqualTo(2);
    Firefox.Tab right = firefox.tab();
    firefox.answer(secret.id().toString(), SECRET);
    right.open(url("/hello"));
    assertThat(right.text()).isEqualTo("hello from /hello");
    assertThat(right.evaluate(LOAD)).isEqualTo("hello from /fetched, echo ping");
    assertThat(firefox.prompts()).isEqualTo(1);
  }
}
