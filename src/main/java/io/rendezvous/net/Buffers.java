package io.rendezvous.net;

import java.nio.ByteBuffer;

/**
 * A pool of equal heap buffers, for octets on their way. JSSE works on arrays, so direct buffers
 * would be copied; a record of TLS 1.3 fits in one buffer with its overhead.
 *
 * <p>May be called from any thread: a buffer is often taken on one I/O thread and given back on
 * another, and pools per thread would then run dry on the first and overflow on the second.
 */
public final class Buffers {
  /** Octets in a buffer: 16 KiB of plaintext, and what JSSE wants to see free besides. */
  public static final int SIZE = 17 * 1024;

  private final ByteBuffer[] free;
  private int count; // guarded by this

  /**
   * Creates an empty pool.
   *
   * @param most how many idle buffers are kept; further ones are left to the garbage collector
   */
  public Buffers(int most) {
    free = new ByteBuffer[most];
  }

  /** Returns an empty buffer of {@link #SIZE} octets. */
  public ByteBuffer take() {
    synchronized (this) {
      if (count > 0) {
        return free[--count].clear();
      }
    }
    return ByteBuffer.allocate(SIZE);
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
    if (buffer.capacity() != SIZE) {
      return;
    }
    synchronized (this) {
      if (count < free.length) {
        free[count++] = buffer;
      }
    }
  }
}
