package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.Provisioner;
import io.rendezvous.telemetry.ActivityLog;
import io.rendezvous.tls.keys.ServerCertificate;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.TunnelListener;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** How the broker is doing. Any thread may ask, but no I/O thread. */
public final class BrokerView {
  private final Optional<ServerCertificate> keys;
  private final EntryIndex index;
  private final Provisioner provisioner;
  private final Presence tunnels;
  private final ActivityLog ledger;
  private final Supplier<State> state;
  private final InstantSource clock;
  private final Instant started;

  /**
   * The state of the broker at some moment.
   *
   * @param ready whether it serves, and is neither starting nor shutting down
   * @param connections how many are open
   * @param maxConnections how many may be open
   */
  public record State(boolean ready, int connections, int maxConnections) {}

  /**
   * Creates a view.
   *
   * @param keys what TLS shows; empty for plain HTTP
   */
  public BrokerView(
      AdminServer.Subject subject,
      Optional<ServerCertificate> keys,
      Supplier<State> state,
      InstantSource clock) {
    this.keys = keys;
    this.index = subject.index();
    this.provisioner = subject.provisioner();
    this.tunnels = subject.presence();
    this.ledger = subject.activity();
    this.state = state;
    this.clock = clock;
    this.started = clock.instant();
  }

  /** Returns whether the broker serves. An I/O thread may call. */
  boolean isReady() {
    return state.get().ready();
  }

  /** Returns all that is told of it, as JSON. */
  ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    State now = state.get();
    String version = BrokerView.class.getPackage().getImplementationVersion();
    json.put("version", version == null ? "unpacked" : version)
        .put("state", now.ready() ? "ready" : "draining")
        .put("started", started.toString())
        .put("url", provisioner.url())
        .put("publicHostIsLoopback", provisioner.isLoopback());
    addEntries(json);
    addTunnels(json);
    json.putObject("connections").put("open", now.connections()).put("most", now.maxConnections());
    Runtime runtime = Runtime.getRuntime();
    json.putObject("memory")
        .put("used", runtime.totalMemory() - runtime.freeMemory())
        .put("most", runtime.maxMemory());
    JsonViews.totals(json.putObject("today"), ledger.today());
    addCertificate(json);
    addRefusals(json.putArray("refusals"));
    return json;
  }

  private void addEntries(ObjectNode json) {
    json.put("store", index.where());
    try {
      json.put("entries", index.all().size());
      json.put("trouble", index.trouble().orElse(null));
    } catch (IOException e) {
      json.put("entries", 0);
      json.put("trouble", e.getMessage());
    }
  }

  private void addTunnels(ObjectNode json) {
    Presence.Totals totals = tunnels.totals();
    json.put("online", totals.online())
        .put("parked", totals.parked())
        .put("active", totals.paired())
        .put("waiting", totals.waiting());
  }

  private void addCertificate(ObjectNode json) {
    if (keys.isEmpty()) {
      json.putNull("certificate");
      return;
    }
    Instant end = keys.get().end();
    ObjectNode certificate = json.putObject("certificate");
    certificate
        .put("until", end.toString())
        .put("daysLeft", Duration.between(clock.instant(), end).toDays());
    ArrayNode names = certificate.putArray("names");
    keys.get().names().forEach(names::add);
  }

  private void addRefusals(ArrayNode refusals) {
    ledger.refusals().entrySet().stream()
        .sorted(Comparator.comparing(Map.Entry<ActivityLog.Refusal, Long>::getValue).reversed())
        .forEach(
            entry ->
                refusals
                    .addObject()
                    .put("side", inWords(entry.getKey().side()))
                    .put("status", entry.getKey().status())
                    .put("count", entry.getValue()));
  }

  private static String inWords(TunnelListener.Side side) {
    return side.toString().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
