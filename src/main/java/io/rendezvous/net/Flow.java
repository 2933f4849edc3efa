package io.rendezvous.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One direction of a {@link Relay}. The reader's part runs on the thread of the connection it
 * reads, the writer's on that of the connection it writes; between them lies a ring of full
 * buffers, with one producer and one consumer. When the ring is full, reading stops until there is
 * room. A direction in which nothing moves holds no buffer.
 */
@SuppressWarnings("NonAtomicVolatileUpdate") // every field has one thread that writes it
final class Flow {
  /** Buffers on their way: one being written, one being filled. A power of two. */
  private static final int RING = 2;

  /** Buffers a connection may read before others of its thread have their turn: about 1 MiB. */
  private static final int TURN = 64;

  /** A buffer with less room than this is passed on rather than filled up. */
  private static final int LEAST_ROOM = 1024;

  private final Relay relay;
  private final Conn from;
  private final Conn to;
  private final @Nullable ByteBuffer[] ring = new @Nullable ByteBuffer[RING];
  private final Runnable reader = this::read;
  private final Runnable writer = this::write;

  // Written by the reader, read by all.
  private volatile int produced;
  private volatile boolean ended;
  private volatile boolean sawEnd;
  private volatile long octets;

  // The reader's own.
  private boolean yielded;

  // Written by the writer, read by all.
  private volatile int consumed;
  private volatile boolean unflushed;
  private volatile boolean delivered;

  // The writer's own.
  private boolean blocked;
  private boolean shut;

  // Written by both; either value will do.
  private volatile boolean wantsRoom;
  private volatile long moved = System.nanoTime();

  Flow(Relay relay, Conn from, Conn to) {
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

  /** Returns whether octets have been waiting for the writer's peer for that long. */
  boolean isStalled(long now, Duration stall) {
    return !delivered && isPending() && now - moved >= stall.toNanos();
  }

  /** Returns whether nothing waits, and nothing has moved either way for that long. */
  boolean isSilent(long now, Flow other, Duration linger) {
    return !isPending() && now - Math.max(moved, other.moved) >= linger.toNanos();
  }

  private boolean isPending() {
    return produced != consumed || unflushed;
  }

  // The reader's part.

  void read() {
    if (!relay.isRunning() || ended || yielded) {
      return;
    }
    try {
      doRead();
    } catch (IOException e) {
      relay.broken(from);
    }
  }

  private void doRead() throws IOException {
    for (int turn = 0; turn < TURN; turn++) {
      if (isFull()) {
        from.suspendReads();
        return;
      }
      ByteBuffer buffer = from.buffers().take();
      int n = fill(buffer);
      if (buffer.position() > 0) {
        pass(buffer.flip());
      } else {
        from.buffers().give(buffer);
      }
      if (n < 0) {
        endOfStream();
        return;
      }
      if (n == 0) {
        from.resumeReads();
        return;
      }
    }
    letOthersPass();
  }

  /**
   * The task queue of an I/O thread is emptied before it looks at its sockets again, so another
   * task would be no way to let others pass. But a socket with room is always ready to write.
   */
  private void letOthersPass() {
    if (!relay.other(this).blocked) {
      yielded = true;
      from.suspendReads();
      from.resumeWrites();
    }
  }

  private boolean isFull() {
    if (produced - consumed < RING) {
      return false;
    }
    wantsRoom = true; // and look again, since the writer may not have seen it
    if (produced - consumed < RING) {
      wantsRoom = false;
      return false;
    }
    return true;
  }

  /** Reads until the buffer is about full, or nothing more is there, or the end is reached. */
  private int fill(ByteBuffer buffer) throws IOException {
    int n;
    do {
      n = from.read(buffer);
    } while (n > 0 && buffer.remaining() >= LEAST_ROOM);
    return n;
  }

  private void pass(ByteBuffer buffer) {
    octets = octets + buffer.remaining();
    moved = System.nanoTime();
    put(buffer);
    wakeWriter();
  }

  void put(ByteBuffer octets) {
    int at = produced;
    ring[at & RING - 1] = octets;
    produced = at + 1;
  }

  private void wakeWriter() {
    if (from.sharesThread(to)) {
      if (!blocked) {
        write();
      }
    } else if (produced - consumed == 1) { // else it is at work, and will see this one too
      to.execute(writer);
    }
  }

  private void endOfStream() {
    from.suspendReads();
    sawEnd = true;
    if (relay.isUnanswered(this)) {
      relay.broken(from);
      return;
    }
    ended = true;
    to.execute(writer);
  }

  /**
   * Goes on after others had their turn.
   *
   * @param in the other direction, which waits for the same writable event
   */
  void readOnAfterYield(Flow in) {
    if (yielded) {
      yielded = false;
      if (!in.blocked) {
        from.suspendWrites();
      }
      read();
    }
  }

  /** The socket has no room any more, so its having room cannot be waited for. */
  private void stopYielding() {
    if (yielded) {
      yielded = false;
      from.resumeReads();
    }
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
    if (!relay.isRunning() || delivered) {
      return;
    }
    try {
      blocked = !doWrite();
      Flow back = relay.other(this); // it shares the writable event
      if (blocked) {
        to.resumeWrites();
        back.stopYielding();
      } else if (!back.yielded) {
        to.suspendWrites();
      }
    } catch (IOException e) {
      relay.broken(to);
      return;
    }
    if (shut && !blocked) {
      delivered = true;
      moved = System.nanoTime();
      relay.onDelivered(this);
    } else {
      readOn();
    }
  }

  /** Returns false when the socket takes no more for now. */
  private boolean doWrite() throws IOException {
    while (consumed != produced) {
      ByteBuffer buffer = ring[consumed & RING - 1];
      while (buffer.hasRemaining()) {
        if (to.write(buffer) == 0) {
          return false;
        }
        moved = System.nanoTime();
      }
      ring[consumed & RING - 1] = null;
      consumed = consumed + 1;
      to.buffers().give(buffer);
    }
    if (ended && consumed == produced && !shut) {
      shut = true;
      to.shutdownWrites();
    }
    unflushed = !to.flush();
    return !unflushed;
  }

  /** Lets the reader go on if it waits for a free buffer and there is one. */
  private void readOn() {
    if (wantsRoom && produced - consumed < RING) {
      wantsRoom = false;
      if (from.sharesThread(to)) {
        read();
      } else {
        from.execute(reader);
      }
    }
  }
}
