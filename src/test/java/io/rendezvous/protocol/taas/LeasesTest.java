package io.rendezvous.protocol.taas;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Peer;
import io.rendezvous.testing.Soak;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Ports are given back, however many have been leased. */
class LeasesTest {
  private static final int MANY = Soak.repetitions(10_000);

  /** Starts a broker without TLS, which does not matter here. */
  private static TaasBroker plain() throws Exception {
    return new TaasBroker("tls.enabled", "false");
  }

  @Test
  void thousandsOfRegistrationsLeaveNoPortInUse() throws Exception {
    try (TaasBroker taas = plain()) {
      for (int i = 0; i < MANY; i++) {
        int port = taas.register(taas.entry(), i % 3 == 0 ? "office" : "home");
        if (i % 2 == 0) {
          Peer.to(port).plain().close();
        }
      }
      taas.after(Duration.ofSeconds(31));
      taas.awaitPorts(0);
      taas.broker().awaitParked(0);
    }
  }

  @Test
  void thousandsOfRedirectsLeaveNoPortInUse() throws Exception {
    try (TaasBroker taas = plain();
        Peer parked = taas.park()) {
      for (int i = 0; i < MANY; i++) {
        String from = "127.0." + i % 2 + "." + (2 + i / 2 % 50);
        int port = TaasBroker.port(taas.get("home", "/" + i, taas.broker().dial().from(from)));
        if (i % 4 == 0) {
          Peer.to(port).from(from).plain().close();
        }
      }
      taas.after(Duration.ofSeconds(61));
      taas.awaitPorts(0);
      assertThat(parked.hearsNothing()).isTrue();
    }
  }
}
