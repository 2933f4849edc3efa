package io.rendezvous.tls;

import io.rendezvous.net.BufferPool;
import io.rendezvous.net.DuplexConduit;
import io.rendezvous.net.SocketMonitor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.xnio.IoUtils;
import org.xnio.StreamConnection;
import org.xnio.conduits.ConduitStreamSinkChannel;
import org.xnio.conduits.ConduitStreamSourceChannel;
import org.xnio.conduits.ReadReadyHandler;
import org.xnio.conduits.WriteReadyHandler;

/**
 * TLS over a socket of XNIO's, by an engine of JSSE's: TLS 1.3 (RFC 8446) and 1.2 (RFC 5246),
 * either role. {@link TlsHandshake} begins it, {@link TlsReader} and {@link TlsWriter} move the
 * octets; this class knows when.
 *
 * <ul>
 *   <li>The handshake begins when reading or writing does. Until it is over, reads and writes move
 *       nothing, and events are kept back; the engine's costly tasks run on an executor, and while
 *       one does the engine is not touched, for it would make the I/O thread wait.
 *   <li>The end of the stream without a close_notify is an end like any other to the reader; what
 *       sits below, {@link SocketMonitor}, tells one from the other.
 *   <li>{@link #terminateWrites} sends a close_notify and, when that has left, the end of the TCP
 *       stream. In TLS 1.3 reading goes on (RFC 8446, 6.1).
 *   <li>A failure is kept, and told at each read and write. The peer is sent the alert. One that
 *       ends its stream within the handshake is told of as the end by a read, as a failure by a
 *       write.
 *   <li>Renegotiation (TLS 1.2) is refused. A KeyUpdate, from whichever side, is seen by nobody but
 *       {@link #probe}.
 * </ul>
 *
 * <p>Its listeners run while reads or writes are on and there is something for them. Of octets that
 * were read from the socket too early, and of the end, no socket tells: so a listener that has read
 * is run again while there are some, and one that has not, when it resumes. The end is told once.
 *
 * <p>To be called on the connection's I/O thread, or, once hands are shaken, from another while
 * events are off and so that thread has no reason to touch it, as Undertow's blocking streams do.
 */
final class TlsConduit extends DuplexConduit<TlsConnection> {
  private final SSLEngine engine;
  private final ConduitStreamSourceChannel source;
  private final ConduitStreamSinkChannel sink;
  private final TlsReader reader;
  private final TlsWriter writer;

  private @Nullable Runnable onHeard;
  private @Nullable TlsHandshake handshake; // until it is over
  private @Nullable IOException failure;
  private boolean readsShut;
  private boolean writesShut; // by this side, told or not
  private boolean closeDue; // the engine is to be told, once no task runs
  private boolean closeNotified;
  private boolean inReadEvent;
  private boolean readEventDue;
  private boolean writeEventDue;
  private boolean wasRead;
  private boolean endWasTold;

  // Written by any thread.
  private volatile boolean readsResumed;
  private volatile boolean writesResumed;

  /**
   * Creates one, and takes the socket's events.
   *
   * @param tasks runs the engine's tasks
   * @param early what was read from the socket already
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
    this.handshake = new TlsHandshake(connection, engine, reader, writer, tasks, this::onTaskDone);
    SocketEvents events = new SocketEvents();
    source.getConduit().setReadReadyHandler(events);
    sink.getConduit().setWriteReadyHandler(events);
  }

  /** What the socket tells. */
  private final class SocketEvents implements ReadReadyHandler, WriteReadyHandler {
    @Override
    public void readReady() {
      onSocketReadable();
    }

    @Override
    public void writeReady() {
      onSocketWritable();
    }

    @Override
    public void forceTermination() {
      IoUtils.safeClose(connection);
    }

    @Override
    public void terminated() {
      // The connection tells, when it is closed itself.
    }
  }

  // The handshake.

  /** Brings the handshake forward as far as it goes without waiting. Returns whether it is over. */
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
        awaitSocket();
        return false;
      }
    } catch (IOException e) {
      failure = e;
      reader.fail(e);
      onHalted();
      throw e;
    }
    onHalted();
    if (handshake != null) {
      return false;
    }
    connection.onHandshaken();
    return true;
  }

  /**
   * The handshake waits, or is over, well or not; in which case the reader has to hear of it even
   * if it was a write that found out, for the socket has told what it had to tell.
   */
  private void onHalted() {
    awaitSocket();
    if (readsResumed && isSettled() && hasNews()) {
      readEventSoon();
    }
  }

  private void onTaskDone() {
    if (!connection.isOpen()) {
      release();
      return;
    }
    goOn();
    if (closeDue && !isInTask()) {
      try {
        notifyClose();
      } catch (IOException e) {
        failure = e;
      }
    }
    tell();
  }

  /** Brings the handshake forward; who asks next is told what became of it. */
  private void goOn() {
    try {
      shakeHands();
    } catch (IOException e) {
      // It is kept, and told to whoever reads or writes.
    }
  }

  private boolean isInTask() {
    return handshake != null && handshake.isInTask();
  }

  private boolean isUnbegun() {
    return handshake != null && !handshake.hasBegun();
  }

  private boolean isSettled() {
    return handshake == null || failure != null || reader.hasEnded();
  }

  private void tell() {
    if (isSettled()) {
      if (readsResumed) {
        readEvent();
      }
      if (writesResumed) {
        writeEvent();
      }
    }
  }

  /** Has the socket tell what is waited for, and nothing else. Who blocks waits by itself. */
  private void awaitSocket() {
    if (!inIoThread()) {
      return;
    }
    boolean shaking = handshake != null && handshake.hasBegun() && failure == null;
    if (!isInTask() && !reader.hasEnded() && !readsShut && (readsResumed || shaking)) {
      source.resumeReads();
    } else {
      source.suspendReads();
    }
    if (writer.hasPending() || writesResumed && isSettled()) {
      sink.resumeWrites();
    } else {
      sink.suspendWrites();
    }
  }

  private void applyInterest() {
    if (inIoThread()) {
      awaitSocket();
    } else {
      connection.execute(this::awaitSocket);
    }
  }

  private boolean inIoThread() {
    return Thread.currentThread() == connection.getIoThread();
  }

  // Events.

  private void onSocketReadable() {
    reader.onReadable();
    if (!isSettled()) {
      goOn();
      if (!isSettled()) {
        return;
      }
      if (writesResumed) {
        writeEvent();
      }
    }
    readEvent();
  }

  /** Has the reader read, and again soon if it has left something that no socket will tell of. */
  private void readEvent() {
    readEventDue = false;
    ReadReadyHandler handler = readHandler;
    if (!readsResumed || handler == null) {
      awaitSocket();
      return;
    }
    wasRead = false;
    inReadEvent = true;
    try {
      handler.readReady();
    } finally {
      inReadEvent = false;
      reader.onReadable();
    }
    if (readsResumed && wasRead && hasNews()) {
      readEventSoon();
    }
  }

  /** Returns whether there is something to read that no socket will tell of. */
  private boolean hasNews() {
    return reader.hasOctets() || reader.hasEnded() && !endWasTold;
  }

  private void readEventSoon() {
    if (!readEventDue) {
      readEventDue = true;
      connection.execute(this::onReadEventDue);
    }
  }

  /**
   * Runs the event, unless another came before it. An I/O thread runs all its tasks before it looks
   * at any socket: what follows what is already here has to wait for that.
   */
  private void onReadEventDue() {
    if (!readEventDue) {
      return;
    }
    readEventDue = false;
    if (isSettled()) {
      reader.leaveSocket();
      readEvent();
    } else {
      goOn();
      tell();
    }
  }

  private void onSocketWritable() {
    try {
      if (!writer.drain()) {
        return;
      }
    } catch (IOException e) {
      failure = e;
    }
    if (!isSettled()) {
      goOn();
    }
    writeEvent();
  }

  private void writeEvent() {
    WriteReadyHandler handler = writeHandler;
    if (writesResumed && handler != null && isSettled()) {
      handler.writeReady();
    } else {
      awaitSocket();
    }
  }

  private void writeEventSoon() {
    if (!writeEventDue) {
      writeEventDue = true;
      connection.execute(
          () -> {
            writeEventDue = false;
            if (!isSettled()) {
              goOn();
            }
            writeEvent();
          });
    }
  }

  /** Begins the handshake now. Any thread may call. */
  void begin() {
    connection.execute(
        () -> {
          if (!isSettled()) {
            goOn();
          }
        });
  }

  // Proof of life.

  /**
   * Asks the peer to prove that it lives, by a KeyUpdate with update_requested (RFC 8446, 4.6.3),
   * which its application does not see. The answer has to come before its next data, no sooner:
   * JSSE and Go give it at once, but OpenSSL since 1.1.1c, and so Node, when they next write. That
   * none comes from one who has nothing to say proves nothing.
   *
   * @param heard is run soon after a record of the peer's was read, whichever; at most once, on the
   *     I/O thread. Reads have to be on.
   * @return false, and nothing is done, where the peer cannot be asked: over TLS 1.2
   */
  boolean probe(Runnable heard) throws IOException {
    if (handshake != null || !engine.getSession().getProtocol().equals(TlsHandshake.TLS_1_3)) {
      return false;
    }
    onHeard = heard;
    reader.takeHeard();
    engine.beginHandshake();
    writer.writeOwn();
    awaitSocket();
    return true;
  }

  private void tellHeard() {
    Runnable listener = onHeard;
    if (listener != null && reader.takeHeard()) {
      onHeard = null;
      connection.execute(listener);
    }
  }

  // Reading.

  @Override
  public int read(ByteBuffer into) throws IOException {
    int n = readSome(into);
    if (n < 0) {
      onEndTold();
      connection.readsEnded();
    }
    return n;
  }

  private int readSome(ByteBuffer into) throws IOException {
    wasRead = true;
    if (readsShut) {
      return -1;
    }
    try {
      if (!reader.hasEnded() && !shakeHands() && !reader.hasEnded()) {
        return 0;
      }
      int n = reader.read(into, inReadEvent);
      if (writer.hasPending()) {
        applyInterest();
      }
      return n;
    } catch (IOException e) {
      onEndTold();
      throw e;
    } finally {
      tellHeard();
    }
  }

  private void onEndTold() {
    endWasTold = true;
    awaitSocket();
  }

  @Override
  public long read(ByteBuffer[] into, int offset, int length) throws IOException {
    long sum = 0;
    for (int i = offset; i < offset + length; i++) {
      while (into[i].hasRemaining()) {
        // What ends or breaks the stream is told by the next read.
        if (sum > 0 && !reader.hasOctets()) {
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
    } catch (IOException e) { // it is kept
      endWasTold = false;
      return -1;
    }
  }

  @Override
  public void terminateReads() {
    readsShut = true;
    reader.release();
    awaitSocket();
    connection.readsEnded();
  }

  @Override
  public void resumeReads() {
    readsResumed = true;
    if (inIoThread()) {
      onReadsResumed();
    } else {
      connection.execute(this::onReadsResumed);
    }
  }

  private void onReadsResumed() {
    if (isUnbegun() || isSettled() && (reader.hasOctets() || reader.hasEnded())) {
      readEventSoon();
    }
    awaitSocket();
  }

  @Override
  public void suspendReads() {
    readsResumed = false;
    applyInterest();
  }

  @Override
  public void wakeupReads() {
    readsResumed = true;
    connection.execute(
        () -> {
          readEventSoon();
          awaitSocket();
        });
  }

  @Override
  public boolean isReadResumed() {
    return readsResumed;
  }

  @Override
  public void awaitReadable() throws IOException {
    if (!reader.hasOctets() && !reader.hasEnded()) {
      source.awaitReadable();
    }
  }

  @Override
  public void awaitReadable(long time, TimeUnit unit) throws IOException {
    if (!reader.hasOctets() && !reader.hasEnded()) {
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
      awaitSocket();
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
      awaitSocket();
      return false;
    }
    if (closeNotified) {
      connection.writesEnded();
      sink.shutdownWrites();
    }
    return sink.flush();
  }

  /** Says that nothing more comes; what was written goes first. Done when {@link #flush} is. */
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
    awaitSocket();
  }

  /** Says nothing more, and does not say so: the peer can tell that it was cut off. */
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

  @Override
  public void resumeWrites() {
    writesResumed = true;
    if (inIoThread()) {
      onWritesResumed();
    } else {
      connection.execute(this::onWritesResumed);
    }
  }

  private void onWritesResumed() {
    if (isUnbegun()) {
      writeEventSoon();
    }
    awaitSocket();
  }

  @Override
  public void suspendWrites() {
    writesResumed = false;
    applyInterest();
  }

  @Override
  public void wakeupWrites() {
    writesResumed = true;
    connection.execute(
        () -> {
          writeEventSoon();
          awaitSocket();
        });
  }

  @Override
  public boolean isWriteResumed() {
    return writesResumed;
  }

  @Override
  public void awaitWritable() throws IOException {
    sink.awaitWritable();
  }

  @Override
  public void awaitWritable(long time, TimeUnit unit) throws IOException {
    sink.awaitWritable(time, unit);
  }

  /** Gives the buffers back, for the connection is closed. */
  void release() {
    reader.release();
    writer.release();
  }

  /** The reading side is closed. */
  void readsTerminated() {
    ReadReadyHandler handler = readHandler;
    if (handler != null) {
      handler.terminated();
    }
  }

  /** The writing side is closed. */
  void writesTerminated() {
    WriteReadyHandler handler = writeHandler;
    if (handler != null) {
      handler.terminated();
    }
  }
}
