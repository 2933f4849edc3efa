package io.rendezvous.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.agent.Status;
import io.rendezvous.testing.MetricNames;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Tests the names and values of the agent's metrics. */
class AgentMetricsTest {
  private static final Status STATUS =
      new Status(
          7,
          8,
          1,
          new Status.Traffic(3, 100, 2000),
          Optional.empty(),
          Optional.of(Duration.ofSeconds(-5)));

  @Test
  void namesTypesAndUnitsAreThoseThatPrometheusAsksFor() {
    String scrape = new AgentMetrics(() -> Map.of("home", STATUS)).scrape();
    assertThat(MetricNames.violations(scrape)).isEmpty();
    assertThat(scrape)
        .contains("rendezvous_agent_requests_total{entry=\"home\"} 3.0\n")
        .contains("rendezvous_agent_clock_behind_seconds{entry=\"home\"} -5.0\n")
        .contains("\nprocess_cpu_seconds_total ")
        .contains("\nsystem_cpus ");
  }
}
