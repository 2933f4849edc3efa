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
 * A listening socket. It accepts connections on the I/O threads, and hands each to its consumer on
 * the connection's own thread.
 *
 * <p>A {@link ConnectionLimiter} limits the connections. One that it refuses is reset. While the
 * process has no file descriptor left, further connections wait in the queue of the kernel. Any
 * thread may call.
 */
public final class Listener implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Listener.class);

  /**
   * Upper bounds of one listener, or of several together: see {@link ConnectionLimiter}.
   *
   * @param connections open at once
   * @param perSource open at once from one source, and unidentified
   */
  public record Limits(int connections, int perSource) {}

  /**
   * Numbers of events since a listener was started.
   *
   * @param handshakes TLS handshakes that succeeded
   * @param failedHandshakes connections that ended before their TLS handshake succeeded, for
   *     whatever reason
   */
  public record Counts(long handshakes, long failedHandshakes) {}

  private final ConnectionGroup connections;
  private final @Nullable Layer layer;
  private final BufferPool buffers;
  private final Consumer<Conn> accepted;
  private final LongAdder handshakes = new LongAdder();
  private final LongAdder failedHandshakes = new LongAdder();
  private final AtomicBoolean closed = new AtomicBoolean();
  private @Nullable AcceptingChannel<StreamConnection> server;

  Listener(
      ConnectionGroup connections,
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

  /** Returns the address that the socket is bound to. */
  public InetSocketAddress address() {
    return channel().getLocalAddress(InetSocketAddress.class);
  }

  /**
   * Returns the open connections, whoever owns them, with those of listeners of the same group: a
   * view that changes with them.
   */
  public Set<Conn> open() {
    return connections.open();
  }

  /** Returns the numbers of events so far. */
  public Counts counts() {
    return new Counts(handshakes.sum(), failedHandshakes.sum());
  }

  /** Stops listening. Open connections stay open. */
  @Override
  public void close() {
    // Closing the channel again would wait for threads that may be gone.
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
    } catch (RuntimeException e) { // it was reset meanwhile
      LOG.debug("A connection ended before it was accepted: {}", e.toString());
      IoUtils.safeClose(socket);
      return;
    }
    ConnectionLimiter.Place place = connections.add(conn);
    if (place == null) {
      LOG.debug("{} refused: all places are taken", conn);
      conn.abort();
      return;
    }
    conn.admitted(place);
    socket.setCloseListener(
        closed -> {
          connections.remove(conn, place);
          if (!conn.isHandshaken()) {
            failedHandshakes.increment();
          }
          conn.execute(conn::close);
          conn.onSocketClosed();
        });
    if (layer != null) {
      conn.limitHandshake();
      conn.onHandshake(handshakes::increment);
    }
    conn.run(() -> accepted.accept(conn));
  }
}
