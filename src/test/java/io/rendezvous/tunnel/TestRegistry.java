package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** A registry on a clock that the test steps, with hidden servers and clients made by hand. */
final class TestRegistry {
  static final UUID ID = new UUID(1, 1);

  /** Limits that are out of the way of most tests. */
  static final TunnelRegistry.Limits LIMITS =
      new TunnelRegistry.Limits(
          8, 100, 4, Duration.ofSeconds(5), Duration.ofMinutes(10), Duration.ofSeconds(10));

  static final InetSocketAddress ASKED_FROM =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);

  private static final Map<UUID, Entry> ENTRIES = new ConcurrentHashMap<>();

  final TunnelRegistry registry;
  final FakeEventLoop loop = new FakeEventLoop(this::now);
  final FakeEventLoop otherLoop = new FakeEventLoop(this::now);
  private final List<String> told = new ArrayList<>();
  private long now = 1_000_000_000_000L;
  private int connections;

  TestRegistry() {
    this(LIMITS);
  }

  TestRegistry(TunnelRegistry.Limits limits) {
    registry = new TunnelRegistry(limits, new Told(), this::now);
  }

  static TunnelRegistry.Limits limits(int perId, int parked, int waitingPerId) {
    return new TunnelRegistry.Limits(
        perId, parked, waitingPerId, LIMITS.patience(), LIMITS.maxAge(), LIMITS.probe());
  }

  static TunnelRegistry.Limits limits(Duration patience, Duration probe) {
    return new TunnelRegistry.Limits(
        LIMITS.perId(), LIMITS.parked(), LIMITS.waitingPerId(), patience, LIMITS.maxAge(), probe);
  }

  private final class Told implements TunnelListener {
    @Override
    public void parked(UUID id, InetSocketAddress from) {
      told.add("parked");
    }

    @Override
    public void ended(UUID id, Tunnel.End why) {
      told.add("ended " + why);
    }

    @Override
    public void probed(UUID id, ProbeOutcome outcome, Duration took) {
      told.add("probed " + outcome + " after " + took.toMillis());
    }
  }

  /** Returns what the listener was told since the last call. */
  List<String> told() {
    List<String> all = List.copyOf(told);
    told.clear();
    return all;
  }

  // Time.

  long now() {
    return now;
  }

  /** Lets time pass. The event loops and the registry do not notice. */
  void pass(Duration time) {
    now += time.toNanos();
  }

  /** Runs the event loops. */
  void run() {
    FakeEventLoop.runAll(loop, otherLoop);
  }

  /** Has the registry do what is due. */
  void sweep() {
    registry.sweep(now);
  }

  // Hidden servers.

  static Entry entry(UUID id) {
    return ENTRIES.computeIfAbsent(
        id, i -> Entry.create(i, List.of(), 8, Instant.EPOCH, List.of()));
  }

  FakeConnection connection() {
    return connection(loop, "192.0.2.1");
  }

  FakeConnection connection(FakeEventLoop on, String address) {
    return new FakeConnection("c" + ++connections, on, address, () -> {});
  }

  /** Parks a tunnel of a hidden server that cannot be probed. */
  FakeConnection park() {
    return park(connection().withoutProbes());
  }

  FakeConnection parkOn(FakeEventLoop on) {
    return park(connection(on, "192.0.2.1").withoutProbes());
  }

  FakeConnection parkFrom(String address) {
    return park(connection(loop, address).withoutProbes());
  }

  FakeConnection parkFor(String label) {
    FakeConnection connection = connection().withoutProbes();
    registry.park(entry(ID), label, ASKED_FROM, connection, now);
    return connection;
  }

  FakeConnection park(FakeConnection connection) {
    return park(ID, connection, now);
  }

  FakeConnection park(UUID id, FakeConnection connection, long knownAt) {
    registry.park(entry(id), "", ASKED_FROM, connection, knownAt);
    run();
    return connection;
  }

  /** Parks a tunnel of a hidden server that answers each probe that follows at once. */
  FakeConnection parkAnswering() {
    return parkAnswering(connection());
  }

  FakeConnection parkAnswering(FakeConnection connection) {
    park(connection);
    if (connection.isProbed()) {
      connection.answer();
    }
    return connection;
  }

  // Clients.

  FakeClient client() {
    return new FakeClient(() -> {});
  }

  Match take(FakeClient client) {
    Match match = registry.take(ID, loop, client);
    run();
    return match;
  }

  Match take() {
    return take(client());
  }

  /** Takes a tunnel that has to be available. */
  Tunnel taken() {
    Match match = take();
    assertThat(match).isInstanceOf(Match.Taken.class);
    return ((Match.Taken) match).tunnel();
  }

  /** Returns a client that waits for a tunnel. */
  FakeClient waiting() {
    FakeClient client = client();
    assertThat(take(client)).isInstanceOf(Match.Waiting.class);
    return client;
  }

  void putBack(Tunnel tunnel) {
    registry.putBack(tunnel);
    run();
  }

  void assertCounts(int parked, int paired, int waiting) {
    assertThat(registry.counts(ID)).isEqualTo(new Presence.Counts(parked, paired, waiting, false));
    int online = parked + paired > 0 ? 1 : 0;
    assertThat(registry.totals()).isEqualTo(new Presence.Totals(online, parked, paired, waiting));
  }
}
