package io.rendezvous.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.config.PortRange;
import io.rendezvous.net.ConnectionLimiter;
import io.rendezvous.net.Listener;
import io.rendezvous.net.Network;
import org.junit.jupiter.api.Test;

class PortLeasesTest {
  private static final int NO_PORT = 70_000;

  @Test
  void portThatIsNotAvailableIsNotLeased() throws Exception {
    try (Network network = new Network("test-ports", 1)) {
      PortLeases ports =
          new PortLeases(
              network,
              "127.0.0.1",
              new PortRange(22_400, 22_401),
              new ConnectionLimiter(new Listener.Limits(10, 10)));
      assertThatThrownBy(() -> ports.lease(NO_PORT, (conn, lease) -> conn.close()))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(ports.leased()).isZero();
    }
  }
}
