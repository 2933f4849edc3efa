package io.rendezvous.protocol.connect;

import io.rendezvous.config.RelayMode;
import io.rendezvous.entry.ClientPassword;
import io.rendezvous.http.Identity;
import io.rendezvous.http.Problem;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.relay.HttpGuard;
import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import io.rendezvous.net.ProxyHeader;
import io.rendezvous.net.Relay;
import io.rendezvous.protocol.Matchmaker;
import io.rendezvous.protocol.Refusals;
import io.rendezvous.protocol.RelayRecord;
import io.rendezvous.protocol.RequestRecords;
import io.rendezvous.protocol.TunnelService;
import io.rendezvous.tunnel.Match;
import io.rendezvous.tunnel.Rendezvous;
import io.rendezvous.tunnel.Tunnel;
import io.rendezvous.tunnel.TunnelRegistry;
import io.rendezvous.tunnel.Waiter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client that has named its hidden server. It is given a tunnel, waits for one, or is told that
 * there is none. If the tunnel ends before an answer, and the request can be sent again, the next
 * tunnel is tried without the client noticing (protocol.md, 1.3).
 *
 * <p>Owns the client's connection whenever no relay does, and lives on its I/O thread.
 */
final class ClientSession implements Waiter {
  private static final Logger LOG = LoggerFactory.getLogger(ClientSession.class);
  private static final Set<String> SAFE_METHODS = Set.of("GET", "HEAD", "OPTIONS");
  private static final int MAX_ATTEMPTS = 3;
  private static final long RETRY_TIME = Duration.ofSeconds(5).toNanos();

  /** Maximum bytes that are read from a client while it waits. More is left in the socket. */
  private static final int MAX_EARLY = 64 * 1024;

  /** How long a client that has ended its stream waits for a tunnel that is being probed. */
  private static final Duration HALF_CLOSED_PATIENCE = Duration.ofMillis(500);

  private static final Problem UNANSWERED =
      Problem.temporary(502, "the hidden server's connection ended before an answer");

  /**
   * The request of a client that has named its hidden server.
   *
   * @param id the hidden server
   * @param identity how the head names it
   * @param guarded whether the relay has to follow the client's heads (protocol.md, 1.7)
   * @param password the password that the client has sent, if it had to (protocol.md, 1.8)
   */
  record Named(
      RequestHead head,
      UUID id,
      Identity identity,
      boolean guarded,
      Optional<ClientPassword> password) {}

  private final Conn client;
  private final RequestHead head;
  private final UUID id;
  private final ByteBuffer first;
  private final boolean atHostName;
  private final Named named;
  private final LaterHeads.Checks laterHeads;
  private final RelayMode relayMode;
  private final TunnelRegistry tunnels;
  private final Matchmaker matchmaker;
  private final RequestRecords requests;
  private final Refusals refusals;
  private final long arrivedAt;
  private RelayRecord record = RelayRecord.NONE; // until there is a tunnel
  private boolean soon; // a tunnel is parked and is being probed
  private long waitUntil;
  private boolean over; // the client was answered, or told that there is no tunnel
  private int attempts;
  private long retryUntil;

  /**
   * Creates the session of a client.
   *
   * @param relayMode how it is relayed if the entry does not say so
   */
  ClientSession(
      Conn client,
      Named named,
      TunnelService service,
      LaterHeads.Checks laterHeads,
      Refusals refusals,
      RelayMode relayMode) {
    this.client = client;
    this.head = named.head();
    this.id = named.id();
    this.first = named.identity().head();
    this.atHostName = named.identity().carrier() == Identity.Carrier.HOST_NAME;
    this.named = named;
    this.laterHeads = laterHeads;
    this.relayMode = relayMode;
    this.tunnels = service.registry();
    this.matchmaker = service.matchmaker();
    this.requests = service.requests();
    this.refusals = refusals;
    this.arrivedAt = tunnels.now();
  }

  /** Takes the client's connection over. */
  void start() {
    match();
  }

  private void match() {
    Match match = tunnels.take(id, client.eventLoop(), this);
    if (match instanceof Match.Taken taken) {
      use(taken.tunnel(), this::pair);
    } else if (match instanceof Match.Waiting waiting) {
      soon = waiting.soon();
      await();
    } else if (match instanceof Match.Draining) {
      refuse(Problem.DRAINING);
    } else if (attempts > 0) {
      refuse(UNANSWERED);
    } else if (match instanceof Match.Crowded) {
      refuse(busy("too many clients are waiting for that hidden server"));
    } else {
      refusals.absent(id);
      refuse(absent());
    }
  }

  private Problem absent() {
    return atHostName ? ConnectProtocol.HOST_ABSENT : ConnectProtocol.ABSENT;
  }

  private Problem busy(String why) {
    return Problem.retry(503, why, (int) tunnels.patience().toSeconds());
  }

  private void refuse(Problem problem) {
    record.refused(problem);
    refusals.client(client, head, Optional.of(id), atHostName ? problem.atHost() : problem);
  }

  // Waiting.

  private void await() {
    Duration patience = tunnels.patience();
    if (attempts > 0) {
      patience = shorter(timeUntil(retryUntil), patience);
    }
    waitUntil = tunnels.now() + patience.toNanos();
    client.deadline(patience, this::onWaitedInVain);
    client.onClosed(this::onClosed);
    client.onReadable(this::onReadable);
    client.resumeReads();
  }

  /** Handles that the connection was closed to make room for another, or that it is over. */
  private void onClosed() {
    if (tunnels.stopWaiting(id, this)) {
      over = true;
    }
  }

  private Duration timeUntil(long time) {
    return Duration.ofNanos(Math.max(0, time - tunnels.now()));
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  private void onWaitedInVain() {
    if (tunnels.stopWaiting(id, this)) { // else a tunnel is on its way to this thread
      refuseUnmatched();
    }
  }

  private void refuseUnmatched() {
    refuse(attempts > 0 ? UNANSWERED : busy("no tunnel of that hidden server became available"));
  }

  /** Reads on while the client waits, so that the end of its stream is noticed. */
  private void onReadable() {
    ByteBuffer early = client.takeEarly();
    ByteBuffer buffer = client.buffers().take();
    try {
      int n;
      do {
        n = client.read(buffer);
        early = BufferPool.append(early, buffer.flip());
        buffer.clear();
      } while (n > 0 && early.remaining() < MAX_EARLY);
      client.unread(early);
      if (n < 0) {
        onEnd();
      } else if (n > 0) {
        client.suspendReads();
      }
    } catch (IOException e) {
      stopWaiting();
    } finally {
      client.buffers().give(buffer);
    }
  }

  /**
   * Handles the end of the client's stream. The client may have left, so it must not get a tunnel
   * that arrives later. But if a tunnel is being probed, the client waits on for a moment, because
   * without the probe it would have got that tunnel at once.
   */
  private void onEnd() {
    client.suspendReads();
    if (soon && !client.isTruncated()) {
      client.deadline(shorter(timeUntil(waitUntil), HALF_CLOSED_PATIENCE), this::onWaitedInVain);
    } else {
      stopWaiting();
    }
  }

  /**
   * Stops waiting because the client ended its stream. It is still answered: a half-close is not a
   * disconnect.
   */
  private void stopWaiting() {
    over = true;
    tunnels.stopWaiting(id, this);
    LOG.debug("{} stopped waiting: it ended its stream", client);
    refuseUnmatched();
  }

  @Override
  public void offered(Tunnel tunnel) {
    client.execute(() -> use(tunnel, this::onOffered));
  }

  private void onOffered(Tunnel tunnel) {
    if (!over) {
      onReadable(); // the client may have left a moment ago
    }
    if (over) {
      tunnels.putBack(tunnel);
    } else {
      client.clearDeadline();
      client.suspendReads();
      pair(tunnel);
    }
  }

  @Override
  public void dismissed(Tunnel.End why) {
    client.execute(
        () -> {
          if (!over) {
            over = true;
            refuse(why == Tunnel.End.DRAINED ? Problem.DRAINING : absent());
          }
        });
  }

  // Pairing.

  /** Uses a tunnel that was taken for this client. An error does not leave it taken. */
  private void use(Tunnel tunnel, Consumer<Tunnel> user) {
    try {
      user.accept(tunnel);
    } catch (RuntimeException e) {
      tunnels.discard(tunnel);
      throw e;
    }
  }

  private void pair(Tunnel tunnel) {
    if (attempts++ == 0) {
      retryUntil = tunnels.now() + RETRY_TIME;
    }
    ByteBuffer early = client.takeEarly();
    ByteBuffer begin = first.duplicate();
    if (tunnel.wantsProxyHeader()) {
      begin = BufferPool.joined(ProxyHeader.of(client.peer(), client.local()), begin);
    }
    Matchmaker.Client paired = new Matchmaker.Client(client, arrivedAt, attempts);
    // In one piece: some hidden servers look for the body in what they read the head from.
    if (isGuarded(tunnel)) {
      LaterHeads later = new LaterHeads(client, named, laterHeads);
      HttpGuard guard =
          new HttpGuard(head, later, client.buffers(), requests.guarded(id, client.peer()));
      record = requests.of(guard);
      PairOwner owner = new PairOwner(early, record);
      matchmaker.pairGuarded(paired, tunnel, begin, early.duplicate(), guard, owner);
    } else {
      record = attempts == 1 ? requests.raw(id, client.peer(), head) : record;
      PairOwner owner = new PairOwner(early, record);
      matchmaker.pair(paired, tunnel, BufferPool.joined(begin, early.duplicate()), owner);
    }
  }

  private boolean isGuarded(Tunnel tunnel) {
    return named.guarded() || tunnel.relay().orElse(relayMode) == RelayMode.GUARDED;
  }

  /** Takes the client back from a tunnel, and records how its requests fare. */
  private final class PairOwner implements Matchmaker.Owner {
    private final ByteBuffer early;
    private final RelayRecord current;

    PairOwner(ByteBuffer early, RelayRecord current) {
      this.early = early;
      this.current = current;
    }

    @Override
    public void unanswered(Relay.Sent sent) {
      onUnanswered(sent, early);
    }

    @Override
    public void answered(ByteBuffer octets) {
      current.answered(octets);
    }

    @Override
    public void over(Rendezvous rendezvous) {
      current.over(rendezvous);
    }
  }

  /**
   * Retries on the next tunnel, if possible. A request that reached no hidden server is always safe
   * to resend; one that may have reached one is resent only if its method is safe and nothing
   * followed its head. A client that has left gets no further tunnel.
   */
  private void onUnanswered(Relay.Sent sent, ByteBuffer early) {
    client.unread(early);
    boolean left = hasLeft();
    ByteBuffer following = client.takeEarly();
    boolean repeatable =
        switch (sent) {
          case NOTHING -> true;
          case FIRST -> !following.hasRemaining() && SAFE_METHODS.contains(head.method());
          case MORE -> false;
        };
    client.unread(following);
    boolean inTime = attempts < MAX_ATTEMPTS && tunnels.now() - retryUntil < 0;
    if (repeatable && inTime && !left) {
      match();
    } else {
      refuse(UNANSWERED);
    }
  }

  /**
   * Reads on, and returns whether the client has left. It may have done so a moment ago: then the
   * end of its stream was not read yet.
   */
  private boolean hasLeft() {
    ByteBuffer early = client.takeEarly();
    ByteBuffer buffer = client.buffers().take();
    try {
      int n = client.read(buffer);
      client.unread(BufferPool.append(early, buffer.flip()));
      return n < 0 && client.isTruncated();
    } catch (IOException e) {
      return true;
    } finally {
      client.buffers().give(buffer);
    }
  }
}
