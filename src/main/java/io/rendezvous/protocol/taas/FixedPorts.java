package io.rendezvous.protocol.taas;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.entry.Label;
import io.rendezvous.net.Conn;
import io.rendezvous.net.FailureText;
import io.rendezvous.protocol.PortLeases;
import io.rendezvous.tunnel.TunnelRegistry;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The fixed ports of labels that are written NAME:PORT. Each is open while a tunnel is parked for
 * its label. Tunnels come and go on I/O threads, which only report that; the ports follow on a
 * thread that may block. Any thread may call.
 */
final class FixedPorts {
  private static final Logger LOG = LoggerFactory.getLogger(FixedPorts.class);

  private final PortLeases ports;
  private final TunnelRegistry tunnels;
  private final EntryIndex index;
  private final PortClients clients;
  private final Executor worker;

  /**
   * The lease of each label, by ID; empty where the port was not available. The inner maps are
   * guarded by this.
   */
  private final Map<UUID, Map<String, Optional<PortLeases.Lease>>> leases =
      new ConcurrentHashMap<>();

  private final Set<UUID> reviewDue = ConcurrentHashMap.newKeySet();

  /**
   * Creates an empty set.
   *
   * @param worker runs tasks that may block
   */
  FixedPorts(
      PortLeases ports,
      TunnelRegistry tunnels,
      EntryIndex index,
      PortClients clients,
      Executor worker) {
    this.ports = ports;
    this.tunnels = tunnels;
    this.index = index;
    this.clients = clients;
    this.worker = worker;
  }

  private static boolean hasPort(String label) {
    return Label.parse(label).port().isPresent();
  }

  /** Handles that a tunnel of that ID was parked, or is no longer parked. */
  void changed(UUID id) {
    if (leases.containsKey(id) || tunnels.labels(id).stream().anyMatch(FixedPorts::hasPort)) {
      reviewSoon(id);
    }
  }

  /** Reviews the ports of an ID on a worker, once for all changes until then. */
  private void reviewSoon(UUID id) {
    if (reviewDue.add(id)) {
      worker.execute(
          () -> {
            reviewDue.remove(id);
            refresh();
            review(id);
          });
    }
  }

  /** Refreshes the index: a label may have been added to its entry or removed meanwhile. */
  private void refresh() {
    try {
      index.all();
    } catch (IOException e) {
      LOG.debug("Labels cannot be refreshed: {}", FailureText.of(e));
    }
  }

  /**
   * Retries ports that could not be opened, and closes those whose label has left its entry. To be
   * called periodically.
   */
  void sweep() {
    leases.keySet().forEach(this::reviewSoon);
  }

  /**
   * Opens and closes the ports of an ID. The wanted labels may change while a port is being opened,
   * so they are looked up again before ports are closed.
   */
  private synchronized void review(UUID id) {
    Map<String, Optional<PortLeases.Lease>> ofId = leases.computeIfAbsent(id, i -> new HashMap<>());
    Set<String> wanted = wanted(id);
    for (String label : wanted) {
      Optional<PortLeases.Lease> before = ofId.get(label);
      if (before == null || before.isEmpty()) {
        ofId.put(label, open(id, label, before == null));
      }
    }
    wanted.retainAll(wanted(id));
    for (Iterator<Map.Entry<String, Optional<PortLeases.Lease>>> each = ofId.entrySet().iterator();
        each.hasNext(); ) {
      Map.Entry<String, Optional<PortLeases.Lease>> lease = each.next();
      if (!wanted.contains(lease.getKey())) {
        lease.getValue().ifPresent(PortLeases.Lease::closeNow);
        each.remove();
      }
    }
    if (ofId.isEmpty() && tunnels.labels(id).stream().noneMatch(FixedPorts::hasPort)) {
      leases.remove(id);
    }
  }

  /**
   * Returns the labels with a port. There are none if clients need a password, for which a port
   * cannot ask.
   */
  private Set<String> wanted(UUID id) {
    Set<String> labels = new HashSet<>(tunnels.labels(id));
    Optional<Entry> entry = index.known(id);
    labels.removeIf(
        label ->
            !hasPort(label)
                || !entry.map(e -> e.labels().contains(label) && !e.hasPassword()).orElse(true));
    return labels;
  }

  private Optional<PortLeases.Lease> open(UUID id, String label, boolean isFirstTry) {
    Optional<PortLeases.Lease> lease =
        ports.lease(
            Label.parse(label).port().orElseThrow(), (conn, from) -> onAccepted(conn, id, label));
    if (lease.isEmpty() && isFirstTry) {
      LOG.warn("The port of the label {} is not available; it will be tried again", label);
    }
    return lease;
  }

  private void onAccepted(Conn conn, UUID id, String label) {
    clients.onFixedPort(conn, id, label);
  }
}
