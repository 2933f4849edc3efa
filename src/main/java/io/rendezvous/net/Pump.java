package io.rendezvous.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One direction of a {@link Relay}. The reader's part runs on the thread of the connection it
 * reads, the writer's on that of the connection it writes; between them lies a ring of full
 * buffers, with one producer and one consumer. Reading stops when the ring is full, and as soon as
 * the writer's socket is: what is on its way then is about all that a reader who stands still
 * holds. A direction in which nothing moves holds no buffer.
 *
 * <p>A buffer is small until a read fills it, and large from then on until one does not: so a fast
 * stream has few system calls, and a slow one little memory.
 */
@SuppressWarnings("NonAtomicVolatileUpdate") // every field has one thread that writes it
final class Pump {
  /** Buffers on their way: one being written, one being filled. A power of two. */
  private static final int BUFFERS = 2;

  /**
   * Octets that are read before other connections of the thread have their turn. What is left is
   * told of again when those are through, since reads stay on.
   */
  private static final int TURN = 256 * 1024;

  /** Reads in a turn, since a peer may make much work of few octets. */
  private static final int MAX_READS = 16;

  /** A read of about so many octets has filled a small buffer: a record of the largest size. */
  private static final int FULL = 16_000;

  /** What a large buffer is filled with makes a large buffer of records again, and no more. */
  private static final int MAX = BufferPool.LARGE_SIZE - BufferPool.SIZE;

  private final Relay relay;
  private final Conn from;
  private final Conn to;
  private final @Nullable ByteBuffer[] ring = new @Nullable ByteBuffer[BUFFERS];
  private final Runnable writer = this::write;
  private final Runnable readAgain = this::readAgain;
  private final Runnable writeSoon = this::writeSoon;

  // Written by the reader, read by all.
  private volatile int produced;
  private volatile boolean ended;
  private volatile boolean sawEnd;
  private volatile boolean truncated;
  private volatile long octets;

  // The reader's own.
  private boolean fast;

  // Written by the writer, read by all.
  private volatile int consumed;
  private volatile boolean unflushed;
  private volatile boolean delivered;
  private volatile boolean lost;
  private volatile boolean blocked;

  // The writer's own.
  private boolean shut;

  // Written by both; either value will do.
  private volatile boolean wantsRoom;
  private volatile long moved = System.nanoTime();

  Pump(Relay relay, Conn from, Conn to) {
    this.relay = relay;
    this.from = from;
    this.to = to;
  }

  /** Returns whether there was anything to deliver. */
  boolean began() {
    return produced != 0;
  }

  /** Returns how many octets were read. */
  long octets() {
    return octets;
  }

  /** Returns whether the stream that is read has ended in order. */
  boolean sawEnd() {
    return sawEnd;
  }

  /** Returns whether everything was delivered, and the end was passed on. */
  boolean isDelivered() {
    return delivered;
  }

  /** Returns whether there is nothing left to do: delivered, or the peer takes no more. */
  boolean isOver() {
    return delivered || lost;
  }

  /** Returns whether octets have been waiting for the writer's peer for that long. */
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

  // The reader's part.

  void read() {
    if (!relay.isRunning() || ended) {
      return;
    }
    try {
      doRead();
    } catch (IOException e) {
      relay.broken(from);
    }
  }

  private void doRead() throws IOException {
    int read = 0;
    for (int i = 0; i < MAX_READS && read < TURN && relay.isRunning(); i++) {
      if (isFull()) {
        from.suspendReads();
        return;
      }
      ByteBuffer buffer = fast ? from.buffers().takeLarge().limit(MAX) : from.buffers().take();
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
    wantsRoom = true; // and look again, since the writer may not have seen it
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
    octets = octets + buffer.remaining();
    moved = System.nanoTime();
    put(buffer);
    wakeWriter();
  }

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
    } else if (produced - consumed == 1) { // else it is at work, and will see this one too
      to.execute(fast ? writeSoon : writer);
    }
  }

  private void endOfStream() {
    from.suspendReads();
    truncated = from.isTruncated();
    sawEnd = true;
    if (relay.isUnanswered(this)) {
      relay.broken(from);
      return;
    }
    ended = true;
    to.execute(writer);
  }

  /** Stops reading, so that the direction ends when what was read is delivered. Any thread. */
  void endAfterFlush() {
    from.execute(
        () -> {
          if (!ended && relay.isRunning()) {
            from.suspendReads();
            ended = true;
            to.execute(writer);
          }
        });
  }

  // The writer's part.

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
      // TLS 1.2 ends both at once, perhaps before what came ahead of the end was passed on.
      if (e instanceof ClosedChannelException || relay.other(this).sawEnd) {
        lose();
      } else {
        relay.broken(to);
      }
      return;
    }
    if (to.isDeaf()) {
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
   * Writes when the sockets of the thread are looked at next. It looks at none while it has tasks,
   * and much work of many relays would make it always have some.
   */
  private void writeSoon() {
    if (relay.isRunning() && !isOver()) {
      to.resumeWrites();
    }
  }

  /** The peer takes no more. What is still read is dropped, so that the sender is not held up. */
  private void lose() {
    lost = true;
    relay.onLost();
    readOn();
  }

  /** Returns false when the socket takes no more for now. */
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
      if (truncated) { // and so it is for the other side
        to.cutWrites();
      } else {
        to.shutdownWrites();
        unflushed = !to.flush();
      }
    }
    return !unflushed;
  }

  /** Lets the reader go on if it waits for a free buffer and there is one. */
  private void readOn() {
    if (wantsRoom && hasRoom()) {
      wantsRoom = false;
      if (from.sharesThread(to)) {
        read();
      } else {
        from.execute(readAgain);
      }
    }
  }

  private void readAgain() {
    if (relay.isRunning() && !ended) {
      from.resumeReads();
    }
  }
}
