package io.rendezvous.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.Rendezvous;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToIntFunction;

/**
 * Metrics of each hidden server, labelled with its UUID. Only hidden servers that are connected
 * have them: they are removed at the first scrape after it has gone, and begin at zero when it is
 * back.
 *
 * <p>Any thread may call.
 */
final class MetricsByUuid {
  /** The metrics of one hidden server. */
  private record Meters(Counter rendezvous, Counter in, Counter out, List<Meter> all) {}

  private final MeterRegistry registry;
  private final Map<UUID, Meters> meters = new ConcurrentHashMap<>();
  private volatile Map<UUID, Presence.Counts> latest = Map.of();

  MetricsByUuid(MeterRegistry registry) {
    this.registry = registry;
  }

  /** Sets the hidden servers that have metrics, and their counts. */
  synchronized void update(Map<UUID, Presence.Counts> now) {
    latest = now;
    meters.forEach(
        (id, gone) -> {
          if (!now.containsKey(id)) {
            meters.remove(id);
            gone.all().forEach(registry::remove);
          }
        });
    now.keySet().forEach(id -> meters.computeIfAbsent(id, this::metersOf));
  }

  private Meters metersOf(UUID id) {
    Counter rendezvous = counter(id, "rendezvous", "Rendezvous that ended", "");
    String text = "Bytes from clients (in) and to clients (out) of rendezvous that ended";
    Counter in = counter(id, "octets", text, "in");
    Counter out = counter(id, "octets", text, "out");
    List<Meter> all =
        List.of(
            rendezvous,
            in,
            out,
            gauge(id, "parked", "Parked tunnels", Presence.Counts::parked),
            gauge(id, "active", "Clients that are being relayed", Presence.Counts::paired),
            gauge(id, "waiting", "Clients that wait for a tunnel", Presence.Counts::waiting));
    return new Meters(rendezvous, in, out, all);
  }

  private Counter counter(UUID id, String name, String text, String direction) {
    Counter.Builder builder =
        Counter.builder("by.uuid." + name).description(text).tag("uuid", id.toString());
    return (direction.isEmpty() ? builder : builder.tag("direction", direction)).register(registry);
  }

  private Gauge gauge(UUID id, String name, String text, ToIntFunction<Presence.Counts> value) {
    return Gauge.builder(
            "by.uuid." + name,
            () -> value.applyAsInt(latest.getOrDefault(id, Presence.Counts.NONE)))
        .description(text)
        .tag("uuid", id.toString())
        .register(registry);
  }

  /** Counts a rendezvous that ended, if its hidden server has metrics. */
  void over(Rendezvous rendezvous) {
    Meters known = meters.get(rendezvous.id());
    if (known != null) {
      known.rendezvous().increment();
      known.in().increment((double) rendezvous.bytesIn());
      known.out().increment((double) rendezvous.bytesOut());
    }
  }
}
