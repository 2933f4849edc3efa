package io.rendezvous.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.xnio.IoUtils;
import org.xnio.Options;
import org.xnio.StreamConnection;
import org.xnio.XnioExecutor;
import org.xnio.XnioIoThread;
import org.xnio.ssl.SslConnection;

/**
 * One stream connection, over TCP or a Unix-domain socket, in the clear or over TLS.
 *
 * <ul>
 *   <li><b>Owner.</b> A connection has one owner at a time: its listener or dialer, then a
 *       protocol, a parked tunnel, at last a {@link Relay} or a {@link LingeringClose}. The owner
 *       reads it, writes it, and closes it on failure. Whoever hands it on never touches it again.
 *   <li><b>Threads.</b> A connection stays on one I/O thread. Its methods are called on that thread
 *       only, except those that allow any thread; its listeners and deadlines run there.
 *   <li><b>Events.</b> There is one readable and one writable listener; setting one replaces the
 *       one before. They run only while reads or writes are resumed. A new owner finds reads and
 *       writes as the one before left them.
 *   <li><b>Early bytes.</b> An owner that has read more than it can use gives the rest back with
 *       {@link #unread}. They stay in the connection until the next owner takes them with {@link
 *       #takeEarly}; {@link #read} does not return them.
 *   <li><b>TLS.</b> A connection of a listener with TLS begins without: its owner reads ciphertext,
 *       may decide by it, and gives it back. {@link #startTls()} then puts TLS on the socket. TLS
 *       reads the early bytes first, and from then on the owner reads and writes plaintext. The
 *       handshake begins with the first read or write.
 *   <li><b>Errors.</b> A callback that throws ends its connection with a reset, and is logged.
 *   <li><b>Deadlines.</b> The owner may set one deadline at a time. Apart from that, the handshake
 *       of a connection that was accepted has to be over 10 s after it was accepted.
 *   <li><b>Limits.</b> A listener may close a connection to make room for others, until its owner
 *       has called {@link #identified}.
 *   <li><b>Drain.</b> When the process shuts down it calls {@link #drain}, which runs the listener
 *       with which the owner ends the connection in the way of its protocol. Without a listener,
 *       the connection goes on until it ends by itself.
 *   <li><b>End.</b> {@link #close} ends the connection at once and {@link #abort} with a reset;
 *       {@link LingeringClose} ends it so that the last bytes arrive. Each of them cancels the
 *       deadlines.
 * </ul>
 */
public final class Conn {
  private static final Logger LOG = LoggerFactory.getLogger(Conn.class);

  private static final Duration HANDSHAKE_TIME = Duration.ofSeconds(10);

  /** Reads in a turn: a peer can cause much work with few bytes. */
  private static final int MAX_READS = 16;

  private static final AtomicLong IDS = new AtomicLong();

  private final BufferPool buffers;
  private final long id = IDS.incrementAndGet();
  private final SocketMonitor monitor;
  private final SocketAddress peer;

  // Everything below belongs to the connection's I/O thread.
  private StreamConnection channel;
  private @Nullable Layer layer; // until TLS is started
  private @Nullable ByteBuffer early;
  private XnioExecutor.@Nullable Key deadline;
  private @Nullable Runnable drainListener;
  private @Nullable Runnable closeListener;
  private @Nullable Runnable handshakeListener;
  private XnioExecutor.@Nullable Key handshakeDeadline;
  private boolean closed;
  private ConnectionLimiter.@Nullable Place place; // of a connection that was accepted

  // Written by the connection's I/O thread, read by any.
  private volatile boolean handshaken;

  /**
   * Wraps a socket.
   *
   * @param monitor sits on that socket
   * @param layer the TLS that {@link #startTls()} starts, or null for a plain connection
   */
  Conn(StreamConnection socket, SocketMonitor monitor, BufferPool buffers, @Nullable Layer layer) {
    this.channel = socket;
    this.monitor = monitor;
    this.buffers = buffers;
    this.layer = layer;
    this.peer = socket.getPeerAddress();
    this.handshaken = layer == null;
  }

  /** Returns a number that no other connection of this process has, for the log. Any thread. */
  public long id() {
    return id;
  }

  /**
   * Returns the address of the peer. Any thread may call.
   *
   * @throws IllegalStateException over a Unix-domain socket, whose peer has no address
   */
  public InetSocketAddress peer() {
    return overTcp(peer);
  }

  /**
   * Returns the address of this end.
   *
   * @throws IllegalStateException over a Unix-domain socket, which has no address
   */
  public InetSocketAddress local() {
    return overTcp(channel.getLocalAddress());
  }

  /** Returns the source of the connection, a new object each time. Any thread may call. */
  public Source source() {
    return Source.of(peer().getAddress());
  }

  private static InetSocketAddress overTcp(SocketAddress address) {
    if (address instanceof InetSocketAddress inet) {
      return inet;
    }
    throw new IllegalStateException("not over TCP: " + address);
  }

  /** Returns the pool for bytes that are read from or written to this connection. Any thread. */
  public BufferPool buffers() {
    return buffers;
  }

  /** Sets the connection's place among those that are limited together. */
  void admitted(ConnectionLimiter.Place admittedTo) {
    place = admittedTo;
  }

  /**
   * Tells that the peer has identified itself or its hidden server, so that the connection is not
   * closed to make room for others: it is parked or paired.
   */
  public void identified() {
    if (place != null) {
      place.identified();
    }
  }

  /** Tells that the owner closes the connection because a limit is met. */
  public void met(ConnectionLimiter.Limit limit) {
    if (place != null) {
      place.met(limit);
    }
  }

  /** Returns whether TLS has yet to be started. What is read until then is ciphertext. */
  public boolean awaitsTls() {
    return layer != null;
  }

  /**
   * Starts TLS as the listener or dialer wants it. TLS reads the early bytes first, so that a
   * ClientHello can be looked at and given back before this is called. The listeners are removed
   * and reads are suspended; from now on plaintext is read and written.
   *
   * @throws IllegalStateException if the connection awaits no TLS
   */
  public void startTls() {
    Layer awaited = layer;
    if (awaited == null) {
      throw new IllegalStateException("awaits no TLS: " + this);
    }
    startTls(awaited);
  }

  /** Starts TLS in the same way, on top of what is read and written so far. */
  public void startTls(Layer tls) {
    layer = null;
    handshaken = false;
    onReadable(null);
    onWritable(null);
    suspendReads();
    SslConnection secured = tls.over(channel, takeEarly());
    secured.getHandshakeSetter().set(this::onHandshaken);
    channel = secured;
  }

  /** Returns the channel of XNIO, for Undertow, which takes the connection over with it. */
  public StreamConnection channel() {
    return channel;
  }

  XnioIoThread ioThread() {
    return channel.getIoThread();
  }

  /** Returns an object that stands for the connection's I/O thread. Any thread may call. */
  public Object eventLoop() {
    return ioThread();
  }

  /** Returns whether both connections are on the same I/O thread. Any thread may call. */
  public boolean sharesThread(Conn other) {
    return ioThread() == other.ioThread();
  }

  /**
   * Runs a task on the connection's I/O thread soon, or never if the process ends. Any thread may
   * call.
   */
  public void execute(Runnable task) {
    executeBare(() -> run(task));
  }

  /** Does the same for a task that catches its own errors, without a further object. */
  void executeBare(Runnable task) {
    try {
      ioThread().execute(task);
    } catch (RejectedExecutionException e) {
      // The process ends, and the connection with it.
    }
  }

  /** Runs a task on the connection's I/O thread after a delay. Any thread may call. */
  public void after(Duration delay, Runnable task) {
    schedule(delay, task);
  }

  private XnioExecutor.Key schedule(Duration delay, Runnable task) {
    try {
      return ioThread().executeAfter(() -> run(task), delay.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      return XnioExecutor.Key.IMMEDIATE; // the process ends, and the connection with it
    }
  }

  /**
   * Runs a callback. An error of this program is logged and ends the connection, and nothing else.
   * Called on the connection's I/O thread.
   */
  void run(Runnable callback) {
    try {
      callback.run();
    } catch (RuntimeException | Error e) {
      LOG.error("{} is closed because of an error of this program: {}", this, e.toString(), e);
      abort();
    }
  }

  /** Sets what runs when a time is over. This replaces the deadline that was set before. */
  public void deadline(Duration in, Runnable late) {
    clearDeadline();
    deadline = schedule(in, late);
  }

  /** Cancels the deadline, if one is set. */
  public void clearDeadline() {
    XnioExecutor.Key key = deadline;
    deadline = null;
    if (key != null) {
      key.remove();
    }
  }

  /**
   * Gives bytes back that were read too early. They go before those that were given back already.
   *
   * @param bytes is kept: it may be neither changed nor given to a pool
   */
  public void unread(ByteBuffer bytes) {
    if (bytes.hasRemaining()) {
      early = BufferPool.joined(bytes, takeEarly());
    }
  }

  /** Returns the early bytes, which the connection then no longer has, or an empty buffer. */
  public ByteBuffer takeEarly() {
    ByteBuffer kept = early;
    early = null;
    return kept == null ? ByteBuffer.allocate(0) : kept;
  }

  /** Reads as {@link java.nio.channels.ReadableByteChannel} does. Early bytes are not returned. */
  public int read(ByteBuffer into) throws IOException {
    return channel.getSourceChannel().read(into);
  }

  /**
   * Reads what has arrived, a buffer at a time, until the consumer wants no more or other
   * connections of the thread have their turn. Reads are to be resumed, so that the rest is
   * announced. Closes the connection if its stream has ended or an error occurs.
   *
   * @param wantsMore consumes a buffer, which it may not keep, and returns whether it wants another
   */
  public void readEach(Predicate<ByteBuffer> wantsMore) {
    ByteBuffer buffer = buffers.take();
    try {
      int n = 1;
      for (int i = 0; i < MAX_READS && n > 0; i++) {
        n = read(buffer.clear());
        if (n > 0 && !wantsMore.test(buffer.flip())) {
          return;
        }
      }
      if (n < 0) {
        close();
      }
    } catch (IOException e) {
      close();
    } finally {
      buffers.give(buffer);
    }
  }

  /**
   * Writes as {@link java.nio.channels.WritableByteChannel} does. If the peer accepts nothing more,
   * the bytes are discarded without an error: see {@link #discardsWrites} and {@link
   * #reportLostWrites}.
   */
  public int write(ByteBuffer from) throws IOException {
    return channel.getSinkChannel().write(from);
  }

  /** Flushes, and returns whether the socket has taken all that was written. */
  public boolean flush() throws IOException {
    return channel.getSinkChannel().flush();
  }

  /**
   * Ends the stream to the peer, over TLS with a close_notify. It takes effect once {@link #flush}
   * has returned true.
   */
  public void shutdownWrites() throws IOException {
    channel.getSinkChannel().shutdownWrites();
  }

  /**
   * Ends the TCP stream to the peer without a close_notify, so that a peer over TLS can tell that
   * the stream was truncated. Everything has to be flushed before.
   */
  void cutWrites() throws IOException {
    monitor.shutdownWrites();
  }

  /** Sets what runs while reads are resumed and there are bytes, an end or an error to read. */
  public void onReadable(@Nullable Runnable listener) {
    channel.getSourceChannel().setReadListener(listener == null ? null : c -> run(listener));
  }

  /** Sets what runs while writes are resumed and bytes can be written. */
  public void onWritable(@Nullable Runnable listener) {
    channel.getSinkChannel().setWriteListener(listener == null ? null : c -> run(listener));
  }

  /**
   * Adds what runs once, when the TLS handshake has succeeded. Without TLS, and after the
   * handshake, it runs at once.
   */
  public void onHandshake(Runnable listener) {
    Runnable before = handshakeListener;
    if (handshaken) {
      listener.run();
    } else if (before == null) {
      handshakeListener = listener;
    } else {
      handshakeListener =
          () -> {
            before.run();
            listener.run();
          };
    }
  }

  private void onHandshaken(SslConnection ssl) {
    ssl.getHandshakeSetter().set(null); // a layer may run it again for a KeyUpdate
    handshaken = true;
    noHandshakeDeadline();
    Runnable listener = handshakeListener;
    handshakeListener = null;
    if (listener != null) {
      run(listener);
    }
  }

  /**
   * Resets the connection if its TLS handshake is not over 10 s from now. This is for connections
   * that are accepted; whoever dials sets a deadline of its own and acts when it has passed.
   */
  void limitHandshake() {
    if (!handshaken) {
      handshakeDeadline = schedule(HANDSHAKE_TIME, this::abort);
    }
  }

  private void noHandshakeDeadline() {
    XnioExecutor.Key key = handshakeDeadline;
    handshakeDeadline = null;
    if (key != null) {
      key.remove();
    }
  }

  /** Returns whether the TLS handshake is over, or there is none. Any thread may call. */
  public boolean isHandshaken() {
    return handshaken;
  }

  /** Sets how the owner ends the connection when the process shuts down, or null for not at all. */
  public void onDrain(@Nullable Runnable listener) {
    drainListener = listener;
  }

  /** Sets what runs once, soon after the socket was closed, by whomever. */
  public void onClosed(Runnable listener) {
    closeListener = listener;
  }

  /**
   * Handles that the socket was closed: runs the close listener. The owner's other listeners and
   * its deadline stay, since a read can still tell it why. Any thread may call.
   */
  void onSocketClosed() {
    execute(
        () -> {
          Runnable listener = closeListener;
          closeListener = null;
          if (listener != null) {
            listener.run();
          }
        });
  }

  /** Runs the drain listener, if there is one and the connection is open. */
  public void drain() {
    Runnable listener = drainListener;
    if (listener != null && !closed) {
      run(listener);
    }
  }

  /** Resumes reads: the readable listener runs when there is something to read. */
  public void resumeReads() {
    channel.getSourceChannel().resumeReads();
  }

  /** Suspends reads: the readable listener does not run. */
  public void suspendReads() {
    channel.getSourceChannel().suspendReads();
  }

  /** Resumes writes: the writable listener runs when bytes can be written. */
  public void resumeWrites() {
    channel.getSinkChannel().resumeWrites();
  }

  /** Suspends writes: the writable listener does not run. */
  public void suspendWrites() {
    channel.getSinkChannel().suspendWrites();
  }

  /**
   * Returns whether one direction can end while the other goes on: over plain TCP and TLS 1.3, but
   * not over TLS 1.2, where the answer to a close_notify is a close_notify (RFC 5246, 7.2.1).
   */
  public boolean halfCloses() {
    SSLSession session = session();
    return session == null || session.getProtocol().equals("TLSv1.3");
  }

  /**
   * Returns whether the stream from the peer was truncated: over TLS, the TCP stream has ended
   * without a close_notify. Only to be called once the end was read.
   */
  public boolean isTruncated() {
    return channel instanceof SslConnection && monitor.hasEnded();
  }

  /**
   * Makes writes fail from now on if the peer accepts nothing more. This is for an owner that does
   * not call {@link #discardsWrites}, and would go on writing otherwise.
   */
  public void reportLostWrites() {
    monitor.reportLostWrites();
  }

  /** Returns whether the peer accepts nothing more. What it sent before may still be read. */
  public boolean discardsWrites() {
    return monitor.discardsWrites();
  }

  /** Returns whether the peer can be probed: over TLS 1.3, if the layer is {@link Probeable}. */
  public boolean canBeProbed() {
    return channel instanceof Probeable && halfCloses();
  }

  /**
   * Asks the peer for a sign of life that its application does not notice. Reads have to be
   * resumed.
   *
   * @param heard runs at most once, soon after anything has arrived from the peer
   * @return false if the peer cannot be probed, and nothing was sent
   */
  public boolean probe(Runnable heard) throws IOException {
    return channel instanceof Probeable probeable && probeable.probe(heard);
  }

  private @Nullable SSLSession session() {
    return channel instanceof SslConnection ssl ? ssl.getSslSession() : null;
  }

  /** Returns whether the beginning of a TLS record has arrived, and its rest has not. */
  public boolean isMidRecord() {
    return channel instanceof RecordStream records && records.isMidRecord();
  }

  /** Returns whether this end has not closed the connection yet. */
  public boolean isOpen() {
    return !closed && channel.isOpen();
  }

  /** Closes the connection. What was not flushed is lost. */
  public void close() {
    if (!closed) {
      closed = true;
      clearDeadline();
      noHandshakeDeadline();
      onDrain(null);
      onReadable(null);
      onWritable(null);
      IoUtils.safeClose(channel);
    }
  }

  /** Closes the connection with a TCP reset, which no peer can take for an orderly end. */
  public void abort() {
    if (!closed) {
      try {
        channel.setOption(Options.CLOSE_ABORT, true);
      } catch (IOException e) {
        // It is closed already, and ends without a reset.
      }
      close();
    }
  }

  @Override
  public String toString() {
    return "#"
        + id
        + " "
        + (peer instanceof InetSocketAddress inet
            ? inet.getAddress().getHostAddress() + ":" + inet.getPort()
            : peer);
  }
}
