package io.rendezvous.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.entry.Authenticator;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.KnownSources;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.net.ConnectionGroup;
import io.rendezvous.net.ConnectionLimiter;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import io.rendezvous.testing.HookedStore;
import io.rendezvous.testing.Peer;
import io.rendezvous.tunnel.TunnelListener;
import io.rendezvous.tunnel.TunnelRegistry;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ParkingTest {
  private static final Instant NOW = Instant.parse("2026-01-31T12:00:00Z");

  private final Entry old = Entry.create(UUID.randomUUID(), List.of(), 6, NOW, List.of());

  @Test
  void hiddenServerOf2013MakesRoomForNobodyOnceItsTokenWasAccepted() throws Exception {
    ConnectionLimiter limiter = new ConnectionLimiter(new Listener.Limits(10, 10));
    CompletableFuture<Integer> unidentified = new CompletableFuture<>();
    try (Network network = new Network("test-parking", 1)) {
      Parking parking = parking(network);
      Listener listener =
          network.listen(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
              null,
              new ConnectionGroup(limiter),
              conn -> {
                parking.park(parking.permit(old), conn, ProblemResponse.parked(NOW));
                unidentified.complete(limiter.unidentified()); // long before it is parked
              });
      try (Peer peer = Peer.to(listener.address().getPort()).plain()) {
        assertThat(peer.readHead()).startsWith("HTTP/1.1 200");
        assertThat(unidentified.get(60, TimeUnit.SECONDS)).isZero();
      }
    }
  }

  private static Parking parking(Network network) {
    Authenticator authenticator =
        new Authenticator(new HookedStore(), () -> NOW, KnownSources.inMemory(), 10, 100);
    TunnelRegistry registry =
        new TunnelRegistry(
            new TunnelRegistry.Limits(
                8, 10, 10, Duration.ZERO, Duration.ofMinutes(10), TunnelRegistry.NO_PROBE),
            TunnelListener.all(List.of()),
            System::nanoTime);
    return new Parking(
        new TokenCheck(network, authenticator, entry -> {}), registry, System::nanoTime);
  }
}
