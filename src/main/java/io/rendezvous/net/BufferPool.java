package io.rendezvous.net;

import java.nio.ByteBuffer;

/**
 * A pool of heap buffers of two sizes, for octets on their way. JSSE works on arrays, so direct
 * buffers would be copied. The last one given back is the next one taken, since it is still in the
 * processor's cache.
 *
 * <p>May be called from any thread: a buffer is often taken on one I/O thread and given back on
 * another, and pools per thread would then run dry on the first and overflow on the second.
 */
public final class BufferPool {
  /** Octets in a buffer: a record of TLS with its overhead, and what JSSE wants to see free. */
  public static final int SIZE = 17 * 1024;

  /**
   * Octets in a large buffer: what seven of the largest records carry, so many in a system call,
   * and room for one more besides, which JSSE wants to see even if the rest is an octet.
   */
  public static final int LARGE_SIZE = 7 * 16 * 1024 + SIZE;

  /** Idle large buffers that are kept, for each idle small one that is. */
  private static final double LARGE_SHARE = 0.125;

  private final ByteBuffer[] small;
  private final ByteBuffer[] large;
  private int smallCount; // guarded by this
  private int largeCount; // guarded by this

  /**
   * Creates an empty pool.
   *
   * @param most how many idle buffers are kept, and an eighth as many large ones; further ones are
   *     left to the garbage collector
   */
  public BufferPool(int most) {
    small = new ByteBuffer[most];
    large = new ByteBuffer[(int) Math.ceil(most * LARGE_SHARE)];
  }

  /** Returns an empty buffer of {@link #SIZE} octets. */
  public ByteBuffer take() {
    synchronized (this) {
      if (smallCount > 0) {
        return small[--smallCount].clear();
      }
    }
    return ByteBuffer.allocate(SIZE);
  }

  /** Returns an empty buffer of {@link #LARGE_SIZE} octets. */
  public ByteBuffer takeLarge() {
    synchronized (this) {
      if (largeCount > 0) {
        return large[--largeCount].clear();
      }
    }
    return ByteBuffer.allocate(LARGE_SIZE);
  }

  /** Returns an empty buffer of the size for so many octets, or of the larger one. */
  public ByteBuffer takeFor(int octets) {
    return octets <= SIZE ? take() : takeLarge();
  }

  /** Returns the octets of both, one after the other; a copy, unless the second is empty. */
  public static ByteBuffer joined(ByteBuffer first, ByteBuffer second) {
    if (!second.hasRemaining()) {
      return first;
    }
    return ByteBuffer.allocate(first.remaining() + second.remaining())
        .put(first)
        .put(second)
        .flip();
  }

  /** Takes a buffer back. One that did not come from a pool like this is ignored. */
  public void give(ByteBuffer buffer) {
    synchronized (this) {
      if (buffer.capacity() == SIZE && smallCount < small.length) {
        small[smallCount++] = buffer;
      } else if (buffer.capacity() == LARGE_SIZE && largeCount < large.length) {
        large[largeCount++] = buffer;
      }
    }
  }
}
