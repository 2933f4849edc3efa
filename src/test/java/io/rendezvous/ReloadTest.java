package io.rendezvous;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.config.Settings;
import io.rendezvous.config.SettingsLoader;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import io.smallrye.config.ConfigMappings;
import io.smallrye.config.ConfigMappings.ConfigClass;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A running broker takes some of its settings anew. */
class ReloadTest {
  private static void reload(TestBroker broker, String key, String value) throws Exception {
    broker.broker().reload(SettingsLoader.load(Map.of("rendezvous." + key, value)));
  }

  private static String wrongToken(TestBroker broker) {
    return "CONNECT uuid:" + broker.id() + "?response=00000000 HTTP/1.1\r\n\r\n";
  }

  @Test
  void everyKeyIsASetting() {
    assertThat(ConfigMappings.getProperties(ConfigClass.configClass(Settings.class)).keySet())
        .containsAll(Reload.KEYS);
  }

  @Test
  void tunnelsPerIdTakeEffectForTheNextTunnel() throws Exception {
    try (TestBroker broker = TestBroker.start();
        Peer first = broker.park();
        Peer second = broker.park()) {
      broker.awaitParked(2);
      reload(broker, "tunnels-per-id", "2");
      try (Peer third = broker.park()) {
        assertThat(first.in().read()).isEqualTo(-1);
        broker.awaitParked(2);
        assertThat(second.hearsNothing()).isTrue();
        assertThat(third.hearsNothing()).isTrue();
      }
    }
  }

  @Test
  void clientsWaitAsLongAsTheNewSettingsSay() throws Exception {
    try (TestBroker broker = TestBroker.start("wait", "1m")) {
      broker.park().close();
      broker.awaitParked(0);
      reload(broker, "wait", "20ms");
      try (Peer client = broker.connect()) {
        client.send(broker.get(broker.entry(), "/"));
        assertThat(client.readHead()).containsAnyOf(" 404 ", " 503 ");
      }
    }
  }

  @Test
  void relaysThatRunEndAfterTheNewLinger() throws Exception {
    try (TestBroker broker = TestBroker.start();
        Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      tunnel.send("HTTP/1.1 200 OK\r\n\r\nhi").shutdownOutput();
      client.readAll();
      reload(broker, "linger", "1ms");
      Awaitility.await().until(() -> broker.broker().paired() == 0);
    }
  }

  @Test
  void failuresOfASourceAreCountedAgainstTheNewBudget() throws Exception {
    try (TestBroker broker = TestBroker.start()) {
      reload(broker, "guesses.per-source", "1");
      for (String status : new String[] {" 401 ", " 429 "}) {
        try (Peer guesser = broker.connect()) {
          assertThat(guesser.send(wrongToken(broker)).readHead()).contains(status);
        }
      }
    }
  }

  @Test
  void sourceHasAsManyUnidentifiedConnectionsAsTheNewSettingsSay() throws Exception {
    try (TestBroker broker = TestBroker.start();
        Peer first = broker.connect()) {
      assertThat(first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").readResponse()).contains(" 401 ");
      reload(broker, "limits.per-source", "1");
      try (Peer second = broker.connect()) {
        assertThat(first.patience(Duration.ofSeconds(30)).in().read()).isEqualTo(-1);
        assertThat(second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").readHead()).contains(" 401 ");
      }
    }
  }
}
