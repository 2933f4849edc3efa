package io.rendezvous.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.Provisioner;
import io.rendezvous.net.FailureText;
import io.rendezvous.telemetry.ActivityLog;
import io.rendezvous.tls.keys.ServerCertificate;
import io.rendezvous.tunnel.Presence;
import io.rendezvous.tunnel.TunnelListener;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The status of the broker, as the API shows it. Any thread may call, except I/O threads, which may
 * call only {@link #isReady}.
 */
public final class BrokerView {
  private final Optional<ServerCertificate> certificate;
  private final EntryIndex index;
  private final Provisioner provisioner;
  private final Presence presence;
  private final ActivityLog activity;
  private final Supplier<State> state;
  private final InstantSource clock;
  private final Instant started;

  /**
   * The state of the broker at some moment.
   *
   * @param ready whether the broker serves, and is neither starting nor shutting down
   * @param connections the number of open connections
   * @param maxConnections the maximum number of open connections
   */
  public record State(boolean ready, int connections, int maxConnections) {}

  /**
   * Creates a view of a broker that has just started.
   *
   * @param certificate the broker's certificate; empty for plain HTTP
   * @param state returns the current state; any thread may call it
   */
  public BrokerView(
      AdminServer.BrokerParts parts,
      Optional<ServerCertificate> certificate,
      Supplier<State> state,
      InstantSource clock) {
    this.certificate = certificate;
    this.index = parts.index();
    this.provisioner = parts.provisioner();
    this.presence = parts.presence();
    this.activity = parts.activity();
    this.state = state;
    this.clock = clock;
    this.started = clock.instant();
  }

  /** Returns whether the broker serves. */
  boolean isReady() {
    return state.get().ready();
  }

  /** Returns the whole status as JSON. */
  ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    State now = state.get();
    String version = BrokerView.class.getPackage().getImplementationVersion();
    json.put("version", version == null ? "not from a jar" : version)
        .put("state", now.ready() ? "ready" : "draining")
        .put("started", started.toString())
        .put("url", provisioner.url())
        .put("publicHostIsLoopback", provisioner.isLoopback())
        .put("ownAuthority", provisioner.ownAuthority().map(Path::toString).orElse(null));
    addEntries(json);
    addTunnels(json);
    json.putObject("connections").put("open", now.connections()).put("most", now.maxConnections());
    Runtime runtime = Runtime.getRuntime();
    json.putObject("memory")
        .put("used", runtime.totalMemory() - runtime.freeMemory())
        .put("most", runtime.maxMemory());
    JsonViews.addTotals(json.putObject("today"), activity.today());
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
      json.put("trouble", FailureText.of(e));
    }
  }

  private void addTunnels(ObjectNode json) {
    Presence.Totals totals = presence.totals();
    json.put("online", totals.online())
        .put("parked", totals.parked())
        .put("active", totals.paired())
        .put("waiting", totals.waiting());
  }

  private void addCertificate(ObjectNode json) {
    if (certificate.isEmpty()) {
      json.putNull("certificate");
      return;
    }
    Instant end = certificate.get().end();
    ObjectNode object = json.putObject("certificate");
    object
        .put("until", end.toString())
        .put("daysLeft", Duration.between(clock.instant(), end).toDays());
    ArrayNode names = object.putArray("names");
    certificate.get().names().forEach(names::add);
  }

  /** Adds the refusals, the most frequent first. */
  private void addRefusals(ArrayNode refusals) {
    activity.refusals().entrySet().stream()
        .sorted(Comparator.comparing(Map.Entry<ActivityLog.RefusalKind, Long>::getValue).reversed())
        .forEach(
            refusal ->
                refusals
                    .addObject()
                    .put("side", inWords(refusal.getKey().side()))
                    .put("status", refusal.getKey().status())
                    .put("count", refusal.getValue()));
  }

  private static String inWords(TunnelListener.Side side) {
    return side.toString().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
