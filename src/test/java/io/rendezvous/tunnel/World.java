package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A registry with hidden servers and clients that behave as real ones do, and a record of where
 * each tunnel and client is. The registry's counts are compared with a recount of that record.
 *
 * <p>Each moment at which the registry holds no lock, and another thread could come in, calls a
 * hook: each reading of the clock, and each call of a connection, a client or the listener.
 */
final class World {
  /** Where a tunnel is. */
  private enum Place {
    /** On its I/O thread, which is about to park it. */
    COMING,
    PARKED,
    HELD,
    GIVEN_BACK,
    GONE
  }

  /** A tunnel, as the test sees it. */
  private static final class Item {
    final UUID id;
    final FakeConnection connection;
    Place place = Place.COMING;
    boolean revoked;

    Item(UUID id, FakeConnection connection) {
      this.id = id;
      this.connection = connection;
    }

    /** Records that it is parked, unless it went on to a client at once. */
    void arrive(Place from) {
      if (place == from) {
        place = Place.PARKED;
      }
    }

    boolean is(Place where) {
      return place == where && (where != Place.PARKED || connection.isOpen());
    }
  }

  /** A client that tells the registry how it uses its tunnel, as a relay does. */
  final class Client implements Waiter {
    final UUID id;
    private boolean waits;
    private int calls;
    private @Nullable Tunnel tunnel;

    Client(UUID id) {
      this.id = id;
    }

    @Override
    public void offered(Tunnel offer) {
      moment.run();
      assertThat(++calls).isEqualTo(1);
      hold(offer);
    }

    @Override
    public void dismissed(Tunnel.End why) {
      moment.run();
      assertThat(++calls).isEqualTo(1);
      waits = false;
    }

    private void hold(Tunnel taken) {
      waits = false;
      tunnel = taken;
      Item item = item(taken);
      assertThat(item.place).as("place of %s", taken).isNotIn(Place.HELD, Place.GONE);
      item.place = Place.HELD;
      registry.paired(taken, this::end);
    }

    /** Ends the relay. */
    void end() {
      Tunnel held = tunnel;
      if (held != null) {
        tunnel = null;
        item(held).place = Place.GONE;
        item(held).connection.close();
        registry.over(held);
      }
    }

    /** Gives the tunnel back that it was offered. */
    void putBack() {
      Tunnel held = tunnel;
      if (held != null) {
        tunnel = null;
        Item item = item(held);
        item.place = Place.GIVEN_BACK;
        registry.putBack(held);
        item.connection.execute(() -> item.arrive(Place.GIVEN_BACK));
      }
    }

    void stopWaiting() {
      if (registry.stopWaiting(id, this)) {
        assertThat(calls).isZero();
        waits = false;
      }
    }

    boolean holds() {
      return tunnel != null;
    }

    boolean isOver() {
      return !waits && tunnel == null;
    }
  }

  final TunnelRegistry registry;
  final List<Client> clients = new ArrayList<>();
  private final List<Item> items = new ArrayList<>();
  private final FakeEventLoop loop = new FakeEventLoop(this::quietNow);
  private final FakeEventLoop otherLoop = new FakeEventLoop(this::quietNow);
  private final TunnelRegistry.Limits limits;
  private Runnable moment = () -> {};
  private long now = 1_000_000_000_000L;
  private int number;

  World(TunnelRegistry.Limits limits) {
    this.limits = limits;
    this.registry = new TunnelRegistry(limits, new Told(), this::now);
  }

  private final class Told implements TunnelListener {
    @Override
    public void parked(UUID id, InetSocketAddress from) {
      moment.run();
    }

    @Override
    public void ended(UUID id, Tunnel.End why) {
      moment.run();
    }

    @Override
    public void probed(UUID id, ProbeOutcome outcome, Duration took) {
      moment.run();
    }
  }

  /** Sets what runs at each moment at which another thread could come in. */
  void atEachMoment(Runnable hook) {
    moment = hook;
  }

  private long now() {
    moment.run();
    return ++now; // so that of two events one is the earlier one
  }

  private Item item(Tunnel tunnel) {
    return items.stream()
        .filter(item -> item.connection == tunnel.connection())
        .findFirst()
        .orElseThrow();
  }

  // What happens in the world.

  /** Returns the time, at which no other thread comes in. */
  long quietNow() {
    return now;
  }

  void pass(Duration time) {
    now += time.toNanos();
  }

  void sweep() {
    registry.sweep(now);
  }

  /** Runs the event loops. */
  void run() {
    FakeEventLoop.runAll(loop, otherLoop);
  }

  FakeConnection connection(boolean near, String address) {
    return new FakeConnection("c" + ++number, near ? loop : otherLoop, address, () -> moment.run());
  }

  FakeConnection park(UUID id) {
    return park(id, connection(true, "192.0.2.1"));
  }

  FakeConnection park(UUID id, FakeConnection connection) {
    return park(id, connection, now);
  }

  FakeConnection park(UUID id, FakeConnection connection, long knownAt) {
    Item item = new Item(id, connection);
    items.add(item);
    registry.park(TestRegistry.entry(id), "", TestRegistry.ASKED_FROM, connection, knownAt);
    item.arrive(Place.COMING);
    return connection;
  }

  /** Has a client take a tunnel of that ID, or wait for one. */
  Client take(UUID id) {
    Client client = new Client(id);
    clients.add(client);
    client.waits = true;
    Match match = registry.take(id, loop, client);
    if (match instanceof Match.Taken taken) {
      client.hold(taken.tunnel());
    } else if (!(match instanceof Match.Waiting)) {
      client.waits = false;
    }
    return client;
  }

  void revoke(UUID id) {
    for (Item item : items) {
      item.revoked |= item.id.equals(id);
    }
    registry.revoke(id);
  }

  /** Returns the connections of that ID that exist now. */
  List<FakeConnection> connections(UUID id) {
    return items.stream().filter(item -> item.id.equals(id)).map(i -> i.connection).toList();
  }

  /** Returns the connection that was created last. */
  FakeConnection latest() {
    return items.get(items.size() - 1).connection;
  }

  /** Returns the connections that are parked. */
  List<FakeConnection> parked() {
    return items.stream().filter(i -> i.is(Place.PARKED)).map(i -> i.connection).toList();
  }

  /** Forgets what is over, so that a long walk does not become slow. */
  void forgetWhatIsOver() {
    items.removeIf(item -> item.is(Place.GONE) || !item.connection.isOpen() && !isInUse(item));
    clients.removeIf(Client::isOver);
  }

  private static boolean isInUse(Item item) {
    return item.is(Place.HELD) || item.is(Place.GIVEN_BACK);
  }

  // The recount.

  /** Compares the registry's counts with a recount. */
  void assertCounted() {
    Set<UUID> ids = new HashSet<>();
    items.forEach(item -> ids.add(item.id));
    clients.forEach(client -> ids.add(client.id));
    int online = 0;
    int parked = 0;
    int paired = 0;
    int waiting = 0;
    for (UUID id : ids) {
      Presence.Counts counts = recount(id);
      assertThat(registry.counts(id)).as("counts of %s", id).isEqualTo(counts);
      online += counts.isOnline() ? 1 : 0;
      parked += counts.parked();
      paired += counts.paired();
      waiting += counts.waiting();
    }
    assertThat(registry.totals()).isEqualTo(new Presence.Totals(online, parked, paired, waiting));
  }

  private Presence.Counts recount(UUID id) {
    int parked = 0;
    int paired = 0;
    int waiting = 0;
    for (Item item : items) {
      if (item.id.equals(id)) {
        parked += item.is(Place.PARKED) ? 1 : 0;
        paired += item.is(Place.HELD) || item.is(Place.GIVEN_BACK) && !item.revoked ? 1 : 0;
      }
    }
    for (Client client : clients) {
      waiting += client.waits && client.id.equals(id) ? 1 : 0;
    }
    assertThat(parked).as("parked of %s", id).isLessThanOrEqualTo(limits.perId());
    return new Presence.Counts(parked, paired, waiting, false);
  }

  /**
   * Asserts that a client that waits does so for a reason: a tunnel is being probed for it, or none
   * is parked. Holds once the event loops have run.
   */
  void assertNobodyWaitsInVain() {
    for (UUID id : clients.stream().map(client -> client.id).distinct().toList()) {
      long waiting = clients.stream().filter(c -> c.waits && c.id.equals(id)).count();
      List<FakeConnection> parked =
          items.stream()
              .filter(item -> item.id.equals(id) && item.is(Place.PARKED))
              .map(item -> item.connection)
              .toList();
      long probed = parked.stream().filter(FakeConnection::isProbed).count();
      assertThat(probed)
          .as("probes for %s waiting clients among %s tunnels", waiting, parked)
          .isGreaterThanOrEqualTo(Math.min(waiting, parked.size()));
    }
  }
}
