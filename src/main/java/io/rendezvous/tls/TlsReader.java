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
 * The receiving half of a {@link TlsConduit}. It reads from the socket, in one piece, as much as
 * the caller has room for, and decrypts every record that is whole. What is left over, the
 * beginning of a record or plaintext that the caller had no room for, is kept in a buffer of the
 * pool, or in a short one if it is short. Otherwise no buffer is held.
 *
 * <p>It is used by one thread at a time, like the conduit. Its methods exclude each other all the
 * same: the I/O thread may {@link #release} while another thread reads, and a buffer in use must
 * not go to another connection.
 */
final class TlsReader {
  /** Maximum plaintext in a record (RFC 8446, 5.1). */
  private static final int MAX_PLAINTEXT = 16 * 1024;

  /** Octets that TLS 1.3 adds to a record's plaintext: a header, a type, a tag. TLS 1.2 adds 29. */
  private static final int OVERHEAD = 22;

  /**
   * Reads of the socket in one {@link #read} that finds no plaintext. A peer may go on sending
   * records without any (RFC 8446, 5.4), and other connections of the thread have to have their
   * turn.
   */
  private static final int MAX_FILLS = 8;

  /**
   * Records without plaintext that are accepted in excess of those that carry some, in either
   * direction: KeyUpdates, session tickets, empty records. Each costs this side more than the peer,
   * and its answer may find no room in the socket. Other implementations that bound them accept 16
   * to 32 in a row.
   */
  private static final int MAX_EMPTY = 64;

  /**
   * Records without plaintext that one {@link #read} handles: answering a KeyUpdate costs as much
   * as dozens of records of data.
   */
  private static final int MAX_EMPTY_AT_ONCE = 4;

  /**
   * Records that one message of the handshake may be cut into. JSSE copies what it has of a message
   * for each further record, so a ClientHello in records of one octet would cost it seconds.
   */
  private static final int MAX_FRAGMENTS = 64;

  /** Records of the handshake in one {@link #readHandshake}, so that others have their turn. */
  private static final int MAX_HANDSHAKE_RECORDS_AT_ONCE = 8;

  /**
   * Octets that are kept in a buffer of exactly their length, which is not of the pool. Their rest
   * may never arrive, and a buffer of the pool would be held for them until then.
   */
  private static final int MAX_EXACT = 1024;

  private static final ByteBuffer NOWHERE = ByteBuffer.allocate(0);

  private final SSLEngine engine;
  private final ConduitStreamSourceChannel socket;
  private final TlsWriter writer;
  private final BufferPool buffers;
  private @Nullable ByteBuffer records; // read, not decrypted; never empty
  private @Nullable ByteBuffer plaintext; // decrypted, not returned; never empty
  private int empty; // records without plaintext, less those with some
  private byte emptyAtOnce; // records without plaintext in this read
  private byte fragments; // records since the last whole message of the handshake
  private boolean handshakeIsDue; // the last readHandshake has left records for another turn
  private boolean starved; // records holds the beginning of one only
  private boolean drained; // the last read took all that the socket had
  private boolean heard; // a record was read that is certainly the peer's
  private boolean closed; // a close_notify was read
  private boolean ended; // the end of the TCP stream was read
  private @Nullable IOException failure;

  /**
   * Creates the receiving half.
   *
   * @param writer writes what the engine answers by itself
   * @param early bytes that were read from the socket already
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

  /** Returns whether {@link #read} may find bytes without reading the socket. */
  synchronized boolean hasBytes() {
    return plaintext != null || !isStarved();
  }

  /** Returns whether the beginning of a record is kept, whose rest has not arrived. */
  synchronized boolean isMidRecord() {
    return starved;
  }

  /** Returns whether nothing more is read from the socket. */
  synchronized boolean hasEnded() {
    return closed || ended || failure != null;
  }

  /** Returns whether a whole record of the peer was read since this was last called. */
  synchronized boolean takeHeard() {
    boolean taken = heard;
    heard = false;
    return taken;
  }

  /** Handles that the socket may have more than when it was last read. */
  synchronized void onReadable() {
    drained = false;
  }

  /** Leaves the socket alone until {@link #onReadable}, so that others have their turn. */
  synchronized void leaveSocket() {
    drained = true;
  }

  /**
   * Reads plaintext.
   *
   * @param inEvent whether a read handler is running, after which the socket reports whatever it
   *     still has. Then the socket is not read again right after it has given all it had
   * @return the number of bytes, 0 if there are none now, or -1 if the stream has ended, whether or
   *     not with a close_notify
   * @throws IOException if the stream broke; the same is thrown each time
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
      if (into.position() > start) { // what came before it is sound
        return into.position() - start;
      }
      throw e;
    } finally {
      shrink();
    }
  }

  /**
   * Feeds the engine what it waits for in the handshake, as far as that has arrived, and a few
   * records at most: see {@link #handshakeIsDue}.
   *
   * @return whether the engine waits for nothing more
   */
  synchronized boolean readHandshake() throws IOException {
    handshakeIsDue = false;
    int records = 0;
    int fills = 0;
    try {
      while (engine.getHandshakeStatus() == HandshakeStatus.NEED_UNWRAP) {
        if (closed || isStarved() && (fills++ == MAX_FILLS || fill(0) <= 0)) {
          return false;
        }
        if (records++ == MAX_HANDSHAKE_RECORDS_AT_ONCE) {
          handshakeIsDue = true;
          return false;
        }
        decryptHandshake();
      }
      return true;
    } catch (SSLException e) {
      fail(e);
      throw e;
    } finally {
      shrink();
    }
  }

  /** Returns whether {@link #readHandshake} can go on without anything new from the socket. */
  synchronized boolean handshakeIsDue() {
    return handshakeIsDue;
  }

  /** Decrypts one record of the handshake, if a whole one is there. */
  private void decryptHandshake() throws IOException {
    SSLEngineResult result = decrypt(NOWHERE);
    if (result.getStatus() == SSLEngineResult.Status.BUFFER_OVERFLOW) {
      throw new SSLException("application data within the handshake");
    }
    if (result.getHandshakeStatus() != HandshakeStatus.NEED_UNWRAP) {
      fragments = 0;
    } else if (result.bytesConsumed() > 0 && ++fragments == MAX_FRAGMENTS) {
      throw new SSLException("a message of the handshake in too many records");
    }
  }

  private boolean isStarved() {
    return records == null || starved;
  }

  /** Makes every further read fail, and sends the peer the alert, if the engine has one. */
  synchronized void fail(IOException e) {
    if (failure != null) {
      return;
    }
    failure = e;
    forgetRecords();
    try {
      writer.writeOwn();
    } catch (IOException | RuntimeException unsent) {
      // The peer is gone, or the engine has no alert for this.
    }
  }

  /** Decrypts one record, if a whole one is there. */
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
   * Decrypts one record, if a whole one is there, and sends what the engine answers: to a
   * KeyUpdate, or over TLS 1.2 to a close_notify.
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

  /** Decrypts a record that is larger than the room that the caller has. */
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
   * Reads from the socket as many records of the largest size as the caller has room for, so that
   * records are seldom cut in two, and at least one.
   *
   * @param room bytes of plaintext that the caller has room for
   * @return the number of octets, 0 if there are none now, or -1 at the end
   */
  private int fill(int room) throws IOException {
    ByteBuffer before = records;
    int kept = before == null ? 0 : before.remaining();
    int whole = room / MAX_PLAINTEXT * (MAX_PLAINTEXT + OVERHEAD);
    int size = Math.max(whole, Math.max(BufferPool.SIZE, kept + 1));
    ByteBuffer all = buffers.takeFor(size);
    if (room >= 2 * MAX_PLAINTEXT) {
      all.limit(Math.min(all.capacity(), Math.max(whole, kept + 1)));
    }
    int n = 0;
    try {
      if (before != null) {
        all.put(before);
        records = null;
        buffers.give(before);
      }
      int free = all.remaining();
      n = socket.read(all);
      drained = n < free;
      ended = n < 0;
      starved = starved && n <= 0;
    } catch (IOException e) { // a reset, which the kernel may report only once
      failure = e;
      throw e;
    } finally {
      records = all.flip();
      if (!all.hasRemaining() || hasEnded()) { // the beginning of a record will not be completed
        forgetRecords();
      }
    }
    return n;
  }

  /** Moves what may have to wait long for its rest to a buffer that is not much larger. */
  private void shrink() {
    ByteBuffer kept = records;
    if (kept == null) {
      return;
    }
    if (kept.remaining() <= MAX_EXACT && kept.capacity() > MAX_EXACT) {
      records = ByteBuffer.allocate(kept.remaining()).put(kept).flip();
      buffers.give(kept);
    } else if (kept.remaining() <= BufferPool.SIZE && kept.capacity() > BufferPool.SIZE) {
      records = buffers.take().put(kept).flip();
      buffers.give(kept);
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

  /** Gives the buffers back to the pool: nothing more will be read. */
  synchronized void release() {
    forgetRecords();
    if (plaintext != null) {
      buffers.give(plaintext);
      plaintext = null;
    }
  }
}
