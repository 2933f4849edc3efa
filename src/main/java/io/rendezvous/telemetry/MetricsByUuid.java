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
 * Figures of each hidden server, with its UUID as a label. There are as many as are connected:
 * those of one that is gone are removed at the next scrape, and begin at zero when it is back. Any
 * thread may call.
 */
final class MetricsByUuid {
  private record OfOne(Counter rendezvous, Counter in, Counter out, List<Meter> all) {}

  private final MeterRegistry registry;
  private final Map<UUID, OfOne> meters = new ConcurrentHashMap<>();
  private volatile Map<UUID, Presence.Counts> latest = Map.of();

  MetricsByUuid(MeterRegistry registry) {
    this.registry = registry;
  }

  /** Tells of these from now on, and of no others. */
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

  private OfOne metersOf(UUID id) {
    Counter rendezvous = counter(id, "rendezvous", "Rendezvous that are over", "");
    Counter in = counter(id, "octets", "Octets from and to clients, of what is over", "in");
    Counter out = counter(id, "octets", "Octets from and to clients, of what is over", "out");
    List<Meter> all =
        List.of(
            rendezvous,
            in,
            out,
            gauge(id, "parked", "Tunnels that are parked", Presence.Counts::parked),
            gauge(id, "active", "Clients that are being relayed", Presence.Counts::paired),
            gauge(id, "waiting", "Clients that wait for a tunnel", Presence.Counts::waiting));
    return new OfOne(rendezvous, in, out, all);
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

  /** Counts what is over, if its hidden server is among those told of. */
  void over(Rendezvous rendezvous) {
    OfOne known = meters.get(rendezvous.id());
    if (known != null) {
      known.rendezvous().increment();
      known.in().increment((double) rendezvous.bytesIn());
      known.out().increment((double) rendezvous.bytesOut());
    }
  }
}
