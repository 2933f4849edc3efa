package io.rendezvous.agent;

import io.rendezvous.entry.Totp;
import io.rendezvous.http.HeadReader;
import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import io.rendezvous.net.FailureText;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.net.ProxyHeader;
import java.io.EOFException;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/**
 * One tunnel of an agent, from the CONNECT request on: it waits for the broker's response, is
 * parked until a client's first bytes arrive, and is then given to the {@link Target}. It owns its
 * connection until then.
 *
 * <p>Lives on the I/O thread of its connection.
 */
final class AgentTunnel implements Target.Listener {
  private static final Duration TIME_TO_PARK = Duration.ofSeconds(20);
  private static final int MAX_HEAD = 16 * 1024;

  private final Agent agent;
  private final int number;
  private final Conn conn;
  private final HeadReader head = new HeadReader(MAX_HEAD);
  private ByteBuffer first = ByteBuffer.allocate(0); // of a PROXY header that is not whole
  private long parkedAt;
  private volatile boolean parked;
  private boolean taken; // on the connection's thread

  /**
   * Creates a tunnel, which does nothing before {@link #requestParking}.
   *
   * @param number tells it from the agent's other tunnels
   * @param conn a fresh connection to the broker, which the tunnel owns
   */
  AgentTunnel(Agent agent, int number, Conn conn) {
    this.agent = agent;
    this.number = number;
    this.conn = conn;
  }

  int number() {
    return number;
  }

  // Requesting.

  /** Asks the broker to park this tunnel. */
  void requestParking() {
    conn.onClosed(this::onClosed);
    ByteBuffer request = request();
    conn.deadline(
        TIME_TO_PARK, () -> fail(new IOException("no answer from " + agent.plan().broker())));
    conn.onReadable(this::onResponse);
    conn.onWritable(() -> write(request));
    conn.resumeReads();
    conn.resumeWrites();
  }

  private ByteBuffer request() {
    Agent.Plan plan = agent.plan();
    Totp totp = plan.totp();
    String token = totp.token(totp.stepAt(agent.now().getEpochSecond()), totp.digits());
    String text =
        String.format(
            "CONNECT uuid:%s?response=%s HTTP/1.1\r\nHost: %s\r\n\r\n",
            plan.id(), token, plan.broker());
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }

  private void write(ByteBuffer request) {
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
      fail(e);
    }
  }

  private void onResponse() {
    try {
      ByteBuffer bytes = read();
      HeadReader.Progress progress = head.read(bytes);
      if (progress == HeadReader.Progress.WHOLE) {
        onResponse(new ConnectResponse(head.head(), agent.now()), bytes);
      } else if (progress != HeadReader.Progress.MORE) {
        throw new ProtocolException("the server at the broker's address does not speak HTTP");
      }
    } catch (IOException e) {
      fail(e);
    }
  }

  /**
   * Handles the response.
   *
   * @param rest what has already arrived after its head
   */
  private void onResponse(ConnectResponse response, ByteBuffer rest) throws IOException {
    response.clockBehind().ifPresent(agent::onClockBehind);
    if (response.isFromWebServer()) {
      throw new ProtocolException(
          "the server at the broker's address is a web server, not a broker");
    }
    if (response.isAccepted()) {
      onParked(rest);
    } else {
      ByteBuffer body =
          ByteBuffer.allocate(Math.max(response.bodyLength(), rest.remaining())).put(rest);
      conn.onReadable(() -> onRefused(response, body));
      onRefused(response, body);
    }
  }

  /** Reads the body of a refusal, which gives the reason. */
  private void onRefused(ConnectResponse response, ByteBuffer body) {
    try {
      while (body.hasRemaining()) {
        int n = conn.read(body);
        if (n == 0) {
          return;
        }
        if (n < 0) {
          break;
        }
      }
    } catch (IOException e) {
      // What has arrived has to do.
    }
    conn.close();
    String reason = StandardCharsets.UTF_8.decode(body.flip()).toString();
    agent.onRefused(this, response.explain(reason), response.retryAfter());
  }

  /** Returns what can be read now, which may be nothing. */
  private ByteBuffer read() throws IOException {
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

  private void fail(IOException e) {
    conn.close();
    String why =
        agent
            .plan()
            .trusted()
            .takeRefusal()
            .map(
                reason ->
                    "the broker's certificate is not trusted ("
                        + reason
                        + "); check the provisioning file, or --ca")
            .orElse(
                e instanceof ClosedChannelException
                    ? "the broker closed the connection"
                    : FailureText.of(e));
    agent.onFailed(this, why);
  }

  // Parked.

  /**
   * Begins to wait for a client.
   *
   * @param early what has already arrived from a client
   */
  private void onParked(ByteBuffer early) {
    conn.clearDeadline();
    conn.suspendWrites();
    conn.onWritable(null);
    conn.onReadable(this::onFirstBytes);
    parkedAt = agent.nanoTime();
    parked = true;
    agent.onParked(this);
    try {
      onFirstBytes(early);
    } catch (IOException e) {
      lose();
    }
  }

  private void onFirstBytes() {
    try {
      onFirstBytes(read());
    } catch (EOFException e) {
      parked = false;
      LingeringClose.end(conn);
      if (conn.isTruncated()) {
        agent.onLost(this);
      } else {
        agent.onClosedUnused(this, Duration.ofNanos(agent.nanoTime() - parkedAt));
      }
    } catch (IOException e) {
      lose();
    }
  }

  private void onFirstBytes(ByteBuffer bytes) throws IOException {
    first = BufferPool.append(first, bytes);
    if (!first.hasRemaining()) {
      return;
    }
    if (!ProxyHeader.mayBegin(first)) {
      onTaken(Optional.empty());
      return;
    }
    Optional<ProxyHeader> header = ProxyHeader.take(first);
    if (header.isPresent()) {
      onTaken(header);
    }
  }

  /** Frees the place of a tunnel that an error of this program has ended, if it has one yet. */
  private void onClosed() {
    if (!taken) {
      parked = false;
      agent.onDropped(this);
    }
  }

  private void lose() {
    parked = false;
    conn.close();
    agent.onLost(this);
  }

  /** Closes the tunnel, unless a client has taken it. Any thread may call. */
  void closeIfParked() {
    if (parked) {
      conn.execute(
          () -> {
            if (parked) {
              parked = false;
              LingeringClose.end(conn);
              agent.onClosed(this);
            }
          });
    }
  }

  // Taken.

  private void onTaken(Optional<ProxyHeader> header) {
    parked = false;
    taken = true;
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
  public void ended(String how) {
    agent.onEnded(this);
    agent.events().tell(Event.Kind.ENDED, "tunnel " + number + ": " + how);
  }
}
