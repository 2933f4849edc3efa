package io.rendezvous.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.FileStore;
import io.rendezvous.protocol.registrar.Registrar;
import io.rendezvous.testing.Directories;
import io.rendezvous.testing.Keys;
import io.rendezvous.testing.MetricNames;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests the metrics of a real broker while peers come and go. */
class MetricsTest {
  private static final String ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

  @TempDir private Path directory;

  private static String scrape(TestBroker broker) {
    return broker.broker().metrics().scrape();
  }

  /** Returns the value of one line. */
  private static double value(String scrape, String line) {
    Matcher matcher = Pattern.compile("(?m)^" + Pattern.quote(line) + " (\\S+)$").matcher(scrape);
    assertThat(matcher.find()).as("%s in\n%s", line, scrape).isTrue();
    return Double.parseDouble(matcher.group(1));
  }

  private static void await(TestBroker broker, String line, double value) {
    Awaitility.await()
        .untilAsserted(() -> assertThat(value(scrape(broker), line)).isEqualTo(value));
  }

  private static void serveOne(TestBroker broker) throws IOException {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      tunnel.send(ANSWER);
      client.readResponse();
    }
  }

  private static String refused(TestBroker broker, String head) throws IOException {
    try (Peer peer = broker.connect()) {
      return peer.send(head).readHead();
    }
  }

  @Test
  void everyNameHasThePrefix() throws Exception {
    try (TestBroker broker = TestBroker.start()) {
      serveOne(broker);
      assertThat(scrape(broker).lines().filter(line -> !line.startsWith("#")))
          .allMatch(line -> line.startsWith("rendezvous_"))
          .anyMatch(line -> line.startsWith("rendezvous_jvm_memory_used_bytes{"))
          .anyMatch(line -> line.startsWith("rendezvous_jvm_threads_live_threads "))
          .anyMatch(line -> line.startsWith("rendezvous_process_cpu_usage "));
    }
  }

  @Test
  void namesTypesAndUnitsAreThoseThatPrometheusAsksFor() throws Exception {
    try (TestBroker broker = TestBroker.start("metrics.by-uuid", "true");
        Peer tunnel = broker.park()) {
      serveOne(broker);
      refused(broker, "CONNECT host:1 HTTP/1.1\r\n\r\n");
      await(broker, "rendezvous_by_uuid_parked{uuid=\"" + broker.id() + "\"}", 1);
      String scrape = scrape(broker);
      assertThat(MetricNames.violations(scrape)).isEmpty();
      assertThat(value(scrape, "rendezvous_process_cpu_seconds_total")).isBetween(0.01, 1e6);
      assertThat(value(scrape, "rendezvous_system_cpus")).isGreaterThanOrEqualTo(1);
      tunnel.end();
    }
  }

  @Test
  void tunnelsAndClientsAreCounted() throws Exception {
    try (TestBroker broker = TestBroker.start("wait", "1m");
        Peer first = broker.park();
        Peer second = broker.park();
        Peer client = broker.connect();
        Peer another = broker.connect();
        Peer waits = broker.connect()) {
      await(broker, "rendezvous_parked", 2);
      client.send(broker.get(broker.entry(), "/"));
      another.send(broker.get(broker.entry(), "/"));
      int head = second.readHead().length();
      assertThat(first.readHead()).hasSize(head);
      waits.send(broker.get(broker.entry(), "/"));
      await(broker, "rendezvous_waiting", 1);
      await(broker, "rendezvous_latency_seconds_count", 2);
      String scrape = scrape(broker);
      assertThat(value(scrape, "rendezvous_online")).isEqualTo(1);
      assertThat(value(scrape, "rendezvous_parked")).isZero();
      assertThat(value(scrape, "rendezvous_active")).isEqualTo(2);
      assertThat(value(scrape, "rendezvous_paired_total")).isEqualTo(2);
      assertThat(value(scrape, "rendezvous_wait_seconds_count")).isEqualTo(2);
      assertThat(value(scrape, "rendezvous_octets_total{direction=\"in\"}")).isEqualTo(2 * head);
      first.send(ANSWER);
      second.send(ANSWER);
      client.readResponse();
      another.readResponse();
      await(broker, "rendezvous_octets_total{direction=\"out\"}", 2 * ANSWER.length());
      first.end();
      second.end();
      client.end();
      another.end();
      await(broker, "rendezvous_over_total{end=\"whole\"}", 2);
      assertThat(value(scrape(broker), "rendezvous_octets_total{direction=\"in\"}"))
          .isEqualTo(2 * head);
    }
  }

  @Test
  void latencyAndWaitAreMeasuredFromTheRequestOn() throws Exception {
    try (TestBroker broker = TestBroker.start("wait", "1m")) {
      serveOne(broker);
      try (Peer client = broker.connect()) {
        client.send(broker.get(broker.entry(), "/"));
        await(broker, "rendezvous_waiting", 1);
        Awaitility.await().pollDelay(Duration.ofMillis(250)).until(() -> true);
        try (Peer tunnel = broker.park()) {
          tunnel.readHead();
          await(broker, "rendezvous_latency_seconds_count", 2);
          String scrape = scrape(broker);
          assertThat(value(scrape, "rendezvous_wait_seconds_sum")).isGreaterThan(0.25);
          assertThat(value(scrape, "rendezvous_latency_seconds_sum"))
              .isGreaterThan(value(scrape, "rendezvous_wait_seconds_sum"));
          assertThat(value(scrape, "rendezvous_wait_seconds_bucket{le=\"+Inf\"}")).isEqualTo(2);
        }
      }
    }
  }

  @Test
  void refusalsEndsAndRetriesAreCountedSeparately() throws Exception {
    try (TestBroker broker = TestBroker.start()) {
      Entry other = broker.addEntry();
      assertThat(refused(broker, broker.get(other, "/"))).startsWith("HTTP/1.1 404 ");
      assertThat(refused(broker, "CONNECT host:1 HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 403 ");
      await(broker, "rendezvous_refusals_total{side=\"client\",status=\"404\"}", 1);
      await(broker, "rendezvous_refusals_total{side=\"hidden server\",status=\"403\"}", 1);
      broker.park().end();
      await(broker, "rendezvous_ends_total{reason=\"closed\"}", 1);
      broker.park().send("x").readAll();
      await(broker, "rendezvous_ends_total{reason=\"spoke\"}", 1);
      try (Peer dies = broker.park();
          Peer client = broker.connect()) {
        client.send(broker.get(broker.entry(), "/"));
        dies.readHead();
        dies.end();
        try (Peer tunnel = broker.park()) {
          tunnel.readHead();
          tunnel.send(ANSWER);
          client.readResponse();
        }
      }
      await(broker, "rendezvous_retries_total", 1);
      await(broker, "rendezvous_over_total{end=\"unanswered\"}", 1);
      assertThat(value(scrape(broker), "rendezvous_paired_total")).isEqualTo(2);
      assertThat(value(scrape(broker), "rendezvous_wait_seconds_count")).isEqualTo(1);
    }
  }

  @Test
  void connectionsHandshakesAndTheCertificateAreCounted() throws Exception {
    try (TestBroker broker = TestBroker.start("limits.per-source", "2");
        Peer good = broker.connect();
        Peer bad = broker.dial().plain()) {
      await(broker, "rendezvous_connections_open", 2);
      await(broker, "rendezvous_connections_unidentified", 2);
      bad.send("this is no handshake\r\n\r\n");
      bad.in().readAllBytes();
      await(broker, "rendezvous_connections_open", 1);
      await(broker, "rendezvous_tls_handshakes_total{outcome=\"failed\"}", 1);
      good.end();
      await(broker, "rendezvous_connections_open", 0);
      String scrape = scrape(broker);
      assertThat(value(scrape, "rendezvous_tls_handshakes_total{outcome=\"done\"}")).isEqualTo(1);
      assertThat(value(scrape, "rendezvous_tls_handshakes_total{outcome=\"failed\"}")).isEqualTo(1);
      assertThat(value(scrape, "rendezvous_connections_accepted_total")).isEqualTo(2);
      assertThat(value(scrape, "rendezvous_connections_limit")).isGreaterThan(2);
      assertThat(value(scrape, "rendezvous_certificate_expiry_seconds"))
          .isEqualTo((double) Keys.server().end().getEpochSecond());
    }
  }

  private static void endAll(List<Peer> peers) throws IOException {
    for (Peer peer : peers) {
      peer.end();
    }
  }

  @Test
  void limitsThatAreMetAreCounted() throws Exception {
    List<Peer> open = new ArrayList<>();
    try (TestBroker broker =
        TestBroker.start("limits.per-source", "2", "limits.connections", "5")) {
      open.add(broker.park());
      for (int i = 0; i < 3; i++) {
        open.add(broker.dial().plain());
      }
      await(broker, "rendezvous_connections_limited_total{limit=\"per-source\"}", 1);
      open.add(broker.dial().from("127.0.0.8").plain());
      open.add(broker.dial().from("127.0.0.9").plain());
      await(broker, "rendezvous_connections_limited_total{limit=\"connections\"}", 1);
      await(broker, "rendezvous_connections_open", 4);
      await(broker, "rendezvous_connections_unidentified", 3);
      await(broker, "rendezvous_connections_refused_total", 0);
      await(broker, "rendezvous_connections_limited_total{limit=\"heap\"}", 0);
    } finally {
      endAll(open);
    }
  }

  @Test
  void connectionsOfAllListenersAreCounted() throws Exception {
    List<Peer> open = new ArrayList<>();
    try (TestBroker broker = TestBroker.start("registrar.enabled", "true")) {
      Registrar registrar = broker.broker().registrar().orElseThrow();
      open.add(broker.dial().plain());
      open.add(Peer.to(registrar.tcpAddress().getPort()).plain());
      open.add(Peer.to(registrar.httpAddress().getPort()).plain());
      await(broker, "rendezvous_connections_open", 3);
      await(broker, "rendezvous_connections_accepted_total", 3);
    } finally {
      endAll(open);
    }
  }

  @Test
  void storeIsTimedAndItsErrorsAreCountedEvenIfStaleEntriesAreUsed() throws Exception {
    Path entries = directory.resolve("entries");
    try (TestBroker broker =
        TestBroker.startOn(new FileStore(entries), new TestBroker.SteppedClock())) {
      broker.park().end();
      await(broker, "rendezvous_store_seconds_count{operation=\"find\"}", 1);
      await(broker, "rendezvous_store_errors_total{operation=\"find\"}", 0);
      Directories.delete(entries);
      broker.park().end(); // its entry was read a moment ago
      await(broker, "rendezvous_store_errors_total{operation=\"find\"}", 1);
    }
  }

  @Test
  void lagOfIoThreadsIsMeasured() throws Exception {
    try (TestBroker broker = TestBroker.start()) {
      Awaitility.await()
          .untilAsserted(
              () ->
                  assertThat(scrape(broker))
                      .contains("rendezvous_io_delay_seconds_count{thread=\"0\"}")
                      .contains("rendezvous_io_overdue_seconds{thread=\"0\"}"));
    }
  }

  @Test
  void noUuidIsALabelByDefault() throws Exception {
    try (TestBroker broker = TestBroker.start()) {
      serveOne(broker);
      assertThat(scrape(broker)).doesNotContain("uuid").doesNotContain(broker.id().toString());
    }
  }

  @Test
  void uuidsOfConnectedHiddenServersAreLabelsIfTheSettingSaysSo() throws Exception {
    try (TestBroker broker =
        TestBroker.start("metrics.by-uuid", "true", "wait", "1ms", "tunnel-age", "1s")) {
      UUID id = broker.id();
      Peer tunnel = broker.park();
      await(broker, "rendezvous_by_uuid_parked{uuid=\"" + id + "\"}", 1);
      try (Peer client = broker.connect()) {
        client.send(broker.get(broker.entry(), "/"));
        tunnel.readHead();
        tunnel.send(ANSWER);
        client.readResponse();
        await(broker, "rendezvous_by_uuid_active{uuid=\"" + id + "\"}", 1);
        Peer another = broker.park(); // so that the hidden server stays connected
        tunnel.end();
        client.end();
        await(broker, "rendezvous_by_uuid_rendezvous_total{uuid=\"" + id + "\"}", 1);
        tunnel = another;
      }
      assertThat(
              value(
                  scrape(broker),
                  "rendezvous_by_uuid_octets_total{direction=\"out\",uuid=\"" + id + "\"}"))
          .isEqualTo(ANSWER.length());
      refused(broker, broker.get(broker.addEntry(), "/"));
      assertThat(scrape(broker).split("rendezvous_by_uuid_parked\\{", -1)).hasSize(2);
      tunnel.end();
      Awaitility.await().until(() -> !scrape(broker).contains("uuid=\""));
    }
  }
}
