package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.Source;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Long random sequences of steps, and several threads at once: nothing is lost or held twice. */
class TunnelRegistryWalkTest {
  private static final int IDS = 3;

  /** A client of the walk, with what it was told. */
  private static final class Walker implements TunnelRegistry.Waiter {
    private final List<Tunnel> held;
    private int answers;

    Walker(List<Tunnel> held) {
      this.held = held;
    }

    @Override
    public void offered(Tunnel tunnel) {
      assertThat(++answers).isEqualTo(1);
      assertThat(held).doesNotContain(tunnel);
      held.add(tunnel);
    }

    @Override
    public void dismissed(Tunnel.End why) {
      assertThat(++answers).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void countsAreThoseOfARecount(long seed) {
    Random random = new Random(seed);
    Heart heart = new Heart();
    TunnelRegistry registry = heart.registry;
    List<FakeConnection> connections = new ArrayList<>();
    List<Tunnel> held = new ArrayList<>();
    Map<Walker, UUID> waiting = new HashMap<>();
    for (int step = 0; step < 20_000; step++) {
      UUID id = new UUID(0, random.nextInt(IDS));
      switch (random.nextInt(12)) {
        case 0, 1, 2 -> {
          FakeConnection connection =
              heart.connection(
                  random.nextBoolean() ? heart.loop : heart.otherLoop,
                  "192.0.2." + random.nextInt(3));
          connection.canBeProbed = random.nextBoolean();
          connections.add(heart.park(id, connection, heart.now()));
        }
        case 3, 4, 5 -> {
          Walker walker = new Walker(held);
          TunnelRegistry.Match match = registry.take(id, heart.loop, walker);
          if (match instanceof TunnelRegistry.Match.Taken taken) {
            assertThat(held).doesNotContain(taken.tunnel());
            held.add(taken.tunnel());
          } else if (match instanceof TunnelRegistry.Match.Waiting) {
            waiting.put(walker, id);
          }
        }
        case 6 -> {
          if (!held.isEmpty()) {
            Tunnel tunnel = held.remove(random.nextInt(held.size()));
            if (random.nextBoolean()) {
              registry.over(tunnel);
            } else {
              registry.putBack(tunnel);
            }
          }
        }
        case 7 -> {
          if (!connections.isEmpty()) {
            FakeConnection any = connections.get(random.nextInt(connections.size()));
            boolean isHeld = held.stream().anyMatch(tunnel -> tunnel.connection() == any);
            if (any.isOpen() && !isHeld) {
              any.end(Tunnel.End.RESET);
            }
          }
        }
        case 8 -> heart.pass(Duration.ofMillis(random.nextInt(4_000)));
        case 9 -> {
          if (!waiting.isEmpty()) {
            Walker any = waiting.keySet().iterator().next();
            UUID wanted = Objects.requireNonNull(waiting.remove(any));
            boolean wasWaiting = registry.stopWaiting(wanted, any);
            assertThat(wasWaiting && any.answers > 0).isFalse();
          }
        }
        case 10 -> {
          heart.loop.run();
          heart.otherLoop.run();
        }
        default -> {
          int what = random.nextInt(200);
          if (what == 0) {
            held.removeIf(tunnel -> tunnel.id().equals(id));
            registry.revoke(id);
          } else if (what < 3) {
            registry.replace(id);
          } else if (what < 50) {
            heart.loop.expire();
            heart.otherLoop.expire();
          }
        }
      }
      assertTotals(registry);
      if (connections.size() > 200) {
        connections.removeIf(connection -> !connection.isOpen());
      }
    }
    heart.loop.run();
    heart.otherLoop.run();
    held.forEach(registry::over);
    registry.drain();
    heart.loop.run();
    heart.otherLoop.run();
    heart.pass(Duration.ofMinutes(5));
    assertThat(registry.totals()).isEqualTo(new Presence.Totals(0, 0, 0, 0));
    assertThat(registry.counts()).isEmpty();
  }

  private static void assertTotals(TunnelRegistry registry) {
    int online = 0;
    int parked = 0;
    int paired = 0;
    int waiting = 0;
    for (Presence.Counts counts : registry.counts().values()) {
      online += counts.isOnline() ? 1 : 0;
      parked += counts.parked();
      paired += counts.paired();
      waiting += counts.waiting();
    }
    assertThat(registry.totals()).isEqualTo(new Presence.Totals(online, parked, paired, waiting));
  }

  /** A connection for several threads: whoever executes something does it at once. */
  private static final class Direct implements Connection {
    private static final Source SOURCE = Source.of(InetAddress.getLoopbackAddress());
    private volatile boolean open = true;

    @Override
    public Source source() {
      return SOURCE;
    }

    @Override
    public Object eventLoop() {
      return this;
    }

    @Override
    public boolean canBeProbed() {
      return false;
    }

    @Override
    public boolean isOpen() {
      return open;
    }

    @Override
    public void watch(Consumer<Tunnel.End> onEnded) {
      // it never ends by itself
    }

    @Override
    public void look() {}

    @Override
    public void probe(Runnable heard) {}

    @Override
    public void execute(Runnable task) {
      task.run();
    }

    @Override
    public void after(Duration delay, Runnable task) {}

    @Override
    public void dismiss() {
      open = false;
    }

    @Override
    public void abort() {
      open = false;
    }
  }

  @Test
  void threadsNeverHoldOneTunnelTwice() throws Exception {
    TunnelRegistry registry =
        new TunnelRegistry(Heart.LIMITS, new TunnelListener() {}, System::nanoTime);
    InetSocketAddress from = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
    Set<Tunnel> held = ConcurrentHashMap.newKeySet();
    AtomicReference<@Nullable String> wrong = new AtomicReference<>();
    AtomicInteger taken = new AtomicInteger();
    CountDownLatch go = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    for (int number = 0; number < 4; number++) {
      Random random = new Random(number);
      Thread thread =
          new Thread(
              () -> {
                try {
                  go.await();
                  for (int i = 0; i < 20_000; i++) {
                    UUID id = new UUID(0, random.nextInt(2));
                    if (random.nextInt(300) == 0) {
                      registry.revoke(id);
                    } else if (random.nextInt(100) == 0) {
                      registry.sweep(System.nanoTime() + Duration.ofSeconds(6).toNanos());
                    } else if (random.nextBoolean()) {
                      registry.park(Heart.entry(id), "", from, new Direct(), System.nanoTime());
                    } else {
                      Holder holder = new Holder(registry, held, wrong, taken);
                      if (registry.take(id, Thread.currentThread(), holder)
                          instanceof TunnelRegistry.Match.Taken match) {
                        holder.offered(match.tunnel());
                      }
                    }
                  }
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                } catch (RuntimeException | AssertionError e) {
                  wrong.set(e.toString());
                }
              });
      threads.add(thread);
      thread.start();
    }
    go.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(wrong.get()).isNull();
    assertThat(taken.get()).isPositive();
    registry.drain();
    registry.sweep(System.nanoTime() + Duration.ofMinutes(2).toNanos());
    Presence.Totals totals = registry.totals();
    assertThat(totals.parked()).isZero();
    assertThat(totals.waiting()).isZero();
    Set<UUID> left = new HashSet<>(registry.counts().keySet());
    left.forEach(registry::revoke);
    assertThat(registry.totals()).isEqualTo(new Presence.Totals(0, 0, 0, 0));
  }

  /** A waiting client that gives each tunnel up at once. */
  private record Holder(
      TunnelRegistry registry,
      Set<Tunnel> held,
      AtomicReference<@Nullable String> wrong,
      AtomicInteger taken)
      implements TunnelRegistry.Waiter {
    @Override
    public void offered(Tunnel tunnel) {
      if (!held.add(tunnel)) {
        wrong.set("held twice: " + tunnel);
      }
      taken.incrementAndGet();
      registry.paired(tunnel, () -> {});
      held.remove(tunnel);
      registry.over(tunnel);
    }

    @Override
    public void dismissed(Tunnel.End why) {
      // the wait is over
    }
  }
}
