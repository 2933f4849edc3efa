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
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.rendezvous.entry.MeteredStore;
import io.rendezvous.http.Identity;
import io.rendezvous.net.ConnectionLimiter;
import io.rendezvous.net.EventLoopLag;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.net.Relays;
import io.rendezvous.tls.keys.ServerCertificate;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.Refusal;
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
 * The metrics of a broker, in Prometheus format. All names begin with {@code rendezvous_}, also
 * those of the JVM. Figures that other classes keep are read when the metrics are scraped.
 *
 * <p>Any thread may call. Callbacks do not block.
 */
public final class Metrics implements TunnelListener, MeteredStore.Listener, AutoCloseable {
  private static final Duration MEASURE_LAG_EVERY = Duration.ofSeconds(1);

  /** The bounds of all histograms, from the time of a match to the time that a client may wait. */
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
  private final Map<Identity.Carrier, Counter> identified = new EnumMap<>(Identity.Carrier.class);
  private final Map<Rendezvous.End, Counter> over = new EnumMap<>(Rendezvous.End.class);
  private final Map<MeteredStore.Operation, Timer> store =
      new EnumMap<>(MeteredStore.Operation.class);
  private final Map<MeteredStore.Operation, Counter> storeErrors =
      new EnumMap<>(MeteredStore.Operation.class);

  // Guarded by this.
  private @Nullable Presence presence;

  /**
   * Creates the metrics that come from callbacks and from the JVM.
   *
   * @param byUuid whether there are also metrics of each hidden server that is connected, labelled
   *     with its UUID
   */
  public Metrics(boolean byUuid) {
    registry.config().meterFilter(new Prefix());
    new ProcessorTime().bindTo(registry);
    this.byUuid = byUuid ? new MetricsByUuid(registry) : null;
    paired = counter("paired", "Clients that were paired with a tunnel; each attempt counts");
    retries = counter("retries", "Attempts with another tunnel after one gave no answer");
    latency =
        timer(
            "latency",
            "Time from a client's request until its first bytes were written to the tunnel");
    wait = timer("wait", "Time from a client's request until it was paired with a tunnel");
    for (Tunnel.End end : Tunnel.End.values()) {
      String text = "Parked tunnels that ended before a client had them";
      ends.put(end, counter("ends", text, "reason", word(end)));
    }
    for (TunnelListener.ProbeOutcome outcome : TunnelListener.ProbeOutcome.values()) {
      probes.put(
          outcome, counter("probes", "Liveness probes of tunnels", "outcome", word(outcome)));
    }
    probe = timer("probe", "Time from a liveness probe to its answer");
    for (Identity.Carrier carrier : Identity.Carrier.values()) {
      String[] tags = {"carrier", word(carrier).replace('_', '-')};
      identified.put(
          carrier, counter("identified", "Clients that have named a hidden server", tags));
    }
    for (Rendezvous.End end : Rendezvous.End.values()) {
      over.put(
          end,
          counter(
              "over", "Rendezvous that ended; each attempt counts", "end", AccessLog.word(end)));
    }
    for (MeteredStore.Operation operation : MeteredStore.Operation.values()) {
      String[] tags = {"operation", word(operation)};
      store.put(operation, timer("store", "Duration of calls to the store", tags));
      storeErrors.put(
          operation, counter("store.errors", "Calls that did not reach the store", tags));
    }
    watchProcess();
  }

  private void watchProcess() {
    new JvmInfoMetrics().bindTo(registry);
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    gc.bindTo(registry);
  }

  /** Adds the metrics of tunnels and relays. */
  public synchronized void watch(Presence presence, Relays relays) {
    this.presence = presence;
    gauge("online", "Hidden servers that are connected", () -> presence.totals().online());
    gauge("parked", "Parked tunnels", () -> presence.totals().parked());
    gauge("waiting", "Clients that wait for a tunnel", () -> presence.totals().waiting());
    gauge("active", "Clients that are being relayed", relays::count);
    String text = "Bytes relayed from clients (in) and to clients (out)";
    count("octets", text, relays::bytesUp, "direction", "in");
    count("octets", text, relays::bytesDown, "direction", "out");
  }

  /** Adds the metrics of the connections of all public listeners. */
  public void watch(ConnectionLimiter connections) {
    gauge("connections.open", "Open connections", connections::open);
    gauge(
        "connections.unidentified",
        "Open connections that are neither parked nor paired",
        connections::unidentified);
    gauge(
        "connections.limit",
        "Maximum number of open connections",
        () -> connections.limits().connections());
    count("connections.accepted", "Accepted connections", connections::accepted);
    count(
        "connections.refused",
        "Connections refused because parked and paired ones took all places",
        connections::refused);
    for (ConnectionLimiter.Limit limit : ConnectionLimiter.Limit.values()) {
      count(
          "connections.limited",
          "Connections that were closed or refused because a limit was met",
          () -> connections.met(limit),
          "limit",
          word(limit).replace('_', '-'));
    }
  }

  /** Adds the metrics of the main listener. */
  public void watch(Listener listener) {
    String text = "TLS handshakes; a connection that ends before its handshake counts as failed";
    count("tls.handshakes", text, () -> listener.counts().handshakes(), "outcome", "done");
    count("tls.handshakes", text, () -> listener.counts().failedHandshakes(), "outcome", "failed");
  }

  /** Starts to measure how late I/O threads run their tasks. */
  public void watch(Network network) {
    Map<Integer, Timer> timers = new ConcurrentHashMap<>();
    String text = "How late an I/O thread ran a task that was due";
    EventLoopLag lag =
        network.measureLag(
            MEASURE_LAG_EVERY,
            (thread, late) ->
                timers
                    .computeIfAbsent(thread, t -> timer("io.delay", text, "thread", t.toString()))
                    .record(late));
    for (int thread = 0; thread < lag.threads(); thread++) {
      int number = thread;
      seconds(
          "io.overdue",
          "How long a task of an I/O thread has been due",
          () -> lag.overdue(number).toNanos() / 1e9,
          "thread",
          Integer.toString(thread));
    }
  }

  /** Adds the metric of the certificate. */
  public void watch(ServerCertificate certificate) {
    seconds(
        "certificate.expiry",
        "When the certificate expires, in seconds since 1970",
        () -> certificate.end().getEpochSecond());
  }

  /** Adds the metric of the access log. */
  void watch(AccessLog log) {
    count("access.log.dropped", "Lines that the access log dropped", log::dropped);
  }

  /** Adds the metrics of webhooks. */
  void watch(Webhooks hooks) {
    gauge("hooks.pending", "Webhook events that are not delivered yet", hooks::pending);
    count("hooks.delivered", "Webhook events that were delivered", hooks::delivered);
    count("hooks.retries", "Times that a webhook event was sent again", hooks::retried);
    count("hooks.failed", "Webhook events that were given up", hooks::failed);
    count("hooks.dropped", "Webhook events dropped because too many were pending", hooks::dropped);
    count(
        "hooks.unchecked",
        "Clients whose ID was not looked up for a webhook because there were too many",
        hooks::unchecked);
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
    // A counter holds its object weakly, so the object is this one, which lives on.
    FunctionCounter.builder(name, this, metrics -> value.get().doubleValue())
        .description(text)
        .tags(tags)
        .register(registry);
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** Returns the current values in Prometheus format. */
  public synchronized String scrape() {
    Presence watched = presence;
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
  public void identified(Identity.Carrier carrier) {
    Objects.requireNonNull(identified.get(carrier)).increment();
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
  public void refused(Refusal refusal) {
    counter(
            "refusals",
            "Requests that were refused",
            "side",
            word(refusal.side()).replace('_', ' '),
            "status",
            Integer.toString(refusal.status()))
        .increment();
  }

  /** Releases the listeners of the JVM's garbage collectors. */
  @Override
  public void close() {
    gc.close();
    registry.close();
  }

  /** Puts a prefix before all names, also those that libraries choose. */
  private static final class Prefix implements MeterFilter {
    @Override
    public Meter.Id map(Meter.Id id) {
      return id.withName("rendezvous." + id.getName());
    }
  }
}
