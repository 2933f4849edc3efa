package io.rendezvous.protocol.taas;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.rendezvous.entry.ClientPassword;
import io.rendezvous.entry.Entry;
import io.rendezvous.testing.FreePort;
import io.rendezvous.testing.Octets;
import io.rendezvous.testing.Peer;
import java.io.IOException;
import java.net.ConnectException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Labels have a port of their own (protocol.md, 3). */
class FixedPortTest {
  private static final int MIB = 1024 * 1024;

  private TaasBroker taas;
  private Entry door;
  private String label;
  private int port;

  @BeforeEach
  void start() throws Exception {
    taas = new TaasBroker();
    port = FreePort.find();
    label = "door:" + port;
    door = taas.broker().addLabelled("Door:" + port);
  }

  @AfterEach
  void stop() throws Exception {
    taas.close();
  }

  /** Parks a connection, and waits until the port is open. */
  private Peer park() throws IOException {
    Peer parked = taas.park(door, label);
    awaitOpen();
    return parked;
  }

  /** Waits until the fixed port is the only one: the hidden server's own port counts, too. */
  private void awaitOpen() {
    Awaitility.await().until(() -> !isShut());
    taas.awaitPorts(1);
  }

  private boolean isShut() throws IOException {
    return isShut(port);
  }

  private static boolean isShut(int port) throws IOException {
    try {
      Peer.to(port).plain().close();
      return false;
    } catch (ConnectException e) {
      return true;
    }
  }

  @Test
  void portIsOpenWhileATunnelIsParked() throws Exception {
    assertThat(isShut()).isTrue();
    for (int i = 0; i < 5; i++) {
      try (Peer one = park();
          Peer other = taas.park(door, "DOOR%3a" + port)) {
        assertThat(isShut()).isFalse();
        one.end();
        taas.broker().awaitParked(1);
        assertThat(isShut()).isFalse();
        assertThat(other.hearsNothing()).isTrue();
      }
      taas.awaitPorts(0);
      assertThat(isShut()).isTrue();
    }
  }

  @Test
  void anySourceIsRelayedAtItsFirstByte() throws Exception {
    try (Peer parked = park();
        Peer client = Peer.to(port).from("127.0.0.9").plain()) {
      assertThat(parked.hearsNothing()).isTrue();
      assertThat(taas.broker().broker().connected().totals().parked()).isEqualTo(1);
      client.send("S");
      assertThat(parked.read(1)).isEqualTo("S");
      parked.send("SSH-2.0");
      assertThat(client.read(7)).isEqualTo("SSH-2.0");
      taas.awaitPorts(0);
      client.send("goes on");
      assertThat(parked.read(7)).isEqualTo("goes on");
      String from = "tcp 127.0.0.9 " + client.local().getPort();
      assertThat(taas.ask(door, "GET", "/pairings/" + label))
          .contains("\"initiator\":\"" + from + "\",\"pathname\":\"\"");
    }
  }

  private static String body(String answer) {
    return answer.substring(answer.indexOf("\r\n\r\n"));
  }

  @Test
  void labelIsRegisteredByItsNameAlone() throws Exception {
    try (Peer parked = taas.park(door, "Door")) {
      awaitOpen();
      try (Peer client = Peer.to(port).from("127.0.0.9").plain()) {
        client.send("S");
        assertThat(parked.read(1)).isEqualTo("S");
        String from = "tcp 127.0.0.9 " + client.local().getPort();
        assertThat(body(taas.ask(door, "GET", "/pairings/door")))
            .isEqualTo(body(taas.ask(door, "GET", "/pairings/" + label)))
            .contains("\"initiator\":\"" + from + "\",\"pathname\":\"\"");
      }
    }
  }

  @Test
  void nameOfAnotherEntrysLabelIsRefused() throws Exception {
    assertThat(taas.ask(taas.entry(), "PUT", "/register/door")).startsWith("HTTP/1.1 404 ");
    assertThat(taas.ask(taas.entry(), "GET", "/pairings/door")).startsWith("HTTP/1.1 404 ");
  }

  @Test
  void clientsOfTheHostNameAreRedirected() throws Exception {
    assertThat(taas.get("door", "/")).startsWith("HTTP/1.1 503 ");
    try (Peer parked = taas.park(door, "door")) {
      int redirected = taas.redirected("door");
      assertThat(redirected).isNotEqualTo(port);
      Peer.Dial dial = Peer.to(redirected).named("door." + TaasBroker.DOMAIN);
      try (TaasBroker.Pair pair = TaasBroker.meet(dial, parked)) {
        pair.client().send("x");
        assertThat(pair.server().read(1)).isEqualTo("x");
      }
      assertThat(taas.ask(door, "GET", "/pairings/door"))
          .contains("\"initiator\":\"https 127.0.0.1 ")
          .contains(" GET\",\"pathname\":\"/\"");
    }
  }

  @Test
  void uploadArrivesThoughTheHiddenServerIsSilent() throws Exception {
    try (Peer parked = park();
        Peer client = Peer.to(port).plain()) {
      client.send("x");
      assertThat(parked.read(1)).isEqualTo("x");
      parked.shutdownOutput();
      assertThat(client.in().read()).isEqualTo(-1);
      String sent = Octets.write(client.out(), 3 * MIB, 1);
      client.end();
      assertThat(Octets.read(parked.in(), 3 * MIB)).isEqualTo(sent);
      assertThat(parked.in().read()).isEqualTo(-1);
    }
  }

  @Test
  void silentClientIsClosed() throws Exception {
    try (Peer parked = park();
        Peer client = taas.broker().connectCounted(Peer.to(port))) {
      taas.afterUntil(Duration.ofSeconds(10), 1);
      assertThat(client.in().read()).isEqualTo(-1);
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void occupiedPortIsTriedAgain() throws Exception {
    ServerSocket taken = new ServerSocket(port);
    try (Peer parked = taas.park(door, label)) {
      taken.close();
      awaitOpen();
      try (Peer client = Peer.to(port).plain()) {
        client.send("x");
        assertThat(parked.read(1)).isEqualTo("x");
      }
    }
  }

  @Test
  void labelThatHasLeftItsEntryHasNoPort() throws Exception {
    try (Peer parked = park()) {
      taas.broker().store().change(door.id(), e -> e.with(List.of(), 6, e.flags()));
      Awaitility.await()
          .until(
              () -> {
                taas.get("home", "/"); // looking up a label refreshes the index
                return taas.broker().broker().portsInUse() == 0;
              });
      assertThat(isShut()).isTrue();
      assertThat(parked.hearsNothing()).isTrue();
    }
  }

  @Test
  void labelOfAnEntryThatGetsAPasswordHasNoPort() throws Exception {
    try (Peer parked = park()) {
      ClientPassword password = ClientPassword.of(door.id(), "rendezvous", "open sesame");
      taas.broker().store().change(door.id(), e -> e.withPassword(Optional.of(password)));
      taas.awaitPorts(0);
      assertThat(isShut()).isTrue();
      assertThat(parked.hearsNothing()).isTrue();
      taas.broker().store().change(door.id(), e -> e.withPassword(Optional.empty()));
      taas.broker().broker().sweep(System.nanoTime());
      awaitOpen();
    }
  }

  @Test
  void labelsWithAnInvalidPortHaveNone() throws Exception {
    ObjectNode json = (ObjectNode) new ObjectMapper().readTree(taas.entry().toJson());
    json.putArray("labels").add("a:b").add("c:").add("d:70000").add("e:0");
    taas.broker().putEntry(Entry.parse(json.toString()));
    for (String odd : List.of("a:b", "c:", "d:70000", "e:0")) {
      try (Peer parked = taas.park(taas.entry(), odd)) {
        taas.awaitPorts(0);
        assertThat(parked.hearsNothing()).isTrue();
      }
      taas.broker().awaitParked(0);
    }
  }

  @Test
  void fixedPortInTheRangeIsNotLeasedOtherwise() throws Exception {
    String range = FreePort.range(10);
    int within = Integer.parseInt(range.substring(0, range.indexOf('-'))) + 5;
    String inner = "inside:" + within;
    try (TaasBroker small = // each port is leased in turn
        new TaasBroker("taas.ports", range, "tunnels-per-id", "2")) {
      Entry inside = small.broker().addLabelled(inner);
      try (Peer parked = small.park(inside, inner)) {
        Awaitility.await().until(() -> !isShut(within));
        for (int i = 0; i < 20; i++) {
          assertThat(small.register(small.entry(), "home")).isNotEqualTo(within);
        }
        assertThat(parked.hearsNothing()).isTrue();
      }
    }
  }
}
