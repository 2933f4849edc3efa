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
 * The way out of a {@link TlsConduit}: makes records of plaintext, as many as a buffer holds, and
 * writes them to the socket in one piece. What the socket does not take is kept, in order, and goes
 * before anything else; without it no buffer is held.
 *
 * <p>Its methods exclude each other. The I/O thread is nearly always the only caller, but while a
 * handler of Undertow's writes from a thread that may block, the I/O thread may have to answer a
 * KeyUpdate.
 */
final class TlsWriter {
  /** So much plaintext makes a single record: JSSE leaves 17 octets of the 16,384 unused. */
  private static final int SINGLE = 16_000;

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

  /** Returns whether the socket has yet to take something. */
  synchronized boolean hasPending() {
    return pending != null;
  }

  /**
   * The engine has a session ticket to send and nothing else, which goes with the first plaintext:
   * a client needs it for its next connection only.
   */
  synchronized void holdTicket() {
    holdsTicket = true;
  }

  /** Returns whether what the engine wants to send may wait for plaintext. */
  synchronized boolean holdsTicket() {
    return holdsTicket;
  }

  /** Returns whether plaintext was taken since this was last asked. */
  synchronized boolean hasTakenPlaintext() {
    boolean took = tookPlaintext;
    tookPlaintext = false;
    return took;
  }

  /** Writes what the socket has yet to take. Returns whether nothing is left. */
  synchronized boolean drain() throws IOException {
    ByteBuffer records = pending;
    try {
      while (records != null && records.hasRemaining()) {
        if (socket.write(records) == 0) {
          return false;
        }
      }
    } catch (IOException e) {
      release(); // a stream with a hole is none
      throw e;
    }
    release();
    return true;
  }

  /**
   * Encrypts plaintext and writes it. When less than all is taken, the socket has no room.
   *
   * @return how many octets were taken
   * @throws ClosedChannelException if nothing may be sent any more: close_notify was sent
   */
  synchronized int write(ByteBuffer plaintext) throws IOException {
    int before = plaintext.remaining();
    boolean room = drain();
    while (plaintext.hasRemaining() && room) {
      // Where one record may not do there is room for the next, so that both leave in one piece.
      ByteBuffer records = plaintext.remaining() <= SINGLE ? buffers.take() : buffers.takeLarge();
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

  /** Fills the buffer with whole records. */
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
      // A record without plaintext is a KeyUpdate, which comes before the next that has some.
    } while (plaintext.hasRemaining() && result.bytesProduced() > 0);
  }

  /**
   * Writes what the engine itself has to say: its part of a handshake, an alert, a KeyUpdate, a
   * close_notify. Returns whether there was anything.
   */
  synchronized boolean writeOwn() throws IOException {
    holdsTicket = false;
    boolean spoke = false;
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
      spoke |= produced > 0;
    } while (produced > 0 && wantsToSpeak());
    drain();
    return spoke;
  }

  private boolean wantsToSpeak() {
    return engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP;
  }

  /**
   * Has so much room behind what is pending.
   *
   * @throws SSLException if the peer asks for ever more answers and reads none
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
    // What does not fit into a large buffer with it is some hundred answers at least.
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

  /** Forgets what was not written, for the connection is closed. */
  synchronized void release() {
    ByteBuffer records = pending;
    pending = null;
    if (records != null) {
      buffers.give(records);
    }
  }
}
