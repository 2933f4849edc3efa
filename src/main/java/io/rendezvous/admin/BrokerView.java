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
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;

/** How the broker is doing. Any thread may ask, but no I/O thread. */
public final class BrokerView {
  private final Optional<ServerCertificate> keys;
  private final EntryIndex index;
  private final Provisioner provisioner;
  private final Presence tunnels;
  private final ActivityLog ledger;
  private final BooleanSupplier ready;
  private final IntSupplier connections;
  private final int mostConnections;
  private final InstantSource clock;
  private final Instant started;

  /**
   * Creates one.
   *
   * @param keys what TLS shows; empty for plain HTTP
   * @param index all entries
   * @param ready whether the broker serves, and neither starts nor closes down
   * @param connections how many are open
   * @param mostConnections how many may be
   */
  public BrokerView(
      Optional<ServerCertificate> keys,
      EntryIndex index,
      Provisioner provisioner,
      Presence tunnels,
      ActivityLog ledger,
      BooleanSupplier ready,
      IntSupplier connections,
      int mostConnections,
      InstantSource clock) {
    this.keys = keys;
    this.index = index;
    this.provisioner = provisioner;
    this.tunnels = tunnels;
    this.ledger = ledger;
    this.ready = ready;
    this.connections = connections;
    this.mostConnections = mostConnections;
    this.clock = clock;
    this.started = clock.instant();
  }

  /** Returns whether the broker serves. An I/O thread may ask. */
  boolean isReady() {
    return ready.getAsBoolean();
  }

  /** Returns all that is told of it, as JSON. */
  ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    String version = BrokerView.class.getPackage().getImplementationVersion();
    json.put("version", version == null ? "unpacked" : version)
        .put("state", isReady() ? "ready" : "draining")
        .put("started", started.toString())
        .put("url", provisioner.url())
        .put("publicHostIsLoopback", provisioner.isLoopback());
    addEntries(json);
    addTunnels(json);
    json.putObject("connections").put("open", connections.getAsInt()).put("most", mostConnections);
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
    int online = 0;
    int parked = 0;
    int active = 0;
    int waiting = 0;
    for (Presence.Counts counts : tunnels.counts().values()) {
      online += counts.isOnline() ? 1 : 0;
      parked += counts.parked();
      active += counts.paired();
      waiting += counts.waiting();
    }
    json.put("online", online).put("parked", parked).put("active", active).put("waiting", waiting);
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
