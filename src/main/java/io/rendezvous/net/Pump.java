package io.rendezvous.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One direction of a {@link Relay}. The reading part runs on the thread of the connection it reads,
 * the writing part on that of the connection it writes. Between them is a ring of full buffers,
 * with one producer and one consumer. Reading stops when the ring is full, and as soon as the
 * socket that is written takes no more: a peer that stops reading ties up little more than the
 * buffers that are on their way at that moment. A direction in which nothing moves holds no buffer.
 *
 * <p>A buffer is small until a read fills it, and large from then on until a read does not: so a
 * fast stream needs few system calls, and a slow one little memory.
 */
@SuppressWarnings("NonAtomicVolatileUpdate") // every field has one thread that writes it
final class Pump {
  /** Buffers on their way: one being written, one being filled. A power of two. */
  private static final int BUFFERS = 2;

  /**
   * Bytes that are read before other connections of the thread have their turn. Reads stay resumed,
   * so that the rest is announced again after that.
   */
  private static final int MAX_BYTES = 256 * 1024;

  /** Reads in a turn: a peer can cause much work with few bytes. */
  private static final int MAX_READS = 16;

  /** A read of this many bytes has filled a small buffer: it was a record of the largest size. */
  private static final int FULL = 16_000;

  /** Bytes that are read into a large buffer: as TLS records, they fill one large buffer. */
  private static final int LARGE_READ = BufferPool.LARGE_SIZE - BufferPool.SIZE;

  private final Relay relay;
  private final Conn from;
  private final Conn to;
  private final @Nullable ByteBuffer[] ring = new @Nullable ByteBuffer[BUFFERS];
  private final Runnable writer = this::write;
  private final Runnable readAgain = this::readAgain;
  private final Runnable writeSoon = this::writeSoon;

  // Written by the reading part, read by any thread.
  private volatile int produced;
  private volatile boolean ended;
  private volatile boolean sawEnd;
  private volatile boolean truncated;
  private volatile long bytes;

  // Of the reading part.
  private boolean fast;

  // Written by the writing part, read by any thread.
  private volatile int consumed;
  private volatile boolean unflushed;
  private volatile boolean delivered;
  private volatile boolean lost;
  private volatile boolean blocked;

  // Of the writing part.
  private boolean shut;

  // Written by both parts; whichever value remains is right.
  private volatile boolean wantsRoom;
  private volatile long moved = System.nanoTime();

  Pump(Relay relay, Conn from, Conn to) {
    this.relay = relay;
    this.from = from;
    this.to = to;
  }

  /** Returns whether there was anything to deliver: a byte that was read, or a greeting. */
  boolean began() {
    return produced != 0;
  }

  /** Returns how many bytes were read. */
  long bytes() {
    return bytes;
  }

  /** Returns whether the end of the stream was read. */
  boolean sawEnd() {
    return sawEnd;
  }

  /** Returns whether everything was delivered, and the end was passed on. */
  boolean isDelivered() {
    return delivered;
  }

  /** Returns whether nothing is left to do: all is delivered, or the peer accepts nothing more. */
  boolean isOver() {
    return delivered || lost;
  }

  /** Returns whether bytes have been waiting for that long to be accepted by the peer. */
  boolean isStalled(long now, Duration stall) {
    return isPending() && now - moved >= stall.toNanos();
  }

  /** Returns whether nothing waits, and nothing has moved either way for that long. */
  boolean isSilent(long now, Pump other, Duration linger) {
    return !isPending() && now - Math.max(moved, other.moved) >= linger.toNanos();
  }

  private boolean isPending() {
    return !isOver() && (produced != consumed || unflushed);
  }

  // The reading part.

  /** Reads what has arrived, as long as there is room, and passes it on. */
  void read() {
    if (!relay.isRunning() || ended) {
      return;
    }
    try {
      doRead();
    } catch (IOException | RuntimeException e) {
      relay.broken(from, e);
    }
  }

  private void doRead() throws IOException {
    int read = 0;
    for (int i = 0; i < MAX_READS && read < MAX_BYTES && relay.isRunning(); i++) {
      if (isFull()) {
        from.suspendReads();
        return;
      }
      ByteBuffer buffer =
          fast ? from.buffers().takeLarge().limit(LARGE_READ) : from.buffers().take();
      int n = 0;
      try {
        n = from.read(buffer);
      } finally {
        if (n <= 0) {
          from.buffers().give(buffer);
        }
      }
      if (n < 0) {
        endOfStream();
        return;
      }
      if (n == 0) {
        break;
      }
      read += n;
      fast = n >= FULL;
      pass(buffer.flip());
    }
    if (relay.isRunning()) {
      from.resumeReads();
    }
  }

  private boolean isFull() {
    if (hasRoom()) {
      return false;
    }
    wantsRoom = true; // the writing part may not have seen this, so look again
    if (hasRoom()) {
      wantsRoom = false;
      return false;
    }
    return true;
  }

  private boolean hasRoom() {
    return lost || !blocked && produced - consumed < BUFFERS;
  }

  private void pass(ByteBuffer buffer) {
    if (lost) {
      from.buffers().give(buffer);
      return;
    }
    bytes = bytes + buffer.remaining();
    moved = System.nanoTime();
    put(buffer);
    wakeWriter();
  }

  /** Puts a full buffer into the ring, which has to have room. */
  void put(ByteBuffer buffer) {
    int at = produced;
    ring[at & BUFFERS - 1] = buffer;
    produced = at + 1;
  }

  private void wakeWriter() {
    if (from.sharesThread(to)) {
      if (!blocked) {
        write();
      }
    } else if (produced - consumed == 1) { // otherwise it is at work, and will see this one too
      to.executeBare(fast ? writeSoon : writer);
    }
  }

  private void endOfStream() {
    from.suspendReads();
    truncated = from.isTruncated();
    sawEnd = true;
    if (relay.isUnanswered(this)) {
      relay.broken(from, null);
      return;
    }
    ended = true;
    to.executeBare(writer);
  }

  /**
   * Stops reading, so that the direction ends once what was read is delivered. Any thread may call.
   */
  void endAfterFlush() {
    from.execute(
        () -> {
          if (!ended && relay.isRunning()) {
            from.suspendReads();
            ended = true;
            to.executeBare(writer);
          }
        });
  }

  // The writing part.

  /** Writes what is in the ring, and the end, as far as the socket takes it. */
  void write() {
    if (!relay.isRunning() || isOver()) {
      return;
    }
    try {
      blocked = !doWrite();
      if (blocked) {
        to.resumeWrites();
      } else {
        to.suspendWrites();
      }
    } catch (IOException e) {
      // TLS 1.2 ends both directions at once, perhaps before what came ahead was passed on.
      if (e instanceof ClosedChannelException || relay.other(this).sawEnd) {
        lose();
      } else {
        relay.broken(to, e);
      }
      return;
    } catch (RuntimeException e) {
      relay.broken(to, e);
      return;
    }
    if (to.discardsWrites()) {
      lose();
    } else if (shut && !blocked) {
      delivered = true;
      moved = System.nanoTime();
      relay.onDelivered(this);
    } else {
      readOn();
    }
  }

  /**
   * Writes when the thread next looks at its sockets. It runs all its tasks before it does, and
   * busy relays that wrote in tasks would keep it from its sockets.
   */
  private void writeSoon() {
    if (relay.isRunning() && !isOver()) {
      to.resumeWrites();
    }
  }

  /**
   * Discards what is still read, since the peer accepts nothing more: the sender is not held up.
   */
  private void lose() {
    lost = true;
    relay.onLost();
    readOn();
  }

  /** Writes and flushes. Returns whether the socket has taken everything. */
  private boolean doWrite() throws IOException {
    while (consumed != produced) {
      ByteBuffer buffer = ring[consumed & BUFFERS - 1];
      while (buffer.hasRemaining()) {
        if (to.write(buffer) == 0) {
          return false;
        }
        moved = System.nanoTime();
      }
      ring[consumed & BUFFERS - 1] = null;
      consumed = consumed + 1;
      to.buffers().give(buffer);
    }
    unflushed = !to.flush();
    if (!unflushed && ended && consumed == produced && !shut) {
      shut = true;
      if (truncated) { // as it is here, so it is for the peer
        to.cutWrites();
      } else {
        to.shutdownWrites();
        unflushed = !to.flush();
      }
    }
    return !unflushed;
  }

  /** Has the reading part go on if it waits for room and there is some. */
  private void readOn() {
    if (wantsRoom && hasRoom()) {
      wantsRoom = false;
      if (from.sharesThread(to)) {
        read();
      } else {
        from.executeBare(readAgain);
      }
    }
  }

  private void readAgain() {
    if (relay.isRunning() && !ended) {
      from.resumeReads();
    }
  }
}
