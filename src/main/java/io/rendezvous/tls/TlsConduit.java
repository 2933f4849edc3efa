package io.rendezvous.tls;

import io.rendezvous.net.BufferPool;
import io.rendezvous.net.DuplexConduit;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.xnio.StreamConnection;
import org.xnio.conduits.ConduitStreamSinkChannel;
import org.xnio.conduits.ConduitStreamSourceChannel;
import org.xnio.conduits.ReadReadyHandler;
import org.xnio.conduits.WriteReadyHandler;

/**
 * TLS 1.3 (RFC 8446) and 1.2 (RFC 5246) over a socket of XNIO, in either role, by an engine of
 * JSSE. {@link TlsHandshake} carries out the handshake, {@link TlsReader} and {@link TlsWriter}
 * move the bytes, {@link TlsEvents} runs the handlers; this class holds the state.
 *
 * <pre>
 *   UNBEGUN -- read, write, resume --> HANDSHAKE -- the engine has a task --> TASK
 *                                       |     ^                                |
 *                              finished |     +----------- task done ----------+
 *                                       v
 *                                      OPEN
 *              end of stream was read /    \ terminateWrites
 *                                    v      v
 *                           READ-ENDED      WRITE-CLOSED
 *                                    \      /
 *                     terminateWrites v    v end of stream was read
 *                                     ENDED
 *
 *   HANDSHAKE -- end of stream, terminateWrites --> FAILED
 *   any state -- error ---------------------------> FAILED
 *   any state -- the connection is closed --------> RELEASED
 * </pre>
 *
 * <ul>
 *   <li>UNBEGUN, HANDSHAKE: reads and writes move nothing, and no handler runs.
 *   <li>TASK: a costly task of the engine runs on an executor. The engine is not used meanwhile,
 *       since it would block the I/O thread, and the socket is not read.
 *   <li>READ-ENDED: after a close_notify, or the end of the TCP stream without one, which is an end
 *       like any other to the reader; {@link io.rendezvous.net.Conn#isTruncated} tells one from the
 *       other. Over TLS 1.3 writing goes on (RFC 8446, 6.1); over TLS 1.2 the engine answers a
 *       close_notify with its own, and writes fail (RFC 5246, 7.2.1).
 *   <li>WRITE-CLOSED: a close_notify was written, or will be when the task is done. When it has
 *       been flushed, the TCP stream ends too. Reading goes on.
 *   <li>FAILED: the failure is kept and thrown again by what is tried next, and the peer was sent
 *       the alert. If the peer ended its stream within the handshake, reads return the end, and
 *       writes fail.
 *   <li>RELEASED: all buffers have been given back to the pool.
 * </ul>
 *
 * <p>Renegotiation (TLS 1.2) is refused. A KeyUpdate of either side is invisible, except to {@link
 * #probe}.
 *
 * <p>It is used on the connection's I/O thread. After the handshake another thread may use it
 * instead, while reads and writes are suspended, as the blocking streams of Undertow do.
 */
final class TlsConduit extends DuplexConduit<TlsConnection> {
  private final SSLEngine engine;
  private final ConduitStreamSourceChannel source;
  private final ConduitStreamSinkChannel sink;
  private final TlsReader reader;
  private final TlsWriter writer;
  private final TlsEvents events;

  private @Nullable TlsHandshake handshake; // until it has succeeded
  private @Nullable IOException failure;
  private boolean readsShut;
  private boolean writesShut; // whether or not the close_notify was sent yet
  private boolean closeDue; // the engine is closed as soon as no task runs
  private boolean closeNotified;
  private @Nullable Runnable onHeard;

  /**
   * Creates a conduit over a socket, whose events it takes over.
   *
   * @param tasks runs the engine's tasks
   * @param early bytes that were read from the socket already
   */
  TlsConduit(
      TlsConnection connection,
      StreamConnection socket,
      SSLEngine engine,
      Executor tasks,
      BufferPool buffers,
      ByteBuffer early) {
    super(connection);
    this.engine = engine;
    this.source = socket.getSourceChannel();
    this.sink = socket.getSinkChannel();
    this.writer = new TlsWriter(engine, sink, buffers);
    this.reader = new TlsReader(engine, source, writer, buffers, early);
    this.events = new TlsEvents(this, connection, socket, reader, writer);
    this.handshake =
        new TlsHandshake(connection, engine, reader, writer, tasks, this::onHandshakeDue);
  }

  // The handshake.

  /** Starts the handshake. Any thread may call. */
  void begin() {
    connection.execute(
        () -> {
          if (!isSettled()) {
            advance();
          }
        });
  }

  /** Carries the handshake on as far as it goes. A failure is kept for reads and writes. */
  void advance() {
    try {
      shakeHands();
    } catch (IOException e) {
      // It is kept.
    }
  }

  /**
   * Carries the handshake on as far as it goes without waiting.
   *
   * @return whether it has succeeded
   * @throws IOException if it has failed, now or before
   */
  private boolean shakeHands() throws IOException {
    TlsHandshake running = handshake;
    if (running == null) {
      return true;
    }
    if (failure != null) {
      throw failure;
    }
    try {
      if (running.advance()) {
        handshake = null;
      } else if (running.isInTask()) {
        events.updateInterest();
        return false;
      }
    } catch (IOException e) {
      failure = e;
      reader.fail(e);
      events.onHandshakeHalted();
      throw e;
    }
    events.onHandshakeHalted();
    if (handshake != null) {
      return false;
    }
    connection.onHandshaken();
    return true;
  }

  private void onHandshakeDue() {
    if (!connection.isOpen()) {
      release();
      return;
    }
    advance();
    if (closeDue && !isInTask()) {
      try {
        notifyClose();
      } catch (IOException e) {
        failure = e;
      }
    }
    events.runHandlers();
  }

  /** Returns whether nothing was done for the handshake yet. */
  boolean isUnbegun() {
    return handshake != null && !handshake.hasBegun();
  }

  /** Returns whether the handshake has begun and is not over. */
  boolean isShakingHands() {
    return handshake != null && handshake.hasBegun() && failure == null;
  }

  /** Returns whether the handshake is over, or never will be: whether handlers may run. */
  boolean isSettled() {
    return handshake == null || failure != null || reader.hasEnded();
  }

  /** Returns whether the socket may be read now. */
  boolean mayRead() {
    return !isInTask() && !readsShut;
  }

  private boolean isInTask() {
    return handshake != null && handshake.isInTask();
  }

  /** Keeps a failure of the socket: every write fails from now on, as does a running handshake. */
  void fail(IOException e) {
    failure = e;
  }

  /** Returns what runs when there is something to read. */
  @Nullable ReadReadyHandler readHandler() {
    return readHandler;
  }

  /** Returns what runs when something can be written. */
  @Nullable WriteReadyHandler writeHandler() {
    return writeHandler;
  }

  // Proof of life.

  /**
   * Asks the peer to prove that it is alive, by a KeyUpdate with update_requested (RFC 8446,
   * 4.6.3), which its application does not notice. The peer has to answer before its next data, not
   * sooner: JSSE and Go answer at once, but OpenSSL since 1.1.1c, and so Node, when they next
   * write. A peer that has nothing to write and does not answer is therefore not proved dead.
   *
   * @param heard runs at most once, on the I/O thread, soon after any record of the peer was read.
   *     Reads have to be resumed
   * @return false, and nothing is sent, before the handshake is over and over TLS 1.2
   */
  boolean probe(Runnable heard) throws IOException {
    if (handshake != null || !engine.getSession().getProtocol().equals(TlsHandshake.TLS_1_3)) {
      return false;
    }
    onHeard = heard;
    reader.takeHeard();
    engine.beginHandshake();
    writer.writeOwn();
    events.updateInterest();
    return true;
  }

  private void reportHeard() {
    Runnable listener = onHeard;
    if (listener != null && reader.takeHeard()) {
      onHeard = null;
      connection.execute(listener);
    }
  }

  // Reading.

  /** Returns whether the beginning of a record has arrived, and its rest has not. */
  boolean isMidRecord() {
    return reader.isMidRecord();
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    int n = readSome(into);
    if (n < 0) {
      events.onEndReported();
      connection.readsEnded();
    }
    return n;
  }

  private int readSome(ByteBuffer into) throws IOException {
    events.onRead();
    if (readsShut) {
      return -1;
    }
    try {
      if (!reader.hasEnded() && !shakeHands() && !reader.hasEnded()) {
        return 0;
      }
      int n = reader.read(into, events.isInReadEvent());
      if (writer.hasPending()) {
        events.updateInterestSoon();
      }
      return n;
    } catch (IOException e) {
      events.onEndReported();
      throw e;
    } finally {
      reportHeard();
    }
  }

  @Override
  public long read(ByteBuffer[] into, int offset, int length) throws IOException {
    long sum = 0;
    for (int i = offset; i < offset + length; i++) {
      while (into[i].hasRemaining()) {
        // An end or a failure behind the bytes is left to the next read.
        if (sum > 0 && !reader.hasBytes()) {
          return sum;
        }
        int n = readMore(into[i], sum);
        if (n <= 0) {
          return sum > 0 ? sum : n;
        }
        sum += n;
      }
    }
    return sum;
  }

  private int readMore(ByteBuffer into, long before) throws IOException {
    if (before == 0) {
      return read(into);
    }
    try {
      return readSome(into);
    } catch (IOException e) { // the next read throws it again
      events.onEndWithheld();
      return -1;
    }
  }

  @Override
  public void terminateReads() {
    readsShut = true;
    reader.release();
    events.updateInterest();
    connection.readsEnded();
  }

  @Override
  public void resumeReads() {
    events.resumeReads();
  }

  @Override
  public void suspendReads() {
    events.suspendReads();
  }

  @Override
  public void wakeupReads() {
    events.wakeupReads();
  }

  @Override
  public boolean isReadResumed() {
    return events.isReadResumed();
  }

  @Override
  public void awaitReadable() throws IOException {
    if (!reader.hasBytes() && !reader.hasEnded()) {
      source.awaitReadable();
    }
  }

  @Override
  public void awaitReadable(long time, TimeUnit unit) throws IOException {
    if (!reader.hasBytes() && !reader.hasEnded()) {
      source.awaitReadable(time, unit);
    }
  }

  // Writing.

  @Override
  public int write(ByteBuffer from) throws IOException {
    if (writesShut) {
      throw new ClosedChannelException();
    }
    if (failure != null) {
      throw failure;
    }
    if (!shakeHands()) {
      if (reader.hasEnded()) {
        throw new ClosedChannelException();
      }
      return 0;
    }
    int n = writer.write(from);
    if (writer.hasPending()) {
      events.updateInterest();
    }
    return n;
  }

  @Override
  public long write(ByteBuffer[] from, int offset, int length) throws IOException {
    long sum = 0;
    for (int i = offset; i < offset + length; i++) {
      while (from[i].hasRemaining()) {
        int n = write(from[i]);
        if (n == 0) {
          return sum;
        }
        sum += n;
      }
    }
    return sum;
  }

  @Override
  public boolean flush() throws IOException {
    if (isInTask() || !writer.drain()) {
      events.updateInterest();
      return false;
    }
    if (closeNotified) {
      connection.writesEnded();
      sink.shutdownWrites();
    }
    return sink.flush();
  }

  @Override
  public void resumeWrites() {
    events.resumeWrites();
  }

  @Override
  public void suspendWrites() {
    events.suspendWrites();
  }

  @Override
  public void wakeupWrites() {
    events.wakeupWrites();
  }

  @Override
  public boolean isWriteResumed() {
    return events.isWriteResumed();
  }

  @Override
  public void awaitWritable() throws IOException {
    sink.awaitWritable();
  }

  @Override
  public void awaitWritable(long time, TimeUnit unit) throws IOException {
    sink.awaitWritable(time, unit);
  }

  // Closing.

  /** Ends the stream to the peer after what was written, once {@link #flush} has returned true. */
  @Override
  public void terminateWrites() throws IOException {
    if (!writesShut) {
      writesShut = true;
      closeDue = true;
      if (!isInTask()) {
        notifyClose();
      }
    }
  }

  private void notifyClose() throws IOException {
    closeDue = false;
    engine.closeOutbound();
    closeNotified = true;
    writer.writeOwn();
    events.updateInterest();
  }

  /** Ends the stream to the peer without a close_notify, so that the peer finds it truncated. */
  @Override
  public void truncateWrites() throws IOException {
    writesShut = true;
    closeDue = false;
    writer.release();
    connection.writesEnded();
    sink.shutdownWrites();
  }

  @Override
  public boolean isWriteShutdown() {
    return writesShut || super.isWriteShutdown();
  }

  /** Gives the buffers back to the pool, since the connection is closed. */
  void release() {
    reader.release();
    writer.release();
  }

  /** Reports to the read handler that the connection's reading side is closed. */
  void readsTerminated() {
    ReadReadyHandler handler = readHandler; // which another thread may change
    if (handler != null) {
      handler.terminated();
    }
  }

  /** Reports to the write handler that the connection's writing side is closed. */
  void writesTerminated() {
    WriteReadyHandler handler = writeHandler; // which another thread may change
    if (handler != null) {
      handler.terminated();
    }
  }
}
