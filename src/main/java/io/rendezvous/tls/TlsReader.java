package io.rendezvous.tls;

import io.rendezvous.net.BufferPool;
import java.io.IOException;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.xnio.conduits.ConduitStreamSourceChannel;

/**
 * The way in of a {@link TlsConduit}: reads from the socket as much as the reader has room for, in
 * one piece, and decrypts every record that is whole. What is left, the beginning of a record or
 * plaintext that nobody has asked for yet, is kept in a buffer of its size; without it none is
 * held.
 *
 * <p>Used by one thread at a time, as the conduit is; but the I/O thread may {@link #release} while
 * another reads, and a buffer that is in use must not go to the next connection.
 */
final class TlsReader {
  /** Most plaintext in a record (RFC 8446, 5.1). */
  private static final int MAX_PLAINTEXT = 16 * 1024;

  /** What TLS 1.3 adds to it: a header, a type, a tag. (TLS 1.2: 7 octets more.) */
  private static final int OVERHEAD = 22;

  /**
   * How often {@link #read} turns to the socket without finding plaintext. A peer may send records
   * that have none for ever (RFC 8446, 5.4), and others of the thread have to have their turn.
   */
  private static final int MAX_FILLS = 8;

  /**
   * Records without plaintext, such as KeyUpdates, tickets and empty ones, that may come beyond one
   * for each that moves some, either way. Each costs us more than the peer, and its answer may find
   * no room in the socket; others who bound them take 16 to 32 in a row.
   */
  private static final int MAX_EMPTY = 64;

  /** Such records that one {@link #read} takes, since a KeyUpdate is worth dozens of others. */
  private static final int MAX_EMPTY_AT_ONCE = 4;

  private static final ByteBuffer NOWHERE = ByteBuffer.allocate(0);

  private final SSLEngine engine;
  private final ConduitStreamSourceChannel socket;
  private final TlsWriter writer;
  private final BufferPool buffers;
  private @Nullable ByteBuffer records; // read, not decrypted; never empty
  private @Nullable ByteBuffer plaintext; // decrypted, not asked for; never empty
  private int empty; // records without plaintext, less those with some
  private byte emptyAtOnce; // those of this read
  private boolean starved; // what is in records is the beginning of one
  private boolean drained; // the socket gave all it had
  private boolean heard; // a record of the peer's, which proved to be its
  private boolean closed; // by close_notify
  private boolean ended; // without one
  private @Nullable IOException failure;

  /**
   * Creates it.
   *
   * @param writer writes what the engine answers by itself
   * @param early what was read from the socket already
   */
  TlsReader(
      SSLEngine engine,
      ConduitStreamSourceChannel socket,
      TlsWriter writer,
      BufferPool buffers,
      ByteBuffer early) {
    this.engine = engine;
    this.socket = socket;
    this.writer = writer;
    this.buffers = buffers;
    this.records = early.hasRemaining() ? early : null;
  }

  /** Returns whether {@link #read} may find octets without a look at the socket. */
  synchronized boolean hasOctets() {
    return plaintext != null || !isStarved();
  }

  /** Returns whether nothing more comes from the socket. */
  synchronized boolean hasEnded() {
    return closed || ended || failure != null;
  }

  /** Returns whether a record of the peer's was read whole since this was last asked. */
  synchronized boolean takeHeard() {
    boolean taken = heard;
    heard = false;
    return taken;
  }

  /** The socket may have more than when it was last read. */
  synchronized void onReadable() {
    drained = false;
  }

  /** The socket is to be left alone until it {@link #onReadable}: others have their turn. */
  synchronized void leaveSocket() {
    drained = true;
  }

  /**
   * Reads plaintext.
   *
   * @param inEvent whether the socket is watched, and will be looked at again when it has more, so
   *     that one that has just given all it had need not be asked again
   * @return how many octets; 0 if there are none now; -1 if the stream has ended, in order or not
   * @throws IOException if it broke, and again each time
   */
  synchronized int read(ByteBuffer into, boolean inEvent) throws IOException {
    if (plaintext != null) {
      return takePlaintext(into);
    }
    int start = into.position();
    int fills = 0;
    emptyAtOnce = 0;
    try {
      while (into.hasRemaining() && emptyAtOnce < MAX_EMPTY_AT_ONCE) {
        if (failure != null) {
          throw failure;
        }
        if (closed || ended && isStarved()) {
          return into.position() > start ? into.position() - start : -1;
        }
        if (isStarved()) {
          if (into.position() > start
              || inEvent && drained
              || fills++ == MAX_FILLS
              || fill(into.remaining()) == 0) {
            break;
          }
        } else if (decryptAndAnswer(into) == SSLEngineResult.Status.BUFFER_OVERFLOW) {
          if (into.position() > start) {
            break;
          }
          return readAside(into);
        }
      }
      return into.position() - start;
    } catch (SSLException e) {
      fail(e);
      if (into.position() > start) { // what came before it is whole
        return into.position() - start;
      }
      throw e;
    } finally {
      shrink();
    }
  }

  /**
   * Has the engine read what it waits for in its handshake, if that is there.
   *
   * @return whether it was there
   */
  synchronized boolean readHandshake() throws IOException {
    int fills = 0;
    try {
      while (engine.getHandshakeStatus() == HandshakeStatus.NEED_UNWRAP) {
        if (closed || isStarved() && (fills++ == MAX_FILLS || fill(0) <= 0)) {
          return false;
        }
        if (decrypt(NOWHERE).getStatus() == SSLEngineResult.Status.BUFFER_OVERFLOW) {
          throw new SSLException("application data came within the handshake");
        }
      }
      return true;
    } catch (SSLException e) {
      fail(e);
      throw e;
    } finally {
      shrink();
    }
  }

  private boolean isStarved() {
    return records == null || starved;
  }

  /** Has every further read fail; the peer is sent the alert, if the engine has one. */
  synchronized void fail(IOException e) {
    if (failure != null) {
      return;
    }
    failure = e;
    forgetRecords();
    try {
      writer.writeOwn();
    } catch (IOException | RuntimeException unheard) {
      // The peer has gone already, or the engine has no words for it.
    }
  }

  /** Decrypts one record, if it is whole. */
  private SSLEngineResult decrypt(ByteBuffer into) throws IOException {
    ByteBuffer from = records;
    if (from == null) {
      throw new IllegalStateException("nothing to decrypt");
    }
    SSLEngineResult result = engine.unwrap(from, into);
    heard |= result.bytesConsumed() > 0;
    if (!from.hasRemaining()) {
      forgetRecords();
    }
    switch (result.getStatus()) {
      case BUFFER_UNDERFLOW -> starved = true;
      case CLOSED -> {
        closed = true;
        forgetRecords(); // what follows a close_notify is ignored (RFC 8446, 6.1)
      }
      default -> {}
    }
    return result;
  }

  /**
   * Decrypts one record, if it is whole, and lets the engine answer if it wants to: after the
   * handshake, to a KeyUpdate, or in TLS 1.2 to a close_notify.
   */
  private SSLEngineResult.Status decryptAndAnswer(ByteBuffer into) throws IOException {
    SSLEngineResult result = decrypt(into);
    if (result.bytesProduced() > 0 || writer.hasTakenPlaintext()) {
      empty = Math.max(0, empty - 1);
    } else if (result.bytesConsumed() > 0) {
      emptyAtOnce++;
      if (++empty > MAX_EMPTY) {
        throw new SSLException("too many records without data");
      }
    }
    if (result.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
      if (result.bytesProduced() == 0 || !writer.holdsTicket()) {
        writer.writeOwn();
      }
    } else if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
      throw new SSLException("the peer wants to renegotiate");
    }
    return result.getStatus();
  }

  /** Decrypts a record that is larger than what the reader has room for. */
  private int readAside(ByteBuffer into) throws IOException {
    ByteBuffer aside = buffers.take();
    try {
      SSLEngineResult.Status status = decryptAndAnswer(aside);
      if (status == SSLEngineResult.Status.BUFFER_OVERFLOW) {
        throw new SSLException("a record of more than " + aside.capacity() + " octets");
      }
    } finally {
      if (aside.flip().hasRemaining()) {
        plaintext = aside;
      } else {
        buffers.give(aside);
      }
    }
    return takePlaintext(into);
  }

  private int takePlaintext(ByteBuffer into) {
    ByteBuffer from = plaintext;
    if (from == null) {
      return 0;
    }
    int n = Math.min(from.remaining(), into.remaining());
    into.put(into.position(), from, from.position(), n);
    into.position(into.position() + n);
    from.position(from.position() + n);
    if (!from.hasRemaining()) {
      plaintext = null;
      buffers.give(from);
    }
    return n;
  }

  /**
   * Reads from the socket: as many of the largest records as the reader has room for, so that one
   * is seldom cut in two, and at least one.
   *
   * @return how many octets; 0 if there are none now; -1 at the end
   */
  private int fill(int wanted) throws IOException {
    ByteBuffer before = records;
    int kept = before == null ? 0 : before.remaining();
    int whole = wanted / MAX_PLAINTEXT * (MAX_PLAINTEXT + OVERHEAD);
    int size = Math.max(whole, Math.max(BufferPool.SIZE, kept + 1));
    ByteBuffer all = buffers.takeFor(size);
    if (wanted >= 2 * MAX_PLAINTEXT) {
      all.limit(Math.min(all.capacity(), Math.max(whole, kept + 1)));
    }
    int n = 0;
    try {
      if (before != null) {
        all.put(before);
        records = null;
        buffers.give(before);
      }
      int room = all.remaining();
      n = socket.read(all);
      drained = n < room;
      ended = n < 0;
      starved = starved && n <= 0;
    } catch (IOException e) { // a reset, which the kernel may tell once only
      failure = e;
      throw e;
    } finally {
      records = all.flip();
      if (!all.hasRemaining() || hasEnded()) { // the beginning of a record stays one
        forgetRecords();
      }
    }
    return n;
  }

  /** Keeps a beginning of a record, which may wait for its end for long, in a small buffer. */
  private void shrink() {
    ByteBuffer large = records;
    if (large != null
        && large.capacity() > BufferPool.SIZE
        && large.remaining() <= BufferPool.SIZE) {
      records = buffers.take().put(large).flip();
      buffers.give(large);
    }
  }

  private void forgetRecords() {
    ByteBuffer unread = records;
    records = null;
    starved = false;
    if (unread != null) {
      buffers.give(unread);
    }
  }

  /** Forgets what was not read, for nobody will. */
  synchronized void release() {
    forgetRecords();
    if (plaintext != null) {
      buffers.give(plaintext);
      plaintext = null;
    }
  }
}
