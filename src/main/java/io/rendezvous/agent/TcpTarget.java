package io.rendezvous.agent;

import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.FailureText;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.net.Network;
import io.rendezvous.net.ProxyHeader;
import io.rendezvous.net.Recurring;
import io.rendezvous.net.Relay;
import io.rendezvous.net.Relays;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** A local server to which each tunnel is relayed, byte for byte, over a connection of its own. */
final class TcpTarget implements Target {
  private static final Duration LINGER = Duration.ofMinutes(2);
  private static final Duration STALL = Duration.ofMinutes(10);
  private static final Duration SWEEP_EVERY = Duration.ofSeconds(1);

  /** Opens connections to a local server. */
  interface LocalServer {
    /** Opens a connection for a tunnel. Called on the tunnel's I/O thread. */
    void connect(Conn tunnel, Dialer.Result result);

    /** Opens no more connections. Any thread may call. */
    default void close() {}
  }

  private final LocalServer local;
  private final boolean passHeader;
  private final Relays relays = new Relays(LINGER, STALL);
  private final LongAdder connections = new LongAdder();
  private final Recurring sweeping;
  private volatile boolean ended;

  /**
   * Creates a target.
   *
   * @param passHeader whether a PROXY header that precedes the client's bytes is passed to the
   *     local server; otherwise it is dropped
   */
  TcpTarget(LocalServer local, boolean passHeader, Network network) {
    this.local = local;
    this.passHeader = passHeader;
    this.sweeping =
        network.every(SWEEP_EVERY, "sweeping relays", () -> relays.sweep(System.nanoTime()));
  }

  @Override
  public Status.Traffic traffic() {
    return new Status.Traffic(connections.sum(), relays.bytesUp(), relays.bytesDown());
  }

  @Override
  public void drain() {
    local.close(); // relays that have begun may finish
  }

  @Override
  public void end() {
    ended = true;
    sweeping.close();
    relays.end();
  }

  @Override
  public void serve(
      Conn tunnel, Optional<ProxyHeader> header, ByteBuffer first, Listener listener) {
    ByteBuffer all =
        header.filter(h -> passHeader).map(h -> BufferPool.joined(h.octets(), first)).orElse(first);
    local.connect(
        tunnel,
        new Dialer.Result() {
          @Override
          public void opened(Conn conn) {
            relay(tunnel, conn, all, listener);
          }

          @Override
          public void failed(IOException reason) {
            listener.failed("the local server: " + FailureText.of(reason));
            refuse(tunnel, "cannot be reached");
            listener.ended("ended with a 502");
          }
        });
  }

  /** Answers with 502. If the tunnel merely ended, the broker would try the next one in vain. */
  private static void refuse(Conn tunnel, String why) {
    Problem problem = Problem.temporary(502, "the local server " + why);
    LingeringClose.say(tunnel, ProblemResponse.json(problem).closing(Instant.now(), Map.of()));
  }

  private void relay(Conn tunnel, Conn conn, ByteBuffer first, Listener listener) {
    connections.increment();
    RelayOwner owner = new RelayOwner(tunnel, listener);
    Relay relay = new Relay(tunnel, conn, owner);
    owner.relay = relay;
    relays.add(relay);
    relay.start(first);
    if (ended) {
      relay.end();
    }
  }

  /** Handles the end of one relay. */
  private final class RelayOwner implements Relay.Owner {
    private final Conn tunnel;
    private final Listener listener;
    private @Nullable Relay relay;

    RelayOwner(Conn tunnel, Listener listener) {
      this.tunnel = tunnel;
      this.listener = listener;
    }

    @Override
    public void unanswered(Relay.Sent sent) {
      listener.failed("the local server ended without an answer");
      refuse(tunnel, "ended without an answer");
      over();
    }

    @Override
    public void over() {
      Relay ended = relay;
      if (ended != null) {
        relays.remove(ended);
        listener.ended(
            String.format("ended, %d bytes in, %d out", ended.bytesUp(), ended.bytesDown()));
      }
    }
  }
}
