package io.rendezvous.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.testing.HookReceiver;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Tests that the dashboard and the alerts use only metrics that a broker has. */
class DashboardTest {
  private static final Path DASHBOARD = Path.of("conf", "grafana-dashboard.json");
  private static final Path ALERTS = Path.of("conf", "alerts.yml");
  private static final Pattern NAME = Pattern.compile("\\brendezvous_[a-z_]+");

  private static Set<String> names(Path file) throws IOException {
    Set<String> names = new TreeSet<>();
    Matcher matcher = NAME.matcher(Files.readString(file));
    while (matcher.find()) {
      names.add(matcher.group());
    }
    return names;
  }

  @Test
  void everyMetricIsInAScrape() throws Exception {
    Set<String> names = names(DASHBOARD);
    names.addAll(names(ALERTS));
    assertThat(names).hasSizeGreaterThan(30);
    try (HookReceiver receiver = new HookReceiver();
        TestBroker broker =
            TestBroker.start(
                "access-log.enabled",
                "true",
                "hooks.url",
                receiver.url().toString(),
                "hooks.secret",
                "whsec_" + "A".repeat(32));
        Peer tunnel = broker.park();
        Peer client = broker.connect();
        Peer stranger = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      stranger.send("CONNECT host:1 HTTP/1.1\r\n\r\n").readHead();
      receiver.await(1);
      System.gc();
      Awaitility.await()
          .untilAsserted(
              () -> {
                String scrape = broker.broker().metrics().scrape();
                assertThat(names)
                    .allMatch(
                        name ->
                            scrape.contains("\n" + name + " ")
                                || scrape.contains("\n" + name + "{"));
              });
    }
  }

  @Test
  void dashboardIsJson() throws Exception {
    assertThat(new ObjectMapper().readTree(DASHBOARD.toFile()).path("panels").size())
        .isGreaterThan(10);
  }
}
