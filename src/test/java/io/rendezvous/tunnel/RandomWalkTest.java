package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Long random walks. After each step the counts are those of a recount, no tunnel is held twice, no
 * client is told twice, and nobody waits while a tunnel could be had.
 */
class RandomWalkTest {
  private static final int STEPS = 25_000;
  private static final int IDS = 3;

  private Random random = new Random();
  private World world = new World(TestRegistry.LIMITS);

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void walk(long seed) {
    walk(seed, new World(TestRegistry.limits(4, 100, 3)));
  }

  /** Probes that are sent sooner than tests come to their end meet in more ways. */
  @ParameterizedTest
  @ValueSource(longs = {4, 5})
  void walkWithHastyProbes(long seed) {
    walk(seed, new World(TestRegistry.limits(Duration.ofSeconds(5), Duration.ofMillis(500))));
  }

  private void walk(long seed, World through) {
    random = new Random(seed);
    world = through;
    for (int step = 0; step < STEPS; step++) {
      step();
      world.assertCounted();
      if (step % 8 == 0) {
        world.run();
        world.assertCounted();
        world.assertNobodyWaitsInVain();
        world.forgetWhatIsOver();
      }
    }
    world.clients.forEach(World.Client::end);
    world.registry.drain();
    world.run();
    world.pass(Duration.ofMinutes(1));
    world.sweep();
    assertThat(world.registry.totals()).isEqualTo(new Presence.Totals(0, 0, 0, 0));
    assertThat(world.registry.counts()).isEmpty();
  }

  private void step() {
    UUID id = new UUID(0, random.nextInt(IDS));
    switch (random.nextInt(16)) {
      case 0, 1, 2 -> park(id);
      case 3, 4, 5 -> world.take(id);
      case 6, 7 -> one(world.clients, World.Client::holds, World.Client::end);
      case 8 -> one(world.clients, World.Client::holds, World.Client::putBack);
      case 9 -> one(world.clients, client -> true, World.Client::stopWaiting);
      case 10 -> one(world.parked(), c -> true, c -> c.end(Tunnel.End.RESET));
      case 11 -> one(world.parked(), FakeConnection::awaitsAnswer, FakeConnection::answer);
      case 12 -> one(world.parked(), FakeConnection::awaitsAnswer, FakeConnection::answerUnread);
      case 13 -> world.run();
      case 14 -> world.pass(Duration.ofMillis(random.nextInt(3_000)));
      default -> seldom(id);
    }
  }

  private void park(UUID id) {
    FakeConnection connection =
        world.connection(random.nextBoolean(), "192.0.2." + random.nextInt(3));
    world.park(id, random.nextInt(4) == 0 ? connection.withoutProbes() : connection);
  }

  private void seldom(UUID id) {
    switch (random.nextInt(12)) {
      case 0 -> world.revoke(id);
      case 1 -> world.registry.replace(id);
      case 2 -> world.registry.announce(id);
      case 3 -> one(world.parked(), c -> true, c -> c.endUnread(Tunnel.End.CLOSED));
      case 4 -> world.pass(Duration.ofMinutes(random.nextInt(12)));
      default -> world.sweep();
    }
  }

  /** Does something with one of those that fit, if there are any. */
  private <T> void one(List<T> all, Predicate<T> fits, Consumer<T> what) {
    List<T> fitting = all.stream().filter(fits).toList();
    if (!fitting.isEmpty()) {
      what.accept(fitting.get(random.nextInt(fitting.size())));
    }
  }
}
