package io.rendezvous.protocol.taas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.entry.Entry;
import io.rendezvous.testing.FreePort;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import io.rendezvous.tls.ClientHelloTest;
import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Ports and connections end when an entry is deleted, or the broker stops. */
class EndTest {
  private TaasBroker taas;
  private Entry entry;
  private int fixed;

  @BeforeEach
  void start() throws Exception {
    taas = new TaasBroker();
    fixed = FreePort.find();
    entry = taas.broker().addLabelled("cabin", "cabin:" + fixed);
  }

  @AfterEach
  void stop() throws Exception {
    taas.close();
  }

  private static void assertClosed(int port) {
    assertThatThrownBy(() -> Peer.to(port).plain().close()).isInstanceOf(ConnectException.class);
  }

  private static void assertEnds(Peer peer) {
    assertThat(Octets.untilItBreaks(peer.in())).isEmpty();
  }

  private Peer pairedWith(Peer parked, int port) throws Exception {
    Peer client = Peer.to(port).plain();
    client.send(ClientHelloTest.of("cabin.servers.example"));
    assertThat(parked.in().read()).isEqualTo(22);
    return client;
  }

  @Test
  void deletedEntryHasNoPortsAndNoConnections() throws Exception {
    try (Peer first = taas.park(entry, "cabin");
        Peer client = pairedWith(first, taas.redirected("cabin"));
        Peer second = taas.park(entry, "cabin");
        Peer third = taas.park(entry, "cabin:" + fixed);
        Peer other = taas.park();
        Peer silent = Peer.to(taas.redirected("cabin")).plain()) {
      int p = taas.register(entry, "cabin");
      int q = taas.redirected("cabin");
      taas.awaitPorts(3);
      taas.broker().store().delete(entry.id());
      Awaitility.await().until(() -> taas.broker().broker().portsInUse() == 0);
      assertClosed(p);
      assertClosed(q);
      assertClosed(fixed);
      for (Peer ended : new Peer[] {client, second, third, silent}) {
        assertEnds(ended);
      }
      Octets.untilItBreaks(first.in()); // it has received the client's first bytes before
      assertThat(other.hearsNothing()).isTrue();
      assertThat(taas.ask(entry, "PUT", "/register/cabin")).startsWith("HTTP/1.1 400 ");
    }
  }

  @Test
  void portRegisteredBeforeTheDeletionParksNothing() throws Exception {
    int p = taas.register(entry, "cabin");
    taas.broker().store().delete(entry.id());
    try (Peer late = Peer.to(p).plain()) {
      assertEnds(late);
    } catch (IOException e) {
      // Or the port is closed already.
    }
    assertThat(taas.broker().broker().connected().totals().parked()).isZero();
    taas.awaitPorts(0);
  }

  @Test
  void relaysMayFinishWhileTheBrokerDrains() throws Exception {
    try (Peer first = taas.park(entry, "cabin")) {
      int q = taas.redirected("cabin");
      drainWhileRelaying(first, q);
    }
  }

  private void drainWhileRelaying(Peer first, int q) throws Exception {
    try (Peer client = pairedWith(first, q);
        Peer parked = taas.park(entry, "cabin:" + fixed);
        Peer silent = Peer.to(q).plain()) {
      int p = taas.register(entry, "cabin");
      taas.awaitPorts(3);
      CompletableFuture<Boolean> drained =
          Octets.beside(
              () -> {
                taas.broker().broker().drain(Duration.ofSeconds(20));
                return true;
              });
      assertEnds(parked);
      assertEnds(silent);
      Awaitility.await().until(() -> taas.broker().broker().portsInUse() == 0);
      assertClosed(p);
      assertClosed(q);
      assertClosed(fixed);
      first.send("whole").end();
      assertThat(client.readAll()).isEqualTo("whole");
      client.end();
      assertThat(drained.get()).isTrue();
      assertThat(taas.broker().broker().connections()).isZero();
    }
  }

  @Test
  void nothingIsLeftOpenWhenTheBrokerIsClosed() throws Exception {
    TaasBroker brief = new TaasBroker();
    int p = brief.register(brief.entry(), "home");
    try (Peer parked = brief.park()) {
      brief.close();
      assertEnds(parked);
      assertClosed(p);
    }
  }
}
