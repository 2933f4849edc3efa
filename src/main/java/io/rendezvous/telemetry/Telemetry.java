package io.rendezvous.telemetry;

import io.rendezvous.config.Settings;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.TunnelListener;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;

/** The metrics, the activity, the logs and the webhooks of one broker. Any thread may call. */
public final class Telemetry implements AutoCloseable {
  private static final long SWEEP_EVERY = Duration.ofSeconds(1).toNanos();

  private final Metrics metrics;
  private final ActivityLog activity;
  private final RequestLog requests;
  private final ServerLog serverLog;
  private final Optional<AccessLog> accessLog;
  private final Optional<Webhooks> webhooks;
  private long sweptAt = System.nanoTime() - SWEEP_EVERY; // used on the sweeping thread only

  /**
   * Creates what the settings ask for.
   *
   * @param metrics the metrics, which exist already because the store is metered
   * @param store finds the labels of hidden servers
   * @param isEntry tests whether a UUID is known to have an entry, without waiting for the store
   */
  public Telemetry(
      Settings settings,
      Metrics metrics,
      EntryStore store,
      Predicate<UUID> isEntry,
      InstantSource clock) {
    this.metrics = metrics;
    this.activity = new ActivityLog(clock, isEntry);
    this.requests =
        new RequestLog(settings.requests() == Settings.Switch.ON && settings.admin().enabled());
    this.serverLog = new ServerLog(store, activity, clock);
    this.accessLog =
        settings.accessLog().enabled()
            ? Optional.of(new AccessLog(settings.accessLog().fullUuids()))
            : Optional.empty();
    Settings.HookSettings hooks = settings.hooks();
    this.webhooks =
        hooks
            .url()
            .map(url -> new Webhooks(URI.create(url), hooks.secret().orElseThrow(), store, clock));
    accessLog.ifPresent(metrics::watch);
    webhooks.ifPresent(metrics::watch);
  }

  /**
   * Returns a listener that passes everything on to all parts of the telemetry.
   *
   * @param more listeners to which it passes everything on too
   */
  public TunnelListener listener(List<TunnelListener> more) {
    List<TunnelListener> all = new ArrayList<>(List.of(metrics, activity, requests, serverLog));
    accessLog.ifPresent(all::add);
    webhooks.ifPresent(all::add);
    all.addAll(more);
    return TunnelListener.all(all);
  }

  /** Returns the metrics. */
  public Metrics metrics() {
    return metrics;
  }

  /** Returns the activity of each hidden server. */
  public ActivityLog activity() {
    return activity;
  }

  /** Returns the latest requests. */
  public RequestLog requests() {
    return requests;
  }

  /**
   * Writes lines and sends webhook events about what has changed. To be called about once a second,
   * on one thread.
   *
   * @param now in nanoseconds, as {@link System#nanoTime} tells
   */
  public void sweep(long now, Presence presence) {
    long passed = now - sweptAt;
    if (passed >= 0 && passed < SWEEP_EVERY) {
      return; // copying the counts takes time in proportion to the number of hidden servers
    }
    sweptAt = now;
    Map<UUID, Presence.Counts> counts = presence.counts();
    try {
      serverLog.sweep(now, counts);
    } finally {
      webhooks.ifPresent(hooks -> hooks.sweep(now, counts));
    }
  }

  /** Stops the webhooks, writes the rest of the logs, and closes the metrics. */
  @Override
  public void close() {
    webhooks.ifPresent(Webhooks::close);
    serverLog.close();
    accessLog.ifPresent(AccessLog::close);
    metrics.close();
  }
}
