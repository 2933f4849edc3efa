package io.rendezvous.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Entry;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Relays;
import io.rendezvous.testing.Links;
import io.rendezvous.testing.NothingUncaught;
import io.rendezvous.tunnel.Match;
import io.rendezvous.tunnel.Rendezvous;
import io.rendezvous.tunnel.Tunnel;
import io.rendezvous.tunnel.TunnelListener;
import io.rendezvous.tunnel.TunnelRegistry;
import io.rendezvous.tunnel.Waiter;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What an error of this program leaves behind while a tunnel is parked, or is being paired. */
class MatchmakerTest {
  private final Entry entry =
      Entry.create(UUID.randomUUID(), List.of(), 8, Instant.EPOCH, List.of());
  private final Relays relays = new Relays(Duration.ofMinutes(1), Duration.ofMinutes(1));
  private final TunnelRegistry registry =
      new TunnelRegistry(
          new TunnelRegistry.Limits(
              8, 8, 8, Duration.ZERO, Duration.ofMinutes(1), TunnelRegistry.NO_PROBE),
          new TunnelListener() {},
          System::nanoTime);
  private Links links;
  private Conn near;
  private Conn far;
  private Socket client;
  private Socket hidden;

  @BeforeEach
  void start() throws Exception {
    links = new Links();
    Links.Link toNear = links.open();
    near = toNear.conn();
    client = toNear.peer();
    Links.Link toFar = links.open();
    far = toFar.conn();
    hidden = toFar.peer();
  }

  @AfterEach
  void stop() throws Exception {
    links.close();
  }

  /** Parks the far connection. */
  private void park() throws Exception {
    CompletableFuture<Boolean> parked = new CompletableFuture<>();
    far.execute(
        () -> {
          ParkedConnection connection = new ParkedConnection(far);
          registry.park(entry, "", far.peer(), connection, registry.now());
          parked.complete(true);
        });
    parked.get(60, TimeUnit.SECONDS);
  }

  /** Parks the far connection, and takes its tunnel. */
  private Tunnel taken() throws Exception {
    park();
    return ((Match.Taken) registry.take(entry.id(), near.eventLoop(), new NoWaiter())).tunnel();
  }

  private static final class NoWaiter implements Waiter {
    @Override
    public void offered(Tunnel tunnel) {
      throw new IllegalStateException();
    }

    @Override
    public void dismissed(Tunnel.End why) {
      throw new IllegalStateException();
    }
  }

  private void pair(TunnelListener listener) throws Exception {
    Matchmaker matchmaker =
        new Matchmaker(registry, relays, listener, InstantSource.system(), System::nanoTime);
    Tunnel tunnel = taken();
    near.execute(
        () ->
            matchmaker.pair(
                new Matchmaker.Client(near, registry.now(), 1),
                tunnel,
                ByteBuffer.wrap(new byte[] {1}),
                sent -> near.close()));
  }

  private void assertNothingIsLeft() {
    Awaitility.await().until(() -> relays.count() == 0 && !registry.isConnected(entry.id()));
    assertThat(registry.counts(entry.id()).paired()).isZero();
    assertThat(ended(client)).isTrue();
    assertThat(ended(hidden)).isTrue();
  }

  private static boolean ended(Socket socket) {
    try {
      return socket.getInputStream().readAllBytes().length <= 1;
    } catch (IOException reset) {
      return true;
    }
  }

  @Test
  void errorBeforeTheRelayLeavesNoPair() throws Exception {
    pair(
        new TunnelListener() {
          @Override
          public void paired(Rendezvous rendezvous) {
            throw new IllegalStateException(NothingUncaught.EXPECTED);
          }
        });
    assertNothingIsLeft();
  }

  @Test
  void errorAtTheBeginningOfTheRelayLeavesNoPair() throws Exception {
    pair(
        new TunnelListener() {
          @Override
          public void reached(Rendezvous rendezvous) {
            throw new IllegalStateException(NothingUncaught.EXPECTED);
          }
        });
    assertNothingIsLeft();
  }

  @Test
  void errorAtTheEndOfTheRelayLeavesNoPair() throws Exception {
    pair(
        new TunnelListener() {
          @Override
          public void over(Rendezvous rendezvous) {
            throw new IllegalStateException(NothingUncaught.EXPECTED);
          }
        });
    assertThat(hidden.getInputStream().read()).isEqualTo(1);
    client.close();
    hidden.close();
    Awaitility.await().until(() -> relays.count() == 0 && !registry.isConnected(entry.id()));
  }

  @Test
  void errorOnTheConnectionOfAParkedTunnelEndsIt() throws Exception {
    park();
    assertThat(registry.counts(entry.id()).parked()).isEqualTo(1);
    far.execute(
        () -> {
          throw new IllegalStateException(NothingUncaught.EXPECTED);
        });
    Awaitility.await().until(() -> registry.counts(entry.id()).parked() == 0);
    assertThat(ended(hidden)).isTrue();
  }

  @Test
  void tunnelThatIsDiscardedIsNoLongerCounted() throws Exception {
    Tunnel tunnel = taken();
    assertThat(registry.counts(entry.id()).paired()).isEqualTo(1);
    registry.discard(tunnel);
    assertThat(registry.counts(entry.id()).paired()).isZero();
    assertThat(ended(hidden)).isTrue();
  }
}
