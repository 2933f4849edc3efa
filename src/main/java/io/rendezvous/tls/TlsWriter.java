package io.rendezvous.tls;

import io.rendezvous.net.BufferPool;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.xnio.conduits.ConduitStreamSinkChannel;

/**
 * The sending half of a {@link TlsConduit}. It encrypts plaintext into as many records as a buffer
 * holds, and writes them to the socket in one piece. What the socket does not take is kept in its
 * buffer and goes before anything else. Otherwise no buffer is held.
 *
 * <p>Its methods exclude each other. The I/O thread is nearly always the only caller, but while a
 * handler of Undertow writes on a thread that may block, the I/O thread may have to answer a
 * KeyUpdate.
 */
final class TlsWriter {
  /** Bytes of plaintext that make a single record: JSSE leaves 17 of the 16,384 unused. */
  private static final int SINGLE_RECORD = 16_000;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final SSLEngine engine;
  private final ConduitStreamSinkChannel socket;
  private final BufferPool buffers;
  private @Nullable ByteBuffer pending; // guarded by this; never empty
  private boolean holdsTicket; // guarded by this
  private boolean tookPlaintext; // guarded by this

  TlsWriter(SSLEngine engine, ConduitStreamSinkChannel socket, BufferPool buffers) {
    this.engine = engine;
    this.socket = socket;
    this.buffers = buffers;
  }

  /** Returns whether there are records that the socket has yet to take. */
  synchronized boolean hasPending() {
    return pending != null;
  }

  /**
   * Leaves the session ticket that the engine has to send until there is plaintext to send with it:
   * a client needs the ticket for its next connection only.
   */
  synchronized void holdTicket() {
    holdsTicket = true;
  }

  /** Returns whether what the engine has to send is a ticket, which may wait for plaintext. */
  synchronized boolean holdsTicket() {
    return holdsTicket;
  }

  /** Returns whether plaintext was encrypted since this was last called. */
  synchronized boolean hasTakenPlaintext() {
    boolean took = tookPlaintext;
    tookPlaintext = false;
    return took;
  }

  /** Writes the records that the socket has yet to take. Returns whether none are left. */
  synchronized boolean drain() throws IOException {
    ByteBuffer records = pending;
    try {
      while (records != null && records.hasRemaining()) {
        if (socket.write(records) == 0) {
          return false;
        }
      }
    } catch (IOException e) {
      release(); // a stream must not continue behind a gap
      throw e;
    }
    release();
    return true;
  }

  /**
   * Encrypts plaintext and writes it. If not all of it is taken, the socket has no more room.
   *
   * @return the number of bytes that were taken
   * @throws ClosedChannelException if nothing more may be sent, since a close_notify was
   */
  synchronized int write(ByteBuffer plaintext) throws IOException {
    int before = plaintext.remaining();
    boolean room = drain();
    while (plaintext.hasRemaining() && room) {
      // Where one record may not suffice there is room for the next, and both leave in one piece.
      ByteBuffer records =
          plaintext.remaining() <= SINGLE_RECORD ? buffers.take() : buffers.takeLarge();
      pending = records;
      try {
        encrypt(plaintext, records);
      } finally {
        keep(records.flip());
      }
      room = drain();
    }
    return before - plaintext.remaining();
  }

  /** Fills a buffer with whole records. */
  private void encrypt(ByteBuffer plaintext, ByteBuffer records) throws IOException {
    holdsTicket = false;
    tookPlaintext = true;
    SSLEngineResult result;
    do {
      result = engine.wrap(plaintext, records);
      if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
        throw new ClosedChannelException();
      }
      if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
        throw new SSLException("the peer wants to renegotiate");
      }
      if (result.bytesProduced() == 0 && records.position() == 0) {
        throw new SSLException("no record can be made: " + result);
      }
      // A record that took no plaintext is a KeyUpdate, which goes before the next that takes some.
    } while (plaintext.hasRemaining() && result.bytesProduced() > 0);
  }

  /**
   * Writes what the engine itself has to send: its part of a handshake, an alert, a KeyUpdate, a
   * close_notify. Returns whether there was anything.
   */
  synchronized boolean writeOwn() throws IOException {
    holdsTicket = false;
    boolean wrote = false;
    int produced;
    do {
      ByteBuffer records = withRoom(engine.getSession().getPacketBufferSize());
      int start = records.position();
      int end = records.limit();
      records.limit(records.capacity()).position(end);
      try {
        engine.wrap(NOTHING, records);
      } finally {
        produced = records.position() - end;
        records.limit(records.position()).position(start);
        keep(records);
      }
      wrote |= produced > 0;
    } while (produced > 0 && wantsToWrite());
    drain();
    return wrote;
  }

  private boolean wantsToWrite() {
    return engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP;
  }

  /**
   * Returns the pending records in a buffer that has room for more behind them.
   *
   * @param room bytes of room
   * @throws SSLException if the peer asks for more and more answers, and reads none
   */
  private ByteBuffer withRoom(int room) throws SSLException {
    ByteBuffer before = pending;
    if (before == null) {
      ByteBuffer records = buffers.takeFor(room).limit(0);
      pending = records;
      return records;
    }
    if (before.capacity() - before.limit() >= room) {
      return before;
    }
    if (before.capacity() - before.remaining() >= room) {
      return before.compact().flip();
    }
    if (before.remaining() > BufferPool.LARGE_SIZE) {
      throw new SSLException("the peer does not read what it asks for");
    }
    // Answers that do not fit into a large buffer are hundreds of them.
    int size = before.remaining() + 2 * room;
    ByteBuffer bigger =
        size <= BufferPool.LARGE_SIZE ? buffers.takeLarge() : ByteBuffer.allocate(size);
    bigger.put(before).flip();
    buffers.give(before);
    pending = bigger;
    return bigger;
  }

  private void keep(ByteBuffer records) {
    if (!records.hasRemaining()) {
      release();
    }
  }

  /** Discards what was not written, and gives the buffer back to the pool. */
  synchronized void release() {
    ByteBuffer records = pending;
    pending = null;
    if (records != null) {
      buffers.give(records);
    }
  }
}
