package io.rendezvous.tls;

import java.io.IOException;
import org.xnio.IoUtils;
import org.xnio.StreamConnection;
import org.xnio.conduits.ConduitStreamSinkChannel;
import org.xnio.conduits.ConduitStreamSourceChannel;
import org.xnio.conduits.ReadReadyHandler;
import org.xnio.conduits.WriteReadyHandler;

/**
 * The events of a {@link TlsConduit}: it receives those of the socket, runs the handlers of the
 * conduit, and decides which events the socket has to report.
 *
 * <p>While the handshake lasts, the events of the socket carry it on, and no handler runs. From
 * then on a handler runs while it is resumed and there is something for it. The socket does not
 * report again what was read from it ahead: bytes that are left, and the end. So a read handler
 * that has read runs again while some are left, and one that has not read runs again when it is
 * resumed. The end is reported once.
 *
 * <p>Any thread may resume, suspend and wake up; everything else happens on the connection's I/O
 * thread, or where {@link TlsConduit} allows another.
 */
final class TlsEvents implements ReadReadyHandler, WriteReadyHandler {
  private final TlsConduit conduit;
  private final TlsConnection connection;
  private final ConduitStreamSourceChannel source;
  private final ConduitStreamSinkChannel sink;
  private final TlsReader reader;
  private final TlsWriter writer;

  private boolean inReadEvent;
  private boolean readScheduled;
  private boolean writeScheduled;
  private boolean wasRead; // since the read handler was last run
  private boolean endReported;

  // Written by any thread.
  private volatile boolean readsResumed;
  private volatile boolean writesResumed;

  /** Creates the events of a conduit, and takes those of its socket over. */
  TlsEvents(
      TlsConduit conduit,
      TlsConnection connection,
      StreamConnection socket,
      TlsReader reader,
      TlsWriter writer) {
    this.conduit = conduit;
    this.connection = connection;
    this.source = socket.getSourceChannel();
    this.sink = socket.getSinkChannel();
    this.reader = reader;
    this.writer = writer;
    source.getConduit().setReadReadyHandler(this);
    sink.getConduit().setWriteReadyHandler(this);
  }

  // From the socket.

  @Override
  public void readReady() {
    reader.onReadable();
    if (!conduit.isSettled()) {
      conduit.advance();
      if (!conduit.isSettled()) {
        return;
      }
      if (writesResumed) {
        runWriteHandler();
      }
    }
    runReadHandler();
  }

  @Override
  public void writeReady() {
    try {
      if (!writer.drain()) {
        return;
      }
    } catch (IOException e) {
      conduit.fail(e);
    }
    if (!conduit.isSettled()) {
      conduit.advance();
    }
    runWriteHandler();
  }

  @Override
  public void forceTermination() {
    IoUtils.safeClose(connection);
  }

  @Override
  public void terminated() {
    // The connection reports this when it is closed itself.
  }

  // To the handlers.

  /** Runs the handlers that are resumed, if the handshake is settled. */
  void runHandlers() {
    if (conduit.isSettled()) {
      if (readsResumed) {
        runReadHandler();
      }
      if (writesResumed) {
        runWriteHandler();
      }
    }
  }

  private void runReadHandler() {
    readScheduled = false;
    ReadReadyHandler handler = conduit.readHandler();
    if (!readsResumed || handler == null) {
      updateInterest();
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
    if (readsResumed && wasRead && hasUnreported()) {
      scheduleRead();
    }
  }

  /** Returns whether there is something to read that the socket does not report. */
  private boolean hasUnreported() {
    return reader.hasBytes() || reader.hasEnded() && !endReported;
  }

  private void scheduleRead() {
    if (!readScheduled) {
      readScheduled = true;
      connection.execute(this::onReadScheduled);
    }
  }

  /**
   * Runs the read handler, unless another event did so before. An I/O thread runs all its tasks
   * before it looks at any socket: so this does not read the socket, which waits for its turn.
   */
  private void onReadScheduled() {
    if (!readScheduled) {
      return;
    }
    readScheduled = false;
    if (conduit.isSettled()) {
      reader.leaveSocket();
      runReadHandler();
    } else {
      conduit.advance();
      runHandlers();
    }
  }

  private void runWriteHandler() {
    WriteReadyHandler handler = conduit.writeHandler();
    if (writesResumed && handler != null && conduit.isSettled()) {
      handler.writeReady();
    } else {
      updateInterest();
    }
  }

  private void scheduleWrite() {
    if (!writeScheduled) {
      writeScheduled = true;
      connection.execute(this::onWriteScheduled);
    }
  }

  private void onWriteScheduled() {
    writeScheduled = false;
    if (!conduit.isSettled()) {
      conduit.advance();
    }
    runWriteHandler();
  }

  // From the conduit.

  /**
   * Handles that the handshake waits or is over. If it is over, the read handler has to run even if
   * it was a write that ended it, since the socket has reported all that it has to report.
   */
  void onHandshakeHalted() {
    updateInterest();
    if (readsResumed && conduit.isSettled() && hasUnreported()) {
      scheduleRead();
    }
  }

  /**
   * Returns whether the read handler is running, so that the socket is looked at again after it.
   */
  boolean isInReadEvent() {
    return inReadEvent;
  }

  /** Handles that something tried to read. */
  void onRead() {
    wasRead = true;
  }

  /** Handles that the end, or a failure, was returned to whoever reads. */
  void onEndReported() {
    endReported = true;
    updateInterest();
  }

  /** Handles that a failure was not passed on after all, so that the next read has to return it. */
  void onEndWithheld() {
    endReported = false;
  }

  // What is awaited.

  /**
   * Has the socket report what is awaited, and nothing else. Only the I/O thread changes that; a
   * thread that blocks waits by itself.
   */
  void updateInterest() {
    if (!inIoThread()) {
      return;
    }
    if (!reader.hasEnded() && conduit.mayRead() && (readsResumed || conduit.isShakingHands())) {
      source.resumeReads();
    } else {
      source.suspendReads();
    }
    if (writer.hasPending() || writesResumed && conduit.isSettled()) {
      sink.resumeWrites();
    } else {
      sink.suspendWrites();
    }
  }

  /** Updates what the socket reports, soon if this is not the I/O thread. Any thread may call. */
  void updateInterestSoon() {
    if (inIoThread()) {
      updateInterest();
    } else {
      connection.execute(this::updateInterest);
    }
  }

  private boolean inIoThread() {
    return Thread.currentThread() == connection.getIoThread();
  }

  void resumeReads() {
    readsResumed = true;
    if (inIoThread()) {
      onReadsResumed();
    } else {
      connection.execute(this::onReadsResumed);
    }
  }

  private void onReadsResumed() {
    if (conduit.isUnbegun() || conduit.isSettled() && (reader.hasBytes() || reader.hasEnded())) {
      scheduleRead();
    }
    updateInterest();
  }

  void suspendReads() {
    readsResumed = false;
    updateInterestSoon();
  }

  void wakeupReads() {
    readsResumed = true;
    connection.execute(
        () -> {
          scheduleRead();
          updateInterest();
        });
  }

  boolean isReadResumed() {
    return readsResumed;
  }

  void resumeWrites() {
    writesResumed = true;
    if (inIoThread()) {
      onWritesResumed();
    } else {
      connection.execute(this::onWritesResumed);
    }
  }

  private void onWritesResumed() {
    if (conduit.isUnbegun()) {
      scheduleWrite();
    }
    updateInterest();
  }

  void suspendWrites() {
    writesResumed = false;
    updateInterestSoon();
  }

  void wakeupWrites() {
    writesResumed = true;
    connection.execute(
        () -> {
          scheduleWrite();
          updateInterest();
        });
  }

  boolean isWriteResumed() {
    return writesResumed;
  }
}
