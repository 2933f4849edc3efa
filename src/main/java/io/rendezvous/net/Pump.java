package io.rendezvous.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Moves bytes from one connection to another: one direction of a relay. The reading part runs on
 * the thread of the connection it reads, the writing part on that of the connection it writes.
 * Between them is a ring of full buffers, with one producer and one consumer. Reading stops when
 * the ring is full, and as soon as the socket that is written takes no more: a peer that stops
 * reading ties up little more than the buffers that are on their way at that moment. A direction in
 * which nothing moves holds no buffer.
 *
 * <p>The pump sets no listeners. Its owner has {@link #read} run when there is something to read,
 * and {@link #write} when bytes can be written.
 *
 * <p>A buffer is small until a read fills it, and large from then on until a read does not: so a
 * fast stream needs few system calls, and a slow one little memory.
 */
@SuppressWarnings("NonAtomicVolatileUpdate") // every field has one thread that writes it
public final class Pump {
  /** Decides what happens to the bytes of a pump, and receives what happens to it. */
  public interface Owner {
    /** Returns whether the pump may go on. Any thread may call. */
    boolean isRunning();

    /**
     * Returns what is passed on in place of the bytes that were read: all or a part of them in the
     * same buffer, or another buffer, or null for nothing. By default they are passed on unchanged.
     * Called on the reading thread.
     *
     * @throws IOException if the bytes cannot be passed on; the pump then handles the connection
     *     that it reads as broken
     */
    default @Nullable ByteBuffer filter(Pump pump, ByteBuffer read) throws IOException {
      return read;
    }

    /**
     * Returns whether an error in writing only means that the peer accepts nothing more, because
     * what it has sent is still to be delivered. Called on the writing thread.
     */
    boolean toleratesLoss(Pump pump);

    /**
     * Handles that a connection of the pump broke. Called on the connection's thread.
     *
     * @param why what was thrown; an error of this program if it is a RuntimeException
     */
    void broken(Conn conn, Exception why);

    /**
     * Handles the end of the stream that is read. To pass it on, the owner calls {@link #end}.
     * Called on the reading thread.
     */
    void ended(Pump pump);

    /** Handles that everything is delivered, and the end too. Called on the writing thread. */
    void delivered(Pump pump);

    /**
     * Handles that the peer that is written to accepts nothing more. What is still read for it is
     * discarded. Called on the writing thread.
     */
    void lost(Pump pump);
  }

  /** What becomes of the stream that is written once everything is delivered. */
  private enum Ending {
    /** It is ended in order. */
    SHUT,
    /** It is truncated, as the stream that was read. */
    CUT,
    /** It stays open. */
    KEPT
  }

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

  /** Bytes that are read while they are held back. More is left in the socket. */
  private static final int MAX_HELD = 64 * 1024;

  private final Owner owner;
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
  private volatile Ending ending = Ending.SHUT;
  private volatile long bytes;

  // Of the reading part.
  private boolean fast;
  private boolean finishing;
  private boolean holding;
  private @Nullable ByteBuffer held; // until they are released and filtered

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

  /**
   * Creates a pump that does nothing yet.
   *
   * @param from the connection that is read
   * @param to the connection that is written
   */
  public Pump(Owner owner, Conn from, Conn to) {
    this.owner = owner;
    this.from = from;
    this.to = to;
  }

  /** Returns whether there was anything to deliver: a byte that was read, or a greeting. */
  boolean began() {
    return produced != 0;
  }

  /** Returns how many bytes were read. Any thread may call. */
  public long bytes() {
    return bytes;
  }

  /** Returns whether the end of the stream was read. */
  public boolean sawEnd() {
    return sawEnd;
  }

  /** Returns whether everything was delivered, and the end was passed on. */
  public boolean isDelivered() {
    return delivered;
  }

  /** Returns whether nothing is left to do: all is delivered, or the peer accepts nothing more. */
  public boolean isOver() {
    return delivered || lost;
  }

  /** Returns whether bytes have been waiting for that long to be accepted by the peer. */
  public boolean isStalled(long now, Duration stall) {
    return isPending() && now - moved >= stall.toNanos();
  }

  /** Returns whether no more comes from the stream that is read, and nothing of it waits. */
  boolean isDone() {
    return isOver() || sawEnd && !isPending();
  }

  /** Returns whether nothing waits, and nothing has moved either way for that long. */
  public boolean isSilent(long now, Pump other, Duration linger) {
    return !isPending() && now - Math.max(moved, other.moved) >= linger.toNanos();
  }

  private boolean isPending() {
    return !isOver() && (produced != consumed || unflushed);
  }

  // The reading part.

  /** Reads what has arrived, as long as there is room, and passes it on. */
  public void read() {
    if (!owner.isRunning() || ended) {
      return;
    }
    try {
      doRead();
    } catch (IOException | RuntimeException e) {
      owner.broken(from, e);
    }
  }

  private void doRead() throws IOException {
    int read = 0;
    for (int i = 0; i < MAX_READS && read < MAX_BYTES && owner.isRunning(); i++) {
      if (isFull()) {
        from.suspendReads();
        return;
      }
      int n = held == null || holding ? readOnce() : passHeld(held);
      if (n < 0) {
        endOfStream();
        return;
      }
      if (n == 0) {
        break;
      }
      read += n;
      if (ended || isHoldingAll()) {
        from.suspendReads();
        return;
      }
    }
    if (owner.isRunning()) {
      from.resumeReads();
    }
  }

  /** Reads into one buffer, and passes it on or holds it back. Returns as a read does. */
  private int readOnce() throws IOException {
    ByteBuffer buffer = fast ? from.buffers().takeLarge().limit(LARGE_READ) : from.buffers().take();
    int n = 0;
    try {
      n = from.read(buffer);
    } finally {
      if (n <= 0) {
        from.buffers().give(buffer);
      }
    }
    if (n > 0) {
      fast = n >= FULL;
      if (!lost) {
        bytes = bytes + n;
        moved = System.nanoTime();
      }
      buffer.flip();
      if (holding) {
        keep(buffer);
        from.buffers().give(buffer);
      } else {
        pass(buffer);
      }
    }
    return n;
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

  @SuppressWarnings("ReferenceEquality") // the filter may return the same buffer
  private void pass(ByteBuffer read) throws IOException {
    ByteBuffer passed = owner.filter(this, read);
    if (passed != read) {
      from.buffers().give(read);
    }
    if (passed != null && (lost || !passed.hasRemaining())) {
      from.buffers().give(passed);
    } else if (passed != null) {
      put(passed);
    }
    if (finishing) {
      ended = true;
      wakeAtEnd();
    } else if (passed != null) {
      wakeWriter();
    }
  }

  /**
   * Holds bytes back that {@link Owner#filter} does not pass on yet, and those that follow them. At
   * most 64 KiB are read until {@link #release}; then all of them are filtered again. On the
   * reading thread, within the filter.
   */
  public void hold(ByteBuffer rest) {
    holding = true;
    keep(rest);
  }

  private void keep(ByteBuffer more) {
    if (more.hasRemaining()) {
      held = BufferPool.append(held == null ? ByteBuffer.allocate(0) : held, more);
    }
  }

  private boolean isHoldingAll() {
    return holding && held != null && held.remaining() >= MAX_HELD;
  }

  /** Has the bytes that are held back filtered again, and reading go on. Any thread may call. */
  public void release() {
    from.execute(
        () -> {
          if (holding) {
            holding = false;
            read();
          }
        });
  }

  private int passHeld(ByteBuffer released) throws IOException {
    int n = released.remaining();
    held = null;
    pass(released);
    return n;
  }

  /**
   * Passes bytes on before anything is read.
   *
   * @param first is not filtered
   * @param following was read before; it is filtered, and what is left of it goes into one buffer
   *     with the first
   */
  void begin(ByteBuffer first, ByteBuffer following) throws IOException {
    ByteBuffer passed = following.hasRemaining() ? owner.filter(this, following) : following;
    put(passed == null ? first : BufferPool.joined(first, passed));
    ended = finishing;
  }

  /** Puts a full buffer into the ring, which has to have room. */
  public void put(ByteBuffer buffer) {
    int at = produced;
    ring[at & BUFFERS - 1] = buffer;
    produced = at + 1;
  }

  /**
   * Puts a buffer into the ring before anything is read, and has it written. On the reading thread,
   * while the writing part has yet to begin if it is on the same thread.
   */
  void greet(ByteBuffer greeting) {
    put(greeting);
    if (!from.sharesThread(to)) {
      to.executeBare(writer);
    }
  }

  /** Puts the only buffer into the ring. Nothing is read, and the stream written stays open. */
  public void putOnly(ByteBuffer buffer) {
    put(buffer);
    ending = Ending.KEPT;
    ended = true;
  }

  /** Returns and removes what is in the ring. Nothing may be read or written any more. */
  public ByteBuffer takeUnwritten() {
    ByteBuffer left = ByteBuffer.allocate(0);
    for (int at = consumed; at != produced; at++) {
      left = BufferPool.joined(left, Objects.requireNonNull(ring[at & BUFFERS - 1]));
    }
    consumed = produced;
    return left;
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

  private void wakeAtEnd() {
    if (!from.sharesThread(to)) {
      to.executeBare(writer); // a writer at work may have looked before this was the end
    } else if (!blocked) {
      write();
    }
  }

  private void endOfStream() {
    from.suspendReads();
    ending = from.isTruncated() ? Ending.CUT : Ending.SHUT;
    sawEnd = true;
    if (held == null) { // otherwise it is read again when that is released
      owner.ended(this);
    }
  }

  /** Passes the end of the stream on once what was read is delivered. On the reading thread. */
  public void end() {
    ended = true;
    to.executeBare(writer);
  }

  /**
   * Ends the stream that is written as if it had been truncated, once what was read is delivered.
   * On the reading thread.
   */
  public void cut() {
    ending = Ending.CUT;
    end();
  }

  /**
   * Stops reading, so that the direction ends once what was read is delivered. Any thread may call.
   */
  public void endAfterFlush() {
    from.execute(
        () -> {
          if (!ended && owner.isRunning()) {
            from.suspendReads();
            end();
          }
        });
  }

  /**
   * Stops reading after the bytes that {@link Owner#filter} is about to return. The stream that is
   * written stays open. On the reading thread, within the filter.
   */
  public void finish() {
    finishing = true;
    ending = Ending.KEPT;
  }

  /**
   * Has the stream that {@link #finish} left open end, if it can end alone. Any thread may call.
   */
  public void endKept() {
    to.execute(
        () -> {
          if (owner.isRunning() && !lost && to.halfCloses()) {
            ending = Ending.SHUT;
            shut = false;
            delivered = false;
            write();
          }
        });
  }

  // The writing part.

  /** Writes what is in the ring, and the end, as far as the socket takes it. */
  public void write() {
    if (!owner.isRunning() || isOver()) {
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
      if (e instanceof ClosedChannelException || owner.toleratesLoss(this)) {
        lose();
      } else {
        owner.broken(to, e);
      }
      return;
    } catch (RuntimeException e) {
      owner.broken(to, e);
      return;
    }
    if (to.discardsWrites()) {
      lose();
    } else if (shut && !blocked) {
      delivered = true;
      moved = System.nanoTime();
      owner.delivered(this);
    } else {
      readOn();
    }
  }

  /**
   * Writes when the thread next looks at its sockets. It runs all its tasks before it does, and
   * busy relays that wrote in tasks would keep it from its sockets.
   */
  private void writeSoon() {
    if (owner.isRunning() && !isOver()) {
      to.resumeWrites();
    }
  }

  /**
   * Discards what is still read, since the peer accepts nothing more: the sender is not held up.
   */
  private void lose() {
    lost = true;
    owner.lost(this);
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
      switch (ending) {
        case CUT -> to.cutWrites();
        case SHUT -> {
          to.shutdownWrites();
          unflushed = !to.flush();
        }
        case KEPT -> {}
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
    if (held != null && !holding) {
      read(); // released bytes are not announced
    } else if (owner.isRunning() && !ended) {
      from.resumeReads();
    }
  }
}
