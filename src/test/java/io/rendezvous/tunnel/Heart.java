package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A registry on a clock that the test steps, with hidden servers and clients made by hand. */
final class Heart {
  static final UUID ID = new UUID(1, 1);

  /** Limits that are out of the way of most tests. */
  static final TunnelRegistry.Limits LIMITS =
      new TunnelRegistry.Limits(
          8, 100, 4, Duration.ofSeconds(5), Duration.ofMinutes(10), Duration.ofSeconds(10));

  private static final InetSocketAddress FROM =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);

  final FakeConnection.Loop loop = new FakeConnection.Loop();
  final FakeConnection.Loop otherLoop = new FakeConnection.Loop();
  final List<String> told = new ArrayList<>();
  final TunnelRegistry registry;
  private long now = 1_000_000_000_000L;
  private int count;

  Heart() {
    this(LIMITS);
  }

  Heart(TunnelRegistry.Limits limits) {
    registry = new TunnelRegistry(limits, new Told(), () -> now);
  }

  private final class Told implements TunnelListener {
    @Override
    public void parked(UUID id) {
      told.add("parked");
    }

    @Override
    public void ended(UUID id, Tunnel.End why) {
      told.add("ended " + why);
    }

    @Override
    public void probed(UUID id, ProbeOutcome outcome, Duration took) {
      told.add("probed " + outcome + " " + took.toMillis());
    }
  }

  /** A client that waits. It remembers what it was told. */
  static final class Client implements TunnelRegistry.Waiter {
    private @Nullable Tunnel offered;
    Tunnel.@Nullable End dismissed;

    /** Returns the tunnel that it was offered. */
    Tunnel offer() {
      Tunnel tunnel = offered;
      if (tunnel == null) {
        throw new AssertionError("no tunnel was offered");
      }
      return tunnel;
    }

    boolean wasOffered() {
      return offered != null;
    }

    @Override
    public void offered(Tunnel tunnel) {
      assertThat(offered).as("a client is offered one tunnel").isNull();
      offered = tunnel;
    }

    @Override
    public void dismissed(Tunnel.End why) {
      dismissed = why;
    }
  }

  long now() {
    return now;
  }

  /** Lets time pass, and has the registry do what is due. */
  void pass(Duration time) {
    now += time.toNanos();
    registry.sweep(now);
  }

  /** Lets time pass, but nobody looks. */
  void passUnnoticed(Duration time) {
    now += time.toNanos();
  }

  static Entry entry(UUID id) {
    return Entry.create(id, List.of(), 8, Instant.EPOCH, List.of());
  }

  FakeConnection connection() {
    return connection(loop, "192.0.2.1");
  }

  FakeConnection connection(FakeConnection.Loop on, String address) {
    return new FakeConnection("c" + ++count, on, address);
  }

  /** Parks a tunnel whose hidden server is not probed. */
  FakeConnection park() {
    FakeConnection connection = connection();
    connection.canBeProbed = false;
    return park(connection);
  }

  FakeConnection park(FakeConnection connection) {
    return park(ID, connection, now);
  }

  FakeConnection park(UUID id, FakeConnection connection, long knownAt) {
    registry.park(entry(id), "", FROM, connection, knownAt);
    return connection;
  }

  FakeConnection parkFor(String label) {
    FakeConnection connection = connection();
    connection.canBeProbed = false;
    registry.park(entry(ID), label, FROM, connection, now);
    return connection;
  }

  /** Parks a tunnel whose hidden server has proven that it answers probes. */
  FakeConnection parkAnswering() {
    FakeConnection connection = park(connection());
    loop.run();
    if (connection.events().contains("probed")) {
      connection.answer();
    }
    return connection;
  }

  TunnelRegistry.Match take(Client client) {
    TunnelRegistry.Match match = registry.take(ID, loop, client);
    loop.run();
    otherLoop.run();
    return match;
  }

  TunnelRegistry.Match take() {
    return take(new Client());
  }

  /** Takes a tunnel that has to be there. */
  Tunnel taken() {
    TunnelRegistry.Match match = take();
    assertThat(match).isInstanceOf(TunnelRegistry.Match.Taken.class);
    return ((TunnelRegistry.Match.Taken) match).tunnel();
  }

  void assertCounts(int parked, int paired, int waiting) {
    assertThat(registry.counts(ID)).isEqualTo(new Presence.Counts(parked, paired, waiting, false));
    int online = parked + paired > 0 ? 1 : 0;
    assertThat(registry.totals()).isEqualTo(new Presence.Totals(online, parked, paired, waiting));
  }
}
