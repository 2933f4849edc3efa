package io.rendezvous.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.xnio.IoUtils;
import org.xnio.StreamConnection;
import org.xnio.channels.AcceptingChannel;

/**
 * A listening socket and the connections that came through it. When as many are open as may be, or
 * the process has no descriptor left, accepting pauses; further ones wait in the kernel's queue.
 */
public final class Listener implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Listener.class);

  /**
   * What a listener accepts.
   *
   * @param connections how many may be open at once
   * @param perSource how many of them from one source; further ones are closed at once
   */
  public record Limits(int connections, int perSource) {}

  /**
   * What has come to a listener so far.
   *
   * @param accepted connections
   * @param refused connections of sources that had enough
   * @param handshakes of TLS that were finished
   * @param failedHandshakes of TLS: whatever the reason, the connection ended before
   */
  public record Counts(long accepted, long refused, long handshakes, long failedHandshakes) {}

  private final ConnectionLimiter connections;
  private final @Nullable Layer layer;
  private final BufferPool buffers;
  private final Consumer<Conn> accepted;
  private final LongAdder acceptedCount = new LongAdder();
  private final LongAdder refusedCount = new LongAdder();
  private final LongAdder handshakes = new LongAdder();
  private final LongAdder failedHandshakes = new LongAdder();
  private final AtomicBoolean closed = new AtomicBoolean();
  private @Nullable AcceptingChannel<StreamConnection> server;

  Listener(
      ConnectionLimiter connections,
      @Nullable Layer layer,
      BufferPool buffers,
      Consumer<Conn> accepted) {
    this.connections = connections;
    this.layer = layer;
    this.buffers = buffers;
    this.accepted = accepted;
  }

  void start(AcceptingChannel<StreamConnection> channel) {
    server = channel;
    channel.getAcceptSetter().set(this::onAcceptable);
    channel.resumeAccepts();
  }

  /** Returns where it listens. */
  public InetSocketAddress address() {
    return channel().getLocalAddress(InetSocketAddress.class);
  }

  /** Returns the connections that are open now, whoever owns them. */
  public Set<Conn> open() {
    return connections.open();
  }

  /** Returns what it accepts. */
  public Limits limits() {
    return connections.limits();
  }

  /** Returns what has come so far. */
  public Counts counts() {
    return new Counts(
        acceptedCount.sum(), refusedCount.sum(), handshakes.sum(), failedHandshakes.sum());
  }

  /** Stops listening. Connections that are open stay so. */
  @Override
  public void close() {
    // A second time it would wait for threads that may be gone.
    if (closed.compareAndSet(false, true)) {
      IoUtils.safeClose(channel());
    }
  }

  private AcceptingChannel<StreamConnection> channel() {
    AcceptingChannel<StreamConnection> channel = server;
    if (channel == null) {
      throw new IllegalStateException("not started");
    }
    return channel;
  }

  private void onAcceptable(AcceptingChannel<? extends StreamConnection> channel) {
    try {
      for (StreamConnection socket; (socket = channel.accept()) != null; ) {
        onAccepted(socket);
      }
    } catch (IOException e) {
      LOG.debug("Accepting stopped: {}", e.toString());
    }
  }

  private void onAccepted(StreamConnection socket) {
    Conn conn;
    try {
      conn = new Conn(socket, new SocketMonitor(socket), buffers, layer);
    } catch (RuntimeException e) { // it was reset before it was looked at
      LOG.debug("A connection was gone when it was accepted: {}", e.toString());
      IoUtils.safeClose(socket);
      return;
    }
    if (!connections.add(conn)) {
      refusedCount.increment();
      LOG.debug("{} refused: its source has {} connections open", conn, limits().perSource());
      conn.abort();
      return;
    }
    acceptedCount.increment();
    socket.setCloseListener(
        closed -> {
          connections.remove(conn);
          if (!conn.isHandshaken()) {
            failedHandshakes.increment();
          }
          conn.execute(conn::close);
          conn.closed();
        });
    if (layer != null) {
      conn.limitHandshake();
      conn.onHandshake(handshakes::increment);
    }
    accepted.accept(conn);
  }
}
