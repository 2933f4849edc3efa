package io.rendezvous.agent;

import io.rendezvous.entry.Totp;
import io.rendezvous.http.HeadReader;
import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.net.ProxyHeader;
import java.io.EOFException;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One tunnel of an agent: it asks to be parked ({@link #ask}), waits for its first octet ({@link
 * #onParked}), and is then handed to what serves it ({@link #onTaken}). Lives on the I/O thread of
 * its connection.
 */
final class AgentTunnel implements Target.Listener {
  private static final Duration TIME_TO_PARK = Duration.ofSeconds(20);
  private static final int MAX_HEAD = 16 * 1024;

  private final Agent agent;
  private final int number;
  private final HeadReader reader = new HeadReader(MAX_HEAD);
  private volatile @Nullable Conn parkedConn;
  private long parkedAt;
  private ByteBuffer begun = ByteBuffer.allocate(0);

  AgentTunnel(Agent agent, int number) {
    this.agent = agent;
    this.number = number;
  }

  void open() {
    agent
        .broker()
        .dial(
            new Dialer.Result() {
              @Override
              public void opened(Conn conn) {
                ask(conn);
              }

              @Override
              public void failed(IOException reason) {
                agent.onFailed(AgentTunnel.this, String.valueOf(reason.getMessage()));
              }
            });
  }

  // Asking.

  private void ask(Conn conn) {
    Agent.Plan plan = agent.plan();
    Totp totp = plan.totp();
    String token = totp.token(totp.stepAt(agent.now().getEpochSecond()), totp.digits());
    String text =
        String.format(
            "CONNECT uuid:%s?response=%s HTTP/1.1\r\nHost: %s\r\n\r\n",
            plan.id(), token, plan.broker());
    ByteBuffer request = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
    conn.deadline(
        TIME_TO_PARK, () -> lose(conn, new IOException("no answer from " + plan.broker())));
    conn.onReadable(() -> onAnswer(conn));
    conn.onWritable(() -> write(conn, request));
    conn.resumeReads();
    conn.resumeWrites();
  }

  private void write(Conn conn, ByteBuffer request) {
    try {
      while (request.hasRemaining()) {
        if (conn.write(request) == 0) {
          return;
        }
      }
      if (conn.flush()) {
        conn.suspendWrites();
      }
    } catch (IOException e) {
      lose(conn, e);
    }
  }

  private void onAnswer(Conn conn) {
    try {
      ByteBuffer octets = read(conn);
      HeadReader.Progress progress = reader.read(octets);
      if (progress == HeadReader.Progress.WHOLE) {
        onAnswer(conn, octets);
      } else if (progress != HeadReader.Progress.MORE) {
        throw new ProtocolException("what answers at the broker's address does not speak HTTP");
      }
    } catch (IOException e) {
      lose(conn, e);
    }
  }

  private void onAnswer(Conn conn, ByteBuffer rest) throws IOException {
    ConnectResponse refusal = new ConnectResponse(reader.head(), agent.now());
    refusal.clockBehind().ifPresent(agent::onClock);
    if (refusal.isOfNoBroker()) {
      throw new ProtocolException("what answers at the broker's address is a web server");
    }
    if (!refusal.isOne()) {
      onParked(conn, rest);
      return;
    }
    conn.onReadable(() -> onRefused(conn, refusal));
    refusal.add(rest);
    onRefused(conn, refusal);
  }

  /** Gathers the body, which says why. */
  private void onRefused(Conn conn, ConnectResponse refusal) {
    try {
      while (!refusal.isComplete()) {
        ByteBuffer octets = read(conn);
        if (!octets.hasRemaining()) {
          return;
        }
        refusal.add(octets);
      }
    } catch (IOException e) {
      // What there is of it has to do.
    }
    conn.close();
    agent.onRefused(this, refusal.inWords(), refusal.retryAfter());
  }

  /** Returns what there is to read, or nothing for now. */
  private static ByteBuffer read(Conn conn) throws IOException {
    ByteBuffer buffer = conn.buffers().take();
    try {
      int n = conn.read(buffer);
      if (n < 0) {
        throw new EOFException("the broker closed the connection");
      }
      return ByteBuffer.allocate(n).put(buffer.flip()).flip();
    } finally {
      conn.buffers().give(buffer);
    }
  }

  private void lose(Conn conn, IOException e) {
    conn.close();
    String why =
        agent
            .plan()
            .trust()
            .takeRefusal()
            .map(r -> "the broker's certificate is not believed (" + r + "); see --ca")
            .orElse(String.valueOf(e.getMessage()));
    agent.onFailed(this, why);
  }

  // Parked.

  private void onParked(Conn conn, ByteBuffer early) {
    conn.noDeadline();
    conn.suspendWrites();
    conn.onWritable(null);
    conn.onReadable(() -> onSign(conn));
    parkedAt = agent.nanoTime();
    parkedConn = conn;
    agent.onParked(this);
    try {
      onOctets(conn, early);
    } catch (IOException e) {
      parkedConn = null;
      conn.close();
      agent.onLost(this);
    }
  }

  /** A client's first octets, or the end. */
  private void onSign(Conn conn) {
    try {
      onOctets(conn, read(conn));
    } catch (EOFException e) {
      parkedConn = null;
      LingeringClose.end(conn);
      if (conn.isTruncated()) {
        agent.onLost(this);
      } else {
        agent.onClosedUnused(this, Duration.ofNanos(agent.nanoTime() - parkedAt));
      }
    } catch (IOException e) {
      parkedConn = null;
      conn.close();
      agent.onLost(this);
    }
  }

  private void onOctets(Conn conn, ByteBuffer octets) throws IOException {
    ByteBuffer all = BufferPool.joined(begun, octets);
    if (!all.hasRemaining()) {
      return;
    }
    if (!ProxyHeader.mayBegin(all)) {
      onTaken(conn, Optional.empty(), all);
      return;
    }
    Optional<ProxyHeader> header = ProxyHeader.take(all);
    if (header.isPresent()) {
      onTaken(conn, header, all);
    } else {
      begun = all;
    }
  }

  /** Closes the tunnel if it is still parked. Any thread may call. */
  void closeIfUnused() {
    Conn conn = parkedConn;
    if (conn != null) {
      conn.execute(
          () -> {
            if (parkedConn != null) {
              parkedConn = null;
              LingeringClose.end(conn);
              agent.onClosed(this);
            }
          });
    }
  }

  // Taken.

  private void onTaken(Conn conn, Optional<ProxyHeader> header, ByteBuffer first) {
    parkedConn = null;
    conn.suspendReads();
    conn.onReadable(null);
    agent.onTaken(this);
    agent.events().tell(Event.Kind.TAKEN, "tunnel " + number + ": taken");
    agent.target().serve(conn, header, first, this);
  }

  @Override
  public void failed(String why) {
    agent.events().tell(Event.Kind.LOCAL_FAILED, "tunnel " + number + ": " + why);
  }

  @Override
  public void over(String how) {
    agent.onEnded(this);
    agent.events().tell(Event.Kind.ENDED, "tunnel " + number + ": " + how);
  }
}
