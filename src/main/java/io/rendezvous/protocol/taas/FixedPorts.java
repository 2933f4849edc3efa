package io.rendezvous.protocol.taas;

import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryIndex;
import io.rendezvous.net.Conn;
import io.rendezvous.protocol.PortLeases;
import io.rendezvous.tunnel.TunnelRegistry;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ports that labels have of their own: each is open while something is parked for its label.
 * What is parked comes and goes on I/O threads, which only say so; the ports follow on a thread
 * that may block. Any thread may call.
 */
final class FixedPorts {
  private static final Logger LOG = LoggerFactory.getLogger(FixedPorts.class);

  private static final Pattern WITH_PORT = Pattern.compile("[a-z0-9.-]+:([1-9][0-9]{0,4})");
  private static final int MAX_PORT = 65_535;

  private final PortLeases ports;
  private final TunnelRegistry tunnels;
  private final EntryIndex index;
  private final PortClients clients;
  private final Executor worker;

  /** By label; empty where the port was not to be had. Changed under the lock of this. */
  private final Map<UUID, Map<String, Optional<PortLeases.Lease>>> leases =
      new ConcurrentHashMap<>();

  private final Set<UUID> due = ConcurrentHashMap.newKeySet();

  /**
   * Creates an empty set.
   *
   * @param worker runs what may block
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
    return portOf(label).isPresent();
  }

  /** Databases of older servers may hold labels that are none. */
  private static OptionalInt portOf(String label) {
    Matcher matcher = WITH_PORT.matcher(label);
    int port = matcher.matches() ? Integer.parseInt(matcher.group(1)) : MAX_PORT + 1;
    return port <= MAX_PORT ? OptionalInt.of(port) : OptionalInt.empty();
  }

  /** Something was parked for a label of the ID, or is no more. */
  void changed(UUID id) {
    if (leases.containsKey(id) || tunnels.labels(id).stream().anyMatch(FixedPorts::hasPort)) {
      reviewSoon(id);
    }
  }

  /** Once, however often it has changed by then. */
  private void reviewSoon(UUID id) {
    if (due.add(id)) {
      worker.execute(
          () -> {
            due.remove(id);
            refresh();
            review(id);
          });
    }
  }

  /** A label may have come to its entry, or gone, since anybody asked. */
  private void refresh() {
    try {
      index.all();
    } catch (IOException e) {
      LOG.debug("Labels are as they were: {}", e.getMessage());
    }
  }

  /** What was not to be had may be now, and labels may have been taken from their entries. */
  void sweep() {
    leases.keySet().forEach(this::reviewSoon);
  }

  /** What is wanted may change while a port is being opened, so it is looked at again after. */
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
    ofId.entrySet().removeIf(of -> !wanted.contains(of.getKey()) && given(of.getValue()));
    if (ofId.isEmpty() && tunnels.labels(id).stream().noneMatch(FixedPorts::hasPort)) {
      leases.remove(id);
    }
  }

  /** Gives a port back, if it was to be had. */
  private static boolean given(Optional<PortLeases.Lease> lease) {
    lease.ifPresent(PortLeases.Lease::closeNow);
    return true;
  }

  private Set<String> wanted(UUID id) {
    Set<String> labels = new HashSet<>(tunnels.labels(id));
    Optional<Entry> entry = index.known(id);
    labels.removeIf(
        label -> !hasPort(label) || !entry.map(e -> e.labels().contains(label)).orElse(true));
    return labels;
  }

  private Optional<PortLeases.Lease> open(UUID id, String label, boolean tell) {
    Optional<PortLeases.Lease> lease =
        ports.lease(portOf(label).orElseThrow(), (conn, from) -> onAccepted(conn, id, label));
    if (lease.isEmpty() && tell) {
      LOG.warn("The port of the label {} is not to be had; it is tried again", label);
    }
    return lease;
  }

  private void onAccepted(Conn conn, UUID id, String label) {
    clients.onFixedPort(conn, id, label);
  }
}
