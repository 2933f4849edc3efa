package io.rendezvous.http.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rendezvous.http.HeadEditor;
import io.rendezvous.http.Problem;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.ResponseHead;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.Relays;
import io.rendezvous.testing.Links;
import io.rendezvous.testing.Peer;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One HTTP relay between connections that a test has opened. */
class HttpRelayTest {
  private static final String GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  private static final String FAILED = "HTTP/1.1 502 x\r\nContent-Length: 0\r\n\r\n";

  private final Relays switched = new Relays(Duration.ofMinutes(1), Duration.ofMinutes(1));
  private Links links;

  @BeforeEach
  void open() throws Exception {
    links = new Links();
  }

  @AfterEach
  void close() throws Exception {
    links.close();
  }

  private HttpRelay relay(Conn near, Conn... servers) {
    HttpRelay relay =
        new HttpRelay(
            near,
            new Owner(new ArrayDeque<>(List.of(servers))),
            new HttpRelay.Context(InstantSource.system(), switched, new HttpTraffic()));
    near.execute(() -> relay.start(ByteBuffer.allocate(0)));
    return relay;
  }

  @Test
  void cutOffReachesAConnectionThatHasSwitchedProtocols() throws Exception {
    Links.Link near = links.open();
    Links.Link far = links.open();
    try (Peer client = Peer.of(near.peer());
        Peer server = Peer.of(far.peer())) {
      HttpRelay relay = relay(near.conn(), far.conn());
      client.send(GET.replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"));
      server.readHead();
      server.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n!");
      client.readHead();
      client.read(1);
      assertThat(switched.count()).isOne();
      relay.cutOff();
      assertThatThrownBy(() -> client.in().read()).isInstanceOf(SocketException.class);
      assertThatThrownBy(() -> server.in().read()).isInstanceOf(SocketException.class);
      Awaitility.await().until(() -> switched.count() == 0);
    }
  }

  @Test
  void requestThatFindsAClosedConnectionIsSentAgain() throws Exception {
    Links.Link near = links.open();
    Links.Link first = links.open();
    Links.Link second = links.open();
    try (Peer client = Peer.of(near.peer());
        Peer idle = Peer.of(first.peer());
        Peer next = Peer.of(second.peer())) {
      relay(near.conn(), first.conn(), second.conn());
      exchange(client, idle);
      client.send(GET);
      idle.readHead();
      idle.reset();
      assertThat(next.readHead()).isEqualTo(GET);
      next.send(OK);
      assertThat(client.readResponse()).isEqualTo(OK);
    }
  }

  @Test
  void requestOfAClientThatHasEndedIsNotSentTwice() throws Exception {
    Links.Link near = links.open();
    Links.Link first = links.open();
    Links.Link second = links.open();
    try (Peer client = Peer.of(near.peer());
        Peer server = Peer.of(first.peer());
        Peer next = Peer.of(second.peer())) {
      relay(near.conn(), first.conn(), second.conn());
      exchange(client, server);
      client.send(GET).shutdownOutput();
      server.readHead();
      assertThat(server.in().read()).isEqualTo(-1);
      server.end(); // since the client has left, as it thinks
      assertThat(client.readAll()).isEqualTo(FAILED);
      assertThat(next.hearsNothing()).isTrue();
    }
  }

  private static void exchange(Peer client, Peer server) throws IOException {
    client.send(GET);
    server.readHead();
    server.send(OK);
    assertThat(client.readResponse()).isEqualTo(OK);
  }

  /** Changes nothing, and connects to the servers that are given, in their order. */
  private record Owner(Queue<Conn> servers) implements HttpRelay.Owner {
    @Override
    public Optional<Problem> editRequest(RequestHead request, HeadEditor editor) {
      return Optional.empty();
    }

    @Override
    public void editAnswer(RequestHead request, ResponseHead answer, HeadEditor editor) {}

    @Override
    public void connect(Dialer.Result result) {
      result.opened(servers.remove());
    }

    @Override
    public ByteBuffer answer(RequestHead request, Failure failure) {
      return ByteBuffer.wrap(FAILED.getBytes(StandardCharsets.US_ASCII));
    }

    @Override
    public Duration timeout() {
      return Duration.ZERO;
    }

    @Override
    public boolean reconnects() {
      return true;
    }

    @Override
    public void over() {}
  }
}
