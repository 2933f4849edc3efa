package io.rendezvous.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmInfoMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.rendezvous.entry.MeteredStore;
import io.rendezvous.net.EventLoopLag;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.net.Relays;
import io.rendezvous.tls.keys.ServerCertificate;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.Rendezvous;
import io.rendezvous.tunnel.Tunnel;
import io.rendezvous.tunnel.TunnelListener;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What a broker counts, in the form that Prometheus reads. Every name begins with {@code
 * rendezvous_}, those of the JVM too. What others count is asked for when somebody reads. Any
 * thread may call.
 */
public final class Metrics implements TunnelListener, MeteredStore.Listener, AutoCloseable {
  private static final Duration MEASURE_DELAYS_EVERY = Duration.ofSeconds(1);

  /** The bounds of all histograms: from what a match takes to what a client waits. */
  private static final Duration[] BOUNDS =
      IntStream.of(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)
          .mapToObj(Duration::ofMillis)
          .toArray(Duration[]::new);

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics gc = new JvmGcMetrics();
  private final @Nullable MetricsByUuid byUuid;
  private final Counter paired;
  private final Counter retries;
  private final Timer latency;
  private final Timer wait;
  private final Map<Tunnel.End, Counter> ends = new EnumMap<>(Tunnel.End.class);
  private final Map<TunnelListener.ProbeOutcome, Counter> probes =
      new EnumMap<>(TunnelListener.ProbeOutcome.class);
  private final Timer probe;
  private final Map<Rendezvous.End, Counter> over = new EnumMap<>(Rendezvous.End.class);
  private final Map<MeteredStore.Operation, Timer> store =
      new EnumMap<>(MeteredStore.Operation.class);
  private final Map<MeteredStore.Operation, Counter> storeErrors =
      new EnumMap<>(MeteredStore.Operation.class);

  // Guarded by this.
  private @Nullable Presence tunnels;

  /**
   * Creates those that need nothing to be watched.
   *
   * @param byUuid whether there are figures of each hidden server that is connected, with its UUID
   */
  public Metrics(boolean byUuid) {
    registry.config().meterFilter(new Prefix());
    this.byUuid = byUuid ? new MetricsByUuid(registry) : null;
    paired = counter("paired", "Clients that were paired with a tunnel; each attempt");
    retries = counter("retries", "Attempts after an earlier tunnel gave no answer");
    latency = timer("latency", "From a client's request until its octets went down the tunnel");
    wait = timer("wait", "From a client's request until it had a tunnel");
    for (Tunnel.End end : Tunnel.End.values()) {
      ends.put(end, counter("ends", "Tunnels that ended unused", "reason", word(end)));
    }
    for (TunnelListener.ProbeOutcome proof : TunnelListener.ProbeOutcome.values()) {
      String text = "Tunnels that were asked whether they live";
      probes.put(proof, counter("probes", text, "outcome", word(proof)));
    }
    probe = timer("probe", "From such a question until its answer");
    for (Rendezvous.End end : Rendezvous.End.values()) {
      over.put(end, counter("over", "Attempts that are over", "end", AccessLog.word(end)));
    }
    for (MeteredStore.Operation operation : MeteredStore.Operation.values()) {
      String[] tags = {"operation", word(operation)};
      store.put(operation, timer("store", "Calls of the store", tags));
      storeErrors.put(operation, counter("store.errors", "Calls that did not reach it", tags));
    }
    watchProcess();
  }

  private void watchProcess() {
    new JvmInfoMetrics().bindTo(registry);
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    gc.bindTo(registry);
  }

  /** Begins to tell of tunnels and relays. */
  public synchronized void watch(Presence tunnels, Relays relays) {
    this.tunnels = tunnels;
    gauge("online", "Hidden servers that are connected", () -> tunnels.totals().online());
    gauge("parked", "Tunnels that are parked", () -> tunnels.totals().parked());
    gauge("waiting", "Clients that wait for a tunnel", () -> tunnels.totals().waiting());
    gauge("active", "Clients that are being relayed", relays::count);
    count("octets", "Octets from clients, and to them", relays::bytesUp, "direction", "in");
    count("octets", "Octets from clients, and to them", relays::bytesDown, "direction", "out");
  }

  /** Begins to tell of the connections of the broker's port. */
  public void watch(Listener listener) {
    gauge("connections.open", "Open connections", () -> listener.open().size());
    gauge("connections.limit", "How many may be open", () -> listener.limits().connections());
    count("connections.accepted", "Accepted connections", () -> listener.counts().accepted());
    count(
        "connections.refused",
        "Connections of sources that had enough",
        () -> listener.counts().refused());
    String text = "TLS handshakes; what ended before, for whatever reason, has failed";
    count("tls.handshakes", text, () -> listener.counts().handshakes(), "outcome", "done");
    count("tls.handshakes", text, () -> listener.counts().failedHandshakes(), "outcome", "failed");
  }

  /** Begins to measure how late I/O threads are. */
  public void watch(Network network) {
    Map<Integer, Timer> timers = new ConcurrentHashMap<>();
    String text = "How late an I/O thread did what was due";
    EventLoopLag delays =
        network.watchDelays(
            MEASURE_DELAYS_EVERY,
            (thread, late) ->
                timers
                    .computeIfAbsent(thread, t -> timer("io.delay", text, "thread", t.toString()))
                    .record(late));
    for (int thread = 0; thread < delays.threads(); thread++) {
      int number = thread;
      seconds(
          "io.overdue",
          "For how long an I/O thread has not done what is due",
          () -> delays.overdue(number).toNanos() / 1e9,
          "thread",
          Integer.toString(thread));
    }
  }

  /** Begins to tell of the certificate. */
  public void watch(ServerCertificate keys) {
    seconds(
        "certificate.expiry",
        "When the certificate ends, in seconds since 1970",
        () -> keys.end().getEpochSecond());
  }

  /** Begins to tell of what the access log could not keep up with. */
  public void watch(AccessLog log) {
    count("access.log.dropped", "Lines that the access log dropped", log::dropped);
  }

  /** Begins to tell of events for others. */
  public void watch(Webhooks hooks) {
    gauge("hooks.pending", "Events that are still to be told", hooks::pending);
    count("hooks.delivered", "Events that were taken", hooks::delivered);
    count("hooks.retries", "Events that were sent again", hooks::retried);
    count("hooks.failed", "Events that were given up", hooks::failed);
    count("hooks.dropped", "Events for which there was no place", hooks::dropped);
    count("hooks.unchecked", "Clients too many to ask what they want", hooks::unchecked);
  }

  private Counter counter(String name, String text, String... tags) {
    return Counter.builder(name).description(text).tags(tags).register(registry);
  }

  private Timer timer(String name, String text, String... tags) {
    return Timer.builder(name)
        .description(text)
        .tags(tags)
        .serviceLevelObjectives(BOUNDS)
        .register(registry);
  }

  private void gauge(String name, String text, Supplier<Number> value) {
    Gauge.builder(name, value).description(text).register(registry);
  }

  private void seconds(String name, String text, Supplier<Number> value, String... tags) {
    Gauge.builder(name, value).description(text).baseUnit("seconds").tags(tags).register(registry);
  }

  private void count(String name, String text, Supplier<Number> value, String... tags) {
    // What it is asked of is held weakly, the function is not.
    FunctionCounter.builder(name, this, metrics -> value.get().doubleValue())
        .description(text)
        .tags(tags)
        .register(registry);
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** Returns how things are now. */
  public synchronized String scrape() {
    Presence watched = tunnels;
    if (watched != null && byUuid != null) {
      byUuid.update(watched.counts());
    }
    return registry.scrape();
  }

  @Override
  public void called(MeteredStore.Operation operation, Duration took, boolean failed) {
    Objects.requireNonNull(store.get(operation)).record(took);
    if (failed) {
      Objects.requireNonNull(storeErrors.get(operation)).increment();
    }
  }

  @Override
  public void ended(UUID id, Tunnel.End why) {
    Objects.requireNonNull(ends.get(why)).increment();
  }

  @Override
  public void probed(UUID id, TunnelListener.ProbeOutcome outcome, Duration took) {
    Objects.requireNonNull(probes.get(outcome)).increment();
    if (outcome == TunnelListener.ProbeOutcome.ANSWERED) {
      probe.record(took);
    }
  }

  @Override
  public void paired(Rendezvous rendezvous) {
    paired.increment();
    if (rendezvous.attempt() == 1) {
      wait.record(rendezvous.waited());
    } else {
      retries.increment();
    }
  }

  @Override
  public void reached(Rendezvous rendezvous) {
    rendezvous.latency().ifPresent(latency::record);
  }

  @Override
  public void over(Rendezvous rendezvous) {
    rendezvous.ended().ifPresent(end -> Objects.requireNonNull(over.get(end)).increment());
    if (byUuid != null) {
      byUuid.over(rendezvous);
    }
  }

  @Override
  public void refused(Side side, int status) {
    counter(
            "refusals",
            "Who was refused, and how",
            "side",
            word(side).replace('_', ' '),
            "status",
            Integer.toString(status))
        .increment();
  }

  /** Stops listening to the JVM. */
  @Override
  public void close() {
    gc.close();
    registry.close();
  }

  /** Puts our name before all others, those of libraries too. */
  private static final class Prefix implements MeterFilter {
    @Override
    public Meter.Id map(Meter.Id id) {
      return id.withName("rendezvous." + id.getName());
    }
  }
}
