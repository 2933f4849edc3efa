package io.rendezvous.cli;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.rendezvous.agent.Status;
import io.rendezvous.telemetry.ProcessorTime;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** The metrics of an agent, in Prometheus format. Any thread may call. */
final class AgentMetrics {
  private static final String PREFIX = "rendezvous.agent.";

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Supplier<Map<String, Status>> statuses;

  // Guarded by this.
  private final Map<String, List<Meter>> meters = new HashMap<>();
  private Map<String, Status> latest = Map.of();

  AgentMetrics(Supplier<Map<String, Status>> statuses) {
    this.statuses = statuses;
    new ProcessorTime().bindTo(registry);
    new JvmMemoryMetrics().bindTo(registry);
  }

  /** Returns the current values. */
  synchronized String scrape() {
    latest = statuses.get();
    meters
        .entrySet()
        .removeIf(
            known -> {
              boolean gone = !latest.containsKey(known.getKey());
              if (gone) {
                known.getValue().forEach(registry::remove);
              }
              return gone;
            });
    latest.keySet().forEach(name -> meters.computeIfAbsent(name, this::metersOf));
    return registry.scrape();
  }

  private List<Meter> metersOf(String name) {
    return List.of(
        gauge(name, "parked", "Tunnels that are parked", Status::parked),
        gauge(
            name,
            "wanted",
            "Tunnels that are to be parked, which follows the demand",
            Status::wanted),
        gauge(name, "active", "Tunnels that clients use", Status::active),
        counter(
            name,
            "requests",
            Tags.empty(),
            "Requests, or connections where bytes are relayed",
            s -> s.traffic().requests()),
        counter(
            name,
            "octets",
            Tags.of("direction", "in"),
            "Bytes from and to clients",
            s -> s.traffic().bytesIn()),
        counter(
            name,
            "octets",
            Tags.of("direction", "out"),
            "Bytes from and to clients",
            s -> s.traffic().bytesOut()),
        TimeGauge.builder(
                PREFIX + "clock.behind",
                this,
                TimeUnit.SECONDS,
                metrics -> metrics.value(name, AgentMetrics::clockBehind))
            .tags("entry", name)
            .description("How much this machine's clock is behind the broker's (negative: ahead)")
            .register(registry));
  }

  private static double clockBehind(Status status) {
    return status.clockBehind().map(Duration::toSeconds).map(Double::valueOf).orElse(Double.NaN);
  }

  private Meter gauge(String name, String what, String text, ToDoubleFunction<Status> value) {
    return Gauge.builder(PREFIX + what, this, metrics -> metrics.value(name, value))
        .tags("entry", name)
        .description(text)
        .register(registry);
  }

  private Meter counter(
      String name, String what, Tags tags, String text, ToDoubleFunction<Status> value) {
    return FunctionCounter.builder(PREFIX + what, this, metrics -> metrics.value(name, value))
        .tags(tags.and("entry", name))
        .description(text)
        .register(registry);
  }

  private synchronized double value(String name, ToDoubleFunction<Status> value) {
    Status status = latest.get(name);
    return status == null ? Double.NaN : value.applyAsDouble(status);
  }
}
