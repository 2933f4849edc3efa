package io.rendezvous.telemetry;

import io.rendezvous.config.Settings;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.TunnelListener;
import java.net.URI;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The metrics, the activity, the access log and the webhooks of one broker. Any thread may call.
 */
public final class Telemetry implements AutoCloseable {
  private final Metrics metrics;
  private final ActivityLog activity;
  private final Optional<AccessLog> accessLog;
  private final Optional<Webhooks> webhooks;

  /**
   * Creates what the settings ask for.
   *
   * @param metrics the metrics, which exist already because the store is metered
   * @param store finds the labels for webhooks
   */
  public Telemetry(Settings settings, Metrics metrics, EntryStore store, InstantSource clock) {
    this.metrics = metrics;
    this.activity = new ActivityLog(clock);
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
    List<TunnelListener> all = new ArrayList<>(List.of(metrics, activity));
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

  /**
   * Sends webhook events for what has changed. To be called about once a second, on one thread.
   *
   * @param now in nanoseconds, as {@link System#nanoTime} tells
   */
  public void sweep(long now, Presence presence) {
    webhooks.ifPresent(hooks -> hooks.sweep(now, presence.counts()));
  }

  /** Stops the webhooks, writes the rest of the access log, and closes the metrics. */
  @Override
  public void close() {
    webhooks.ifPresent(Webhooks::close);
    accessLog.ifPresent(AccessLog::close);
    metrics.close();
  }
}
