package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ObjLongConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two operations on one ID at once. The second runs, on a thread of its own, at each moment of the
 * first at which the registry holds no lock. Were a lock held, the second would never come to its
 * end.
 */
class InterleavingTest {
  private static final UUID ID = TestRegistry.ID;
  private static final Duration PROBE = Duration.ofSeconds(10);
  private static final TunnelRegistry.Limits LIMITS =
      new TunnelRegistry.Limits(2, 100, 2, Duration.ofSeconds(5), Duration.ofMinutes(10), PROBE);

  /** The second operation. It does what it can in any world, in which the first has begun. */
  private record Second(String name, ObjLongConsumer<World> run) {
    Second(String name, Consumer<World> run) {
      this(name, (world, begun) -> run.accept(world));
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** The first operation, prepared by what has happened before. */
  private record First(String name, Function<World, Runnable> prepare) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static FakeConnection answering(World world) {
    FakeConnection connection = world.park(ID);
    world.run();
    if (connection.isProbed()) {
      connection.answer();
    }
    return connection;
  }

  private static World.Client waiting(World world) {
    world.registry.announce(ID);
    return world.take(ID);
  }

  /** Returns a client for which the freshest of two tunnels is being probed. */
  private static World.Client probing(World world) {
    answering(world);
    answering(world);
    world.pass(PROBE);
    World.Client client = world.take(ID);
    world.run();
    return client;
  }

  private static FakeConnection probed(World world) {
    return world.parked().stream().filter(FakeConnection::isProbed).findFirst().orElseThrow();
  }

  private static List<First> firsts() {
    return List.of(
        new First("announce", world -> () -> world.registry.announce(ID)),
        new First("park", world -> () -> world.park(ID)),
        new First(
            "park for a client",
            world -> {
              waiting(world);
              return () -> world.park(ID);
            }),
        new First(
            "park in place of the oldest",
            world -> {
              world.park(ID);
              world.park(ID);
              return () -> world.park(ID);
            }),
        new First(
            "take",
            world -> {
              world.park(ID);
              return () -> world.take(ID);
            }),
        new First(
            "take after a probe",
            world -> {
              answering(world);
              world.pass(PROBE);
              return () -> world.take(ID);
            }),
        new First("wait", world -> () -> waiting(world)),
        new First(
            "put back",
            world -> {
              world.park(ID);
              World.Client client = world.take(ID);
              return client::putBack;
            }),
        new First(
            "put back for the next",
            world -> {
              world.park(ID);
              World.Client client = world.take(ID);
              waiting(world);
              return client::putBack;
            }),
        new First(
            "end a relay",
            world -> {
              world.park(ID);
              World.Client client = world.take(ID);
              return client::end;
            }),
        new First(
            "answer to a probe",
            world -> {
              probing(world);
              return () -> probed(world).answer();
            }),
        new First(
            "silence after a probe",
            world -> {
              probing(world);
              world.pass(Duration.ofSeconds(2));
              return world::run;
            }),
        new First(
            "silence after a test",
            world -> {
              world.park(ID);
              world.run();
              world.pass(Duration.ofSeconds(2));
              return world::run;
            }),
        new First(
            "end of a tunnel",
            world -> {
              FakeConnection connection = world.park(ID);
              return () -> connection.end(Tunnel.End.RESET);
            }),
        new First(
            "end of a probed tunnel",
            world -> {
              probing(world);
              return () -> probed(world).end(Tunnel.End.RESET);
            }),
        new First(
            "retire",
            world -> {
              world.park(ID);
              world.park(ID);
              world.pass(Duration.ofMinutes(11));
              return world::sweep;
            }),
        new First("revoke", world -> filled(world, () -> world.revoke(ID))),
        new First(
            "replace",
            world -> {
              world.park(ID);
              world.park(ID);
              return () -> world.registry.replace(ID);
            }),
        new First("drain", world -> filled(world, () -> world.registry.drain())));
  }

  /** Has a client hold a tunnel, two tunnels parked, and a client wait for a probe. */
  private static Runnable filled(World world, Runnable run) {
    world.park(ID);
    world.take(ID);
    probing(world);
    return run;
  }

  private static List<Second> seconds() {
    return List.of(
        new Second("announce", world -> world.registry.announce(ID)),
        new Second("park", world -> world.park(ID)),
        new Second("park late", InterleavingTest::parkLate),
        new Second("take", world -> world.take(ID)),
        new Second("wait", InterleavingTest::waiting),
        new Second("stop waiting", world -> world.clients.forEach(World.Client::stopWaiting)),
        new Second("end relays", world -> world.clients.forEach(World.Client::end)),
        new Second("put back", world -> world.clients.forEach(World.Client::putBack)),
        new Second("end tunnels", world -> world.parked().forEach(c -> c.end(Tunnel.End.CLOSED))),
        new Second("forget", InterleavingTest::forget),
        new Second("revoke", world -> world.revoke(ID)),
        new Second("replace", world -> world.registry.replace(ID)),
        new Second("drain", world -> world.registry.drain()));
  }

  /** Parks a tunnel whose entry was looked up before the first operation. */
  private static void parkLate(World world, long begun) {
    world.park(ID, world.connection(true, "192.0.2.1"), begun);
  }

  /** Lets so much time pass for a sweep that an ID without tunnels is forgotten. */
  private static void forget(World world) {
    world.pass(Duration.ofSeconds(6));
    world.sweep();
  }

  static Stream<Arguments> pairs() {
    return firsts().stream()
        .flatMap(first -> seconds().stream().map(second -> Arguments.of(first, second)));
  }

  @ParameterizedTest(name = "{1} within {0}")
  @MethodSource("pairs")
  void secondOperationComesInAtEachMomentOfTheFirst(First first, Second second) {
    int moments = moments(first);
    assertThat(moments).isPositive();
    for (int moment = 1; moment <= moments; moment++) {
      World world = new World(LIMITS);
      Runnable run = first.prepare().apply(world);
      List<FakeConnection> known = new ArrayList<>(world.connections(ID));
      long begun = world.quietNow();
      int[] count = {0};
      int at = moment;
      world.atEachMoment(
          () -> {
            if (++count[0] == at) {
              world.atEachMoment(() -> {});
              besides(() -> second.run().accept(world, begun));
            }
          });
      run.run();
      world.atEachMoment(() -> {});
      world.assertCounted();
      world.run();
      world.assertCounted();
      world.assertNobodyWaitsInVain();
      if (second.name().equals("park late")) {
        known.add(world.latest());
      }
      assertLasting(first.name(), world, known);
      assertLasting(second.name(), world, known);
      assertEmptyInTheEnd(world);
    }
  }

  @Test
  void tunnelFindsAPoolThoughOneAfterTheOtherIsForgotten() {
    World world = new World(LIMITS);
    int[] count = {0};
    world.atEachMoment(
        () -> {
          if (++count[0] <= 9) {
            world.registry.sweep(world.quietNow() + Duration.ofMinutes(1).toNanos());
          }
        });
    world.registry.announce(ID);
    assertThat(count[0]).isGreaterThan(9);
    assertThat(world.registry.isConnected(ID)).isTrue();
    count[0] = 0;
    FakeConnection connection = world.park(ID);
    assertThat(count[0]).isGreaterThan(9);
    world.assertCounted();
    assertThat(world.parked()).containsExactly(connection);
  }

  private static int moments(First first) {
    World world = new World(LIMITS);
    Runnable run = first.prepare().apply(world);
    int[] count = {0};
    world.atEachMoment(() -> count[0]++);
    run.run();
    return count[0];
  }

  private static void besides(Runnable run) {
    try {
      CompletableFuture.runAsync(run).get(60, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** Asserts what holds after an operation, whatever the other one was. */
  private static void assertLasting(String name, World world, List<FakeConnection> known) {
    switch (name) {
      case "revoke" -> assertThat(known).noneMatch(FakeConnection::isOpen);
      case "replace" -> assertThat(world.parked()).noneMatch(known::contains);
      case "drain" -> {
        assertThat(world.parked()).isEmpty();
        assertThat(world.registry.totals().waiting()).isZero();
      }
      default -> {}
    }
  }

  private static void assertEmptyInTheEnd(World world) {
    world.clients.forEach(World.Client::end);
    world.registry.drain();
    world.run();
    world.assertCounted();
    world.pass(Duration.ofMinutes(1));
    world.sweep();
    assertThat(world.registry.counts()).isEmpty();
    assertThat(world.registry.totals()).isEqualTo(new Presence.Totals(0, 0, 0, 0));
    assertThat(world.parked()).isEmpty();
  }
}
