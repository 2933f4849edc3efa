package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Page;
import io.rendezvous.agent.Address;
import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.Provisioning;
import io.rendezvous.testing.Chromium;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.Site;
import io.rendezvous.testing.TestBroker;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A browser asks for the password, and what its pages load has it too (protocol.md, 1.8). */
class PasswordPromptIT {
  private static final String SECRET = "größe: 12 \u20ac";

  @Test
  void oneAnswerLetsThePageAndWhatItLoadsIn() throws Exception {
    try (TestBroker broker = TestBroker.start();
        Site site = new Site();
        Chromium chromium = new Chromium()) {
      Entry entry = broker.addLabelled("home");
      ClientPassword password = ClientPassword.of(entry.id(), "rendezvous", SECRET);
      broker.store().change(entry.id(), old -> old.withPassword(Optional.of(password)));
      Provisioning provisioning =
          new Provisioning(
              entry.id(),
              entry.labels(),
              entry.totp(),
              "localhost",
              broker.port(),
              Optional.empty());
      try (HiddenServer server =
          HiddenServer.of(provisioning)
              .trusting(Keys.trusted())
              .relay(new Address("127.0.0.1", site.port()), false)) {
        broker.awaitParked(8);
        String url = "https://localhost:" + broker.port() + "/hello";
        try (Page wrong = chromium.answeringPage(entry.id().toString(), "something else")) {
          assertThat(wrong.navigate(url).status()).isEqualTo(401);
        }
        try (Page right = chromium.answeringPage(entry.id().toString(), SECRET)) {
          assertThat(right.navigate(url).text()).isEqualTo("hello from /hello");
          assertThat(right.evaluate("async () => await (await fetch('/fetched')).text()"))
              .isEqualTo("hello from /fetched");
        }
        assertThat(server).isNotNull();
      }
    }
  }
}
