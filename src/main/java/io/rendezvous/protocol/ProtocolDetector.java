package io.rendezvous.protocol;

import io.rendezvous.http.ClientConnection;
import io.rendezvous.http.Problem;
import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * Finds the protocol of each new connection of a listener. It looks at the first bytes as they
 * arrive, starts TLS unless a protocol claims them, looks at the first bytes of plaintext, and
 * finally at the heads of requests.
 *
 * <p>One detector serves all connections of its listener, each on the connection's own I/O thread.
 * It owns a connection until a protocol takes it over.
 */
public final class ProtocolDetector {
  private static final Duration HEAD_TIME = Duration.ofSeconds(10);

  /** Maximum bytes that are awaited before a protocol that cannot decide is passed over. */
  private static final int MAX_UNDECIDED = 64;

  private final List<Protocol> protocols;
  private final LabelResolver labels;
  private final Refusals refusals;
  private final InstantSource clock;
  private final Executor worker;

  /**
   * Creates the detector of a listener.
   *
   * @param protocols in the order in which they are asked; the last one claims every request
   * @param worker runs tasks that may block
   */
  public ProtocolDetector(
      List<Protocol> protocols,
      LabelResolver labels,
      Refusals refusals,
      InstantSource clock,
      Executor worker) {
    this.protocols = List.copyOf(protocols);
    this.labels = labels;
    this.refusals = refusals;
    this.clock = clock;
    this.worker = worker;
  }

  /** Takes over a new connection, on its I/O thread. */
  public void accept(Conn conn) {
    if (conn.awaitsTls()) {
      new BeforeTls(conn).start();
    } else {
      new Plaintext(conn).start();
    }
  }

  /** Asks the protocols about the first bytes of a connection. */
  private abstract class FirstBytes {
    final Conn conn;
    private ByteBuffer first = ByteBuffer.allocate(0);

    FirstBytes(Conn conn) {
      this.conn = conn;
    }

    void start() {
      conn.onReadable(this::onReadable);
      conn.resumeReads();
    }

    private void onReadable() {
      conn.readEach(bytes -> !decide(bytes));
    }

    /** Returns whether the bytes so far were enough to pass the connection on. */
    private boolean decide(ByteBuffer bytes) {
      first = BufferPool.append(first, bytes);
      for (Protocol protocol : protocols) {
        Protocol.Claim claim = ask(protocol, first.asReadOnlyBuffer());
        if (claim == Protocol.Claim.YES) {
          passOn();
          claimed(protocol);
          return true;
        }
        if (claim == Protocol.Claim.NOT_YET && first.remaining() < MAX_UNDECIDED) {
          return false;
        }
      }
      passOn();
      unclaimed();
      return true;
    }

    private void passOn() {
      conn.suspendReads();
      conn.onReadable(null);
      conn.onDrain(null);
      conn.unread(first);
    }

    boolean isSilent() {
      return !first.hasRemaining();
    }

    abstract Protocol.Claim ask(Protocol protocol, ByteBuffer bytes);

    abstract void claimed(Protocol protocol);

    abstract void unclaimed();
  }

  /** A connection on which TLS has not started. */
  private final class BeforeTls extends FirstBytes {
    BeforeTls(Conn conn) {
      super(conn);
    }

    @Override
    void start() {
      conn.onDrain(conn::close);
      super.start();
    }

    @Override
    Protocol.Claim ask(Protocol protocol, ByteBuffer bytes) {
      return protocol.claimsBeforeTls(bytes);
    }

    @Override
    void claimed(Protocol protocol) {
      protocol.acceptBeforeTls(conn);
    }

    @Override
    void unclaimed() {
      conn.startTls();
      new Plaintext(conn).start();
    }
  }

  /** A connection whose plaintext can be read. */
  private final class Plaintext extends FirstBytes {
    private long headBy;

    Plaintext(Conn conn) {
      super(conn);
    }

    @Override
    void start() {
      conn.onDrain(() -> end(Problem.DRAINING));
      conn.onHandshake(this::onHandshake);
      super.start();
    }

    private void onHandshake() {
      headBy = System.nanoTime() + HEAD_TIME.toNanos();
      conn.deadline(HEAD_TIME, () -> end(Problem.permanent(408, "the request took too long")));
    }

    private void end(Problem problem) {
      conn.onDrain(null);
      if (isSilent()) {
        LingeringClose.end(conn); // no request, no answer
      } else {
        refusals.answer(conn, problem);
      }
    }

    private Duration left() {
      return Duration.ofNanos(Math.max(0, headBy - System.nanoTime()));
    }

    @Override
    Protocol.Claim ask(Protocol protocol, ByteBuffer bytes) {
      return protocol.claims(bytes);
    }

    @Override
    void claimed(Protocol protocol) {
      protocol.accept(conn, left());
    }

    @Override
    void unclaimed() {
      new ClientConnection(conn, clock, ProtocolDetector.this::onRequest).start(left());
    }
  }

  // Requests.

  private void onRequest(ClientConnection client) {
    Optional<String> label = labels.labelOf(client.head());
    if (label.isPresent()) {
      String name = label.get();
      client.ask(
          worker,
          () -> labels.find(name),
          found ->
              dispatch(
                  new ClientRequest(client, Optional.of(new ClientRequest.Named(name, found)))));
    } else {
      dispatch(new ClientRequest(client, Optional.empty()));
    }
  }

  private void dispatch(ClientRequest request) {
    for (Protocol protocol : protocols) {
      if (protocol.claims(request)) {
        protocol.accept(request);
        return;
      }
    }
    throw new IllegalStateException("no protocol claims every request");
  }
}
