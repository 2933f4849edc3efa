package io.rendezvous.protocol.connect;

import io.rendezvous.http.Problem;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.net.ProxyHeader;
import io.rendezvous.net.Relay;
import io.rendezvous.tunnel.Tunnel;
import io.rendezvous.tunnel.TunnelListener;
import io.rendezvous.tunnel.TunnelRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client that has named its hidden server (PROTOCOL 1.3): {@link #match} finds a tunnel, or waits
 * for one, or says that there is none; {@link #pair} relays. A tunnel that dies before an answer is
 * replaced by the next, unseen by the client, where the request can be sent again.
 *
 * <p>Owns the client's connection whenever no relay does, and lives on its I/O thread.
 */
final class ClientRequest implements TunnelRegistry.Waiter {
  private static final Logger LOG = LoggerFactory.getLogger(ClientRequest.class);
  private static final Set<String> REPEATABLE = Set.of("GET", "HEAD", "OPTIONS");
  private static final int MOST_TRIES = 3;
  private static final long RETRY_TIME = Duration.ofSeconds(5).toNanos();

  /** What a waiting client may send ahead; more is left in the socket. */
  private static final int MOST_EARLY = 64 * 1024;

  /**
   * How long a client that says no more waits for a tunnel that is being asked whether it lives.
   */
  private static final Duration A_MOMENT = Duration.ofMillis(500);

  private final Conn client;
  private final RequestHead head;
  private final UUID id;
  private final ByteBuffer first;
  private final ConnectProtocol protocol;
  private final long came = System.nanoTime();
  private boolean soon; // a tunnel may be had, that is asked whether it lives
  private long waitUntil;
  private boolean gone;
  private int tries;
  private long retryUntil;

  /**
   * Creates it for a client.
   *
   * @param id the hidden server
   * @param first what it is sent first: the head, without what was the identity in it
   */
  ClientRequest(Conn client, RequestHead head, UUID id, ByteBuffer first, ConnectProtocol protocol) {
    this.client = client;
    this.head = head;
    this.id = id;
    this.first = first;
    this.protocol = protocol;
  }

  /** Takes the client's connection over. */
  void start() {
    match();
  }

  private void match() {
    TunnelRegistry.Match match = protocol.tunnels().take(id, client, this);
    if (match instanceof TunnelRegistry.Match.Taken taken) {
      pair(taken.tunnel());
    } else if (match instanceof TunnelRegistry.Match.Waiting waiting) {
      soon = waiting.soon();
      await();
    } else if (match instanceof TunnelRegistry.Match.Draining) {
      answer(Problem.DRAINING);
    } else if (tries > 0) {
      answerUnanswered();
    } else if (match instanceof TunnelRegistry.Match.Crowded) {
      answer(busy("too many clients wait for that hidden server"));
    } else {
      protocol.observer().absent(id);
      answer(Problem.passing(404, "UUID not registered"));
    }
  }

  private Problem busy(String why) {
    return Problem.retry(503, why, (int) protocol.patience().toSeconds());
  }

  private void answer(Problem problem) {
    LOG.debug("{} answered: {} {}", client, problem.status(), problem.diagnostic());
    protocol.observer().refused(TunnelListener.Side.CLIENT, problem.status());
    LingeringClose.say(client, protocol.closing(head, problem, Map.of()));
  }

  private void answerUnanswered() {
    answer(Problem.passing(502, "the hidden server's connection ended before an answer"));
  }

  // Waiting.

  private void await() {
    Duration most = protocol.patience();
    if (tries > 0) {
      Duration left = Duration.ofNanos(Math.max(0, retryUntil - System.nanoTime()));
      most = left.compareTo(most) < 0 ? left : most;
    }
    waitUntil = System.nanoTime() + most.toNanos();
    client.deadline(most, this::onWaitedInVain);
    client.onReadable(this::onReadable);
    client.resumeReads();
  }

  private void onWaitedInVain() {
    if (!protocol.tunnels().forget(id, this)) {
      return; // a tunnel is on its way to this thread
    }
    answerUnmatched();
  }

  private void answerUnmatched() {
    if (tries > 0) {
      answerUnanswered();
    } else {
      answer(busy("no tunnel of that hidden server is free"));
    }
  }

  /** Reads on while waiting, so that a client that goes away is noticed. */
  private void onReadable() {
    ByteBuffer early = client.takeEarly();
    ByteBuffer buffer = client.buffers().take();
    try {
      int n;
      do {
        n = client.read(buffer);
        early = BufferPool.joined(early, buffer.flip());
        buffer.clear();
      } while (n > 0 && early.remaining() < MOST_EARLY);
      client.unread(early);
      if (n < 0) {
        onEnd();
      } else if (n > 0) {
        client.suspendReads();
      }
    } catch (IOException e) {
      leave();
    } finally {
      client.buffers().give(buffer);
    }
  }

  /**
   * It may only have said all it has to say, or have left, and then it is to have no tunnel. So it
   * waits on for a moment if a tunnel is being asked whether it lives, without which it would have
   * had one at once.
   */
  private void onEnd() {
    client.suspendReads();
    if (soon && !client.isTruncated()) {
      Duration left = Duration.ofNanos(Math.max(0, waitUntil - System.nanoTime()));
      client.deadline(left.compareTo(A_MOMENT) < 0 ? left : A_MOMENT, this::onWaitedInVain);
    } else {
      leave();
    }
  }

  /** It is answered all the same, since it may only have said all it has to say. */
  private void leave() {
    gone = true;
    protocol.tunnels().forget(id, this);
    LOG.debug("{} went away while it waited", client);
    answerUnmatched();
  }

  @Override
  public void offered(Tunnel tunnel) {
    client.execute(() -> onOffered(tunnel));
  }

  private void onOffered(Tunnel tunnel) {
    if (!gone) {
      onReadable(); // it may have left this very moment
    }
    if (gone) {
      protocol.tunnels().putBack(tunnel);
    } else {
      client.noDeadline();
      client.suspendReads();
      pair(tunnel);
    }
  }

  @Override
  public void dismissed(Tunnel.End why) {
    client.execute(
        () -> {
          if (!gone) {
            gone = true;
            boolean draining = why == Tunnel.End.DRAINED;
            answer(draining ? Problem.DRAINING : Problem.passing(404, "UUID not registered"));
          }
        });
  }

  // Pairing.

  private void pair(Tunnel tunnel) {
    if (tries++ == 0) {
      retryUntil = System.nanoTime() + RETRY_TIME;
    }
    ByteBuffer early = client.takeEarly();
    // In one piece, since some hidden servers look for the body in what they read the head from.
    ByteBuffer all = BufferPool.joined(first.duplicate(), early.duplicate());
    protocol
        .pairs()
        .pair(
            client,
            tunnel,
            came,
            tries,
            tunnel.wantsProxyHeader()
                ? BufferPool.joined(ProxyHeader.of(client.peer(), client.local()), all)
                : all,
            sent -> onUnanswered(sent, early));
  }

  /** What no hidden server has seen is sent again, whatever it is. */
  private void onUnanswered(Relay.Sent sent, ByteBuffer early) {
    boolean again =
        switch (sent) {
          case NOTHING -> true;
          case FIRST -> !early.hasRemaining() && REPEATABLE.contains(head.method());
          case MORE -> false;
        };
    client.unread(early);
    if (again && tries < MOST_TRIES && System.nanoTime() - retryUntil < 0) {
      match();
    } else {
      answerUnanswered();
    }
  }
}
