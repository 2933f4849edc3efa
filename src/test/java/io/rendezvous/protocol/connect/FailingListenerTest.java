package io.rendezvous.protocol.connect;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.NothingUncaught;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import io.rendezvous.tunnel.Refusal;
import io.rendezvous.tunnel.Rendezvous;
import io.rendezvous.tunnel.Tunnel;
import io.rendezvous.tunnel.TunnelListener;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A listener that throws whatever it is told stops nothing. */
class FailingListenerTest {
  private static final class Failing implements TunnelListener {
    private static void fail() {
      throw new IllegalStateException(NothingUncaught.EXPECTED);
    }

    @Override
    public void parked(UUID id, InetSocketAddress from) {
      fail();
    }

    @Override
    public void ended(UUID id, Tunnel.End why) {
      fail();
    }

    @Override
    public void absent(UUID id) {
      fail();
    }

    @Override
    public void paired(Rendezvous rendezvous) {
      fail();
    }

    @Override
    public void reached(Rendezvous rendezvous) {
      fail();
    }

    @Override
    public void over(Rendezvous rendezvous) {
      fail();
    }

    @Override
    public void refused(Refusal refusal) {
      fail();
    }
  }

  @Test
  void requestsAreServedAndNothingIsLeft() throws Exception {
    try (TestBroker broker =
        TestBroker.startObserved(null, new TestBroker.SteppedClock(), List.of(new Failing()))) {
      try (Peer tunnel = broker.park();
          Peer client = broker.connect()) {
        client.send(broker.get(broker.entry(), "/"));
        assertThat(tunnel.readHead()).startsWith("GET / ");
        tunnel.send("HTTP/1.1 204 No Content\r\n\r\n").end();
        assertThat(client.readAll()).startsWith("HTTP/1.1 204 ");
      }
      Awaitility.await().until(() -> broker.broker().paired() == 0);
      Awaitility.await().until(() -> broker.broker().connections() == 0);
      try (Peer client = broker.connect()) {
        String answer = client.send(broker.get(broker.addEntry(), "/")).readResponse();
        assertThat(answer).startsWith("HTTP/1.1 404 ");
      }
    }
  }
}
