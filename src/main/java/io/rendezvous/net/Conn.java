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
import org.xnio.IoUtils;
import org.xnio.Options;
import org.xnio.StreamConnection;
import org.xnio.XnioExecutor;
import org.xnio.XnioIoThread;
import org.xnio.ssl.SslConnection;

/**
 * One stream connection, decrypted, with the octets that were read from it too early.
 *
 * <p>It has one owner at a time, who closes it on failure; whoever hands it on never touches it
 * again. Every method but {@link #execute}, {@link #after}, {@link #sharesThread} and the plain
 * getters is called on the connection's own I/O thread only.
 */
public final class Conn {
  private static final Duration HANDSHAKE_TIME = Duration.ofSeconds(10);

  /** Reads in a turn, since a peer may make much work of few octets. */
  private static final int MAX_READS = 16;

  private static final AtomicLong IDS = new AtomicLong();

  private final BufferPool buffers;
  private final long id = IDS.incrementAndGet();
  private final SocketMonitor watch;
  private final SocketAddress peer;

  // Everything below belongs to the connection's I/O thread.
  private StreamConnection channel;
  private @Nullable Layer layer; // until TLS starts
  private @Nullable ByteBuffer early;
  private XnioExecutor.@Nullable Key deadline;
  private @Nullable Runnable drainListener;
  private @Nullable Runnable closeListener;
  private @Nullable Runnable handshakeListener;
  private XnioExecutor.@Nullable Key handshakeDeadline;
  private boolean closed;

  // Written by the connection's I/O thread, read by all.
  private volatile boolean handshaken;

  /**
   * Wraps a connection.
   *
   * @param layer the TLS that {@link #startTls} puts on it, or null for a plain connection
   */
  Conn(StreamConnection socket, SocketMonitor watch, BufferPool buffers, @Nullable Layer layer) {
    this.channel = socket;
    this.watch = watch;
    this.buffers = buffers;
    this.layer = layer;
    this.peer = socket.getPeerAddress();
    this.handshaken = layer == null;
  }

  /** Returns a number that no other connection of this process has, for the log. */
  public long id() {
    return id;
  }

  /** Returns the address at the other end. What was opened to a Unix-domain socket has none. */
  public InetSocketAddress peer() {
    return overTcp(peer);
  }

  /** Returns the address at this end. What was opened to a Unix-domain socket has none. */
  public InetSocketAddress local() {
    return overTcp(channel.getLocalAddress());
  }

  /** Returns where it comes from, as limits and tokens count it. It is not kept, but made anew. */
  public Source source() {
    return Source.of(peer().getAddress());
  }

  private static InetSocketAddress overTcp(SocketAddress address) {
    if (address instanceof InetSocketAddress inet) {
      return inet;
    }
    throw new IllegalStateException("not over TCP: " + address);
  }

  /** Returns the pool for octets on their way from or to this connection. */
  public BufferPool buffers() {
    return buffers;
  }

  /** Returns whether TLS is still to be started: what is read until then is not plaintext. */
  public boolean awaitsTls() {
    return layer != null;
  }

  /**
   * Starts the TLS that the connection awaits. The octets that were read too early are the first
   * that TLS reads, so a ClientHello can be looked at before; from now on plaintext is read and
   * written.
   *
   * @throws IllegalStateException if no TLS is awaited
   */
  public void startTls() {
    Layer awaited = layer;
    if (awaited == null) {
      throw new IllegalStateException("no TLS is awaited: " + this);
    }
    startTls(awaited);
  }

  /** Starts TLS on whatever is read and written so far, in the same way. */
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

  /** Returns the connection as XNIO knows it, for the one place where Undertow takes it over. */
  public StreamConnection channel() {
    return channel;
  }

  XnioIoThread ioThread() {
    return channel.getIoThread();
  }

  /** Returns an object that stands for the connection's I/O thread. Any thread may ask. */
  public Object eventLoop() {
    return ioThread();
  }

  /** Returns whether both live on the same I/O thread. Any thread may ask. */
  public boolean sharesThread(Conn other) {
    return ioThread() == other.ioThread();
  }

  /** Returns whether the caller runs on this connection's I/O thread. */
  public boolean inThread() {
    return Thread.currentThread() == ioThread();
  }

  /** Runs a task on this connection's I/O thread, soon, unless that is ending. Any thread. */
  public void execute(Runnable task) {
    try {
      ioThread().execute(task);
    } catch (RejectedExecutionException e) {
      // The process ends, and the connection with it.
    }
  }

  /** Runs a task on this connection's I/O thread later. Any thread may call. */
  public void after(Duration delay, Runnable task) {
    schedule(delay, task);
  }

  private XnioExecutor.Key schedule(Duration delay, Runnable task) {
    try {
      return ioThread().executeAfter(task, delay.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      return XnioExecutor.Key.IMMEDIATE; // the process ends, and the connection with it
    }
  }

  /**
   * Sets what happens when time is up, in place of an earlier deadline. It is off once the
   * connection is closed.
   */
  public void deadline(Duration in, Runnable late) {
    noDeadline();
    deadline = schedule(in, late);
  }

  /** Takes the deadline away. */
  public void noDeadline() {
    XnioExecutor.Key key = deadline;
    deadline = null;
    if (key != null) {
      key.remove();
    }
  }

  /** Keeps octets that were read too early; they go before what is still to be read. */
  public void unread(ByteBuffer octets) {
    if (octets.hasRemaining()) {
      early = BufferPool.joined(octets, takeEarly());
    }
  }

  /** Takes the octets that were read too early, or an empty buffer. */
  public ByteBuffer takeEarly() {
    ByteBuffer kept = early;
    early = null;
    return kept == null ? ByteBuffer.allocate(0) : kept;
  }

  /** Reads as {@link java.nio.channels.ReadableByteChannel} does; not the early octets. */
  public int read(ByteBuffer into) throws IOException {
    return channel.getSourceChannel().read(into);
  }

  /**
   * Reads what there is, a buffer at a time, and gives it to the owner until that wants no more, or
   * it is the turn of others; reads are on, and tell of the rest. Closes the connection where it
   * has ended or broken.
   *
   * @param wantsMore takes the octets; the buffer is not its own
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
   * Writes as {@link java.nio.channels.WritableByteChannel} does. What a peer that {@link #isDeaf}
   * does not take is dropped without an error.
   */
  public int write(ByteBuffer from) throws IOException {
    return channel.getSinkChannel().write(from);
  }

  /** Returns whether all that was written has left for the socket. Over TLS a record may remain. */
  public boolean flush() throws IOException {
    return channel.getSinkChannel().flush();
  }

  /** Says that nothing more will be written. Done when {@link #flush} has returned true. */
  public void shutdownWrites() throws IOException {
    channel.getSinkChannel().shutdownWrites();
  }

  /**
   * Ends the TCP stream to the peer without a word of TLS, so that the peer can tell that it was
   * cut off. Everything was flushed before.
   */
  public void cutWrites() throws IOException {
    watch.shutdownWrites();
  }

  /** Sets what runs while there is something to read, or the end was reached, and reads are on. */
  public void onReadable(@Nullable Runnable listener) {
    channel.getSourceChannel().setReadListener(listener == null ? null : c -> listener.run());
  }

  /** Sets what runs while octets can be written, and writes are on. */
  public void onWritable(@Nullable Runnable listener) {
    channel.getSinkChannel().setWriteListener(listener == null ? null : c -> listener.run());
  }

  /** Adds what runs, once, when the TLS handshake is over; without TLS it runs now. */
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
    ssl.getHandshakeSetter().set(null); // a KeyUpdate would run it again
    handshaken = true;
    noHandshakeDeadline();
    Runnable listener = handshakeListener;
    handshakeListener = null;
    if (listener != null) {
      listener.run();
    }
  }

  /**
   * Ends the connection if its TLS handshake takes too long. For one that was accepted: who dials
   * has a deadline of their own, and something to do when it is over.
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

  /** Returns whether there is no TLS handshake still to be finished. Any thread may ask. */
  public boolean isHandshaken() {
    return handshaken;
  }

  /** Sets what the owner does with the connection when the process closes down. */
  public void onDrain(@Nullable Runnable listener) {
    drainListener = listener;
  }

  /** Sets what runs, once, when the connection is closed, from whichever end. */
  public void onClosed(Runnable listener) {
    closeListener = listener;
  }

  /**
   * The socket is closed. What its owner waits for goes on: a read, which tells why, or a deadline.
   * Any thread may call.
   */
  void closed() {
    execute(
        () -> {
          Runnable listener = closeListener;
          closeListener = null;
          if (listener != null) {
            listener.run();
          }
        });
  }

  /** Has the owner end the connection, unless it is to go on until it ends by itself. */
  public void drain() {
    Runnable listener = drainListener;
    if (listener != null && !closed) {
      listener.run();
    }
  }

  /** Switches the readable event on. */
  public void resumeReads() {
    channel.getSourceChannel().resumeReads();
  }

  /** Switches the readable event off. */
  public void suspendReads() {
    channel.getSourceChannel().suspendReads();
  }

  /** Switches the writable event on. */
  public void resumeWrites() {
    channel.getSinkChannel().resumeWrites();
  }

  /** Switches the writable event off. */
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
   * Returns whether the end that was read may have been nobody's intention: over TLS there was no
   * close_notify.
   */
  public boolean isTruncated() {
    return channel instanceof SslConnection && watch.hasEnded();
  }

  /** Has writes to a peer that takes no more fail, for an owner that does not ask for that. */
  public void reportLostWrites() {
    watch.reportLostWrites();
  }

  /** Returns whether the peer takes no more. What it has sent before may still be read. */
  public boolean isDeaf() {
    return watch.isDeaf();
  }

  /** Returns whether the peer can be asked for a sign of life: over TLS 1.3, if that is our own. */
  public boolean canBeProbed() {
    return channel instanceof Probeable && halfCloses();
  }

  /**
   * Asks the peer for a sign of life, of which its application notices nothing.
   *
   * @param heard runs soon after anything has come from the peer, once at most. Reads have to be on
   * @return false where it cannot be asked
   */
  public boolean probe(Runnable heard) throws IOException {
    return channel instanceof Probeable probeable && probeable.probe(heard);
  }

  private @Nullable SSLSession session() {
    return channel instanceof SslConnection ssl ? ssl.getSslSession() : null;
  }

  /** Returns whether this end has not closed it yet. */
  public boolean isOpen() {
    return !closed && channel.isOpen();
  }

  /** Closes it. What was not flushed is lost. */
  public void close() {
    if (!closed) {
      closed = true;
      noDeadline();
      noHandshakeDeadline();
      onDrain(null);
      onReadable(null);
      onWritable(null);
      IoUtils.safeClose(channel);
    }
  }

  /** Closes it with a TCP reset, so that the other side cannot take it for an orderly end. */
  public void abort() {
    if (!closed) {
      try {
        channel.setOption(Options.CLOSE_ABORT, true);
      } catch (IOException e) {
        // It is closed already, and so it ends without a reset.
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
