package io.rendezvous.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.net.Source;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Several threads at once, for about half a second. */
class StressTest {
  private static final int THREADS = 4;
  private static final int IDS = 1;
  private static final int MAX_PARKING = 20;
  private static final Duration TIME = Duration.ofMillis(500);

  private final TunnelRegistry registry =
      new TunnelRegistry(
          TestRegistry.limits(Duration.ofMillis(2), Duration.ofNanos(20_000)),
          new TunnelListener() {},
          System::nanoTime);
  private final List<ExecutorService> loops =
      List.of(Executors.newSingleThreadExecutor(), Executors.newSingleThreadExecutor());
  private final Map<Tunnel, Client> held = new ConcurrentHashMap<>();
  private final Queue<Client> clients = new ConcurrentLinkedQueue<>();
  private final AtomicInteger parking = new AtomicInteger();
  private final AtomicInteger wrong = new AtomicInteger();
  private final AtomicInteger offers = new AtomicInteger();

  @AfterEach
  void stop() {
    loops.forEach(ExecutorService::shutdownNow);
  }

  /** A connection on a real thread. Its hidden server answers most probes, and lives shortly. */
  private static final class Connection implements io.rendezvous.tunnel.Connection {
    private static final Source SOURCE = Source.of(InetAddress.getLoopbackAddress());

    private final ExecutorService loop;
    private final boolean answers;
    private boolean open = true;
    private Consumer<Tunnel.End> ended = end -> {};

    Connection(ExecutorService loop, boolean answers) {
      this.loop = loop;
      this.answers = answers;
    }

    void end() {
      if (open) {
        open = false;
        ended.accept(Tunnel.End.RESET);
      }
    }

    @Override
    public Source source() {
      return SOURCE;
    }

    @Override
    public Object eventLoop() {
      return loop;
    }

    @Override
    public boolean canBeProbed() {
      return true;
    }

    @Override
    public boolean isOpen() {
      return open;
    }

    @Override
    public void watch(Consumer<Tunnel.End> onEnded) {
      ended = onEnded;
    }

    @Override
    public void look() {}

    @Override
    public void probe(Runnable heard) {
      if (answers) {
        execute(heard);
      }
    }

    @Override
    public void execute(Runnable task) {
      loop.execute(task);
    }

    @Override
    public void after(Duration delay, Runnable task) {
      execute(task); // no answer comes any later than it does now
    }

    @Override
    public void dismiss() {
      execute(() -> open = false);
    }

    @Override
    public void abort() {
      open = false;
    }
  }

  /** A client that may wait, and that uses its tunnel shortly or gives it back. */
  private final class Client implements Waiter {
    private final UUID id;
    private final boolean givesBack;
    private final AtomicInteger calls = new AtomicInteger();

    Client(UUID id, boolean givesBack) {
      this.id = id;
      this.givesBack = givesBack;
    }

    void take() {
      Match match = registry.take(id, loops.get(0), this);
      if (match instanceof Match.Taken taken) {
        offered(taken.tunnel());
      } else if (match instanceof Match.Waiting) {
        clients.add(this);
      } else {
        called();
      }
    }

    void stopWaiting() {
      if (registry.stopWaiting(id, this)) {
        called();
      }
    }

    private void called() {
      if (calls.incrementAndGet() != 1) {
        wrong.incrementAndGet();
      }
    }

    @Override
    public void offered(Tunnel tunnel) {
      called();
      offers.incrementAndGet();
      if (held.putIfAbsent(tunnel, this) != null) {
        wrong.incrementAndGet();
      }
      if (givesBack) {
        held.remove(tunnel);
        registry.putBack(tunnel);
      } else {
        registry.paired(tunnel, () -> end(tunnel));
      }
    }

    @Override
    public void dismissed(Tunnel.End why) {
      called();
    }

    void end(Tunnel tunnel) {
      if (held.remove(tunnel, this)) {
        registry.over(tunnel);
      }
    }
  }

  private void endRelays() {
    held.forEach((tunnel, client) -> client.end(tunnel));
  }

  private void work(Random random) {
    long until = System.nanoTime() + TIME.toNanos();
    // On a busy machine, the time may be over before the loops have parked anything.
    while (System.nanoTime() - until < 0 || offers.get() == 0) {
      UUID id = new UUID(0, random.nextInt(IDS));
      switch (random.nextInt(12)) {
        case 0, 1, 2, 3 -> park(id, random);
        case 4, 5, 6 -> new Client(id, random.nextInt(4) == 0).take();
        case 7, 8 -> endRelays();
        case 9 -> registry.announce(id);
        case 10 -> registry.sweep(System.nanoTime());
        default -> seldom(id, random.nextInt(20));
      }
      for (int i = random.nextInt(3); i > 0 && !clients.isEmpty(); i--) {
        Client client = clients.poll();
        if (client != null) {
          client.stopWaiting();
        }
      }
    }
  }

  private void park(UUID id, Random random) {
    if (parking.get() > MAX_PARKING) {
      return; // or each would be refused, because its ID was revoked before its turn
    }
    parking.incrementAndGet();
    ExecutorService loop = loops.get(random.nextInt(loops.size()));
    Connection connection = new Connection(loop, random.nextInt(10) > 0);
    boolean ends = random.nextInt(3) == 0;
    long knownAt = System.nanoTime();
    connection.execute(
        () -> {
          registry.park(TestRegistry.entry(id), "", TestRegistry.ASKED_FROM, connection, knownAt);
          parking.decrementAndGet();
          if (ends) {
            connection.execute(connection::end);
          }
        });
  }

  private void seldom(UUID id, int what) {
    switch (what) {
      case 0 -> registry.revoke(id);
      case 1 -> registry.replace(id);
      case 2 -> registry.sweep(System.nanoTime() + Duration.ofMinutes(20).toNanos());
      default -> registry.counts();
    }
  }

  @Test
  void noTunnelIsHeldTwiceAndTheTotalsComeToZero() throws Exception {
    ExecutorService workers = Executors.newFixedThreadPool(THREADS);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        Random random = new Random(i);
        all.add(workers.submit(() -> work(random)));
      }
      for (Future<?> each : all) {
        each.get();
      }
    } finally {
      workers.shutdownNow();
    }
    registry.drain();
    for (int i = 0; i < 10; i++) { // one loop may hand a task to the other
      for (ExecutorService loop : loops) {
        loop.submit(() -> {}).get(60, TimeUnit.SECONDS);
      }
    }
    endRelays();
    assertThat(wrong).hasValue(0);
    assertThat(offers).hasPositiveValue();
    assertThat(registry.totals()).isEqualTo(new Presence.Totals(0, 0, 0, 0));
    registry.sweep(System.nanoTime() + Duration.ofMinutes(1).toNanos());
    assertThat(registry.counts()).isEmpty();
  }
}
