package io.rendezvous.net;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * A pool of heap buffers of two sizes, for bytes between two sockets. JSSE works on arrays and
 * would copy direct buffers. The last buffer given back is the next one taken, since it is still in
 * the cache of the processor. The pool never blocks: when it is empty, a new buffer is allocated.
 *
 * <p>Any thread may call. A buffer is often taken on one I/O thread and given back on another;
 * pools per thread would run dry on the first and overflow on the second.
 */
public final class BufferPool {
  /** Size of a small buffer in bytes: a TLS record with its overhead, and what JSSE wants free. */
  public static final int SIZE = 17 * 1024;

  /**
   * Size of a large buffer in bytes: what seven of the largest records carry, for one system call,
   * and room for another one, which JSSE wants to see even if a single byte is left.
   */
  public static final int LARGE_SIZE = 7 * 16 * 1024 + SIZE;

  /** Idle large buffers that are kept, for each idle small buffer that is kept. */
  private static final double LARGE_SHARE = 0.125;

  private final ByteBuffer[] small;
  private final ByteBuffer[] large;
  private int smallCount; // guarded by this
  private int largeCount; // guarded by this

  /**
   * Creates an empty pool.
   *
   * @param maxIdle number of idle small buffers that are kept, and an eighth of that of large ones;
   *     further buffers are left to the garbage collector
   */
  public BufferPool(int maxIdle) {
    small = new ByteBuffer[maxIdle];
    large = new ByteBuffer[(int) Math.ceil(maxIdle * LARGE_SHARE)];
  }

  /** Returns an empty buffer of {@link #SIZE} bytes. */
  public ByteBuffer take() {
    synchronized (this) {
      if (smallCount > 0) {
        return small[--smallCount].clear();
      }
    }
    return ByteBuffer.allocate(SIZE);
  }

  /** Returns an empty buffer of {@link #LARGE_SIZE} bytes. */
  public ByteBuffer takeLarge() {
    synchronized (this) {
      if (largeCount > 0) {
        return large[--largeCount].clear();
      }
    }
    return ByteBuffer.allocate(LARGE_SIZE);
  }

  /** Returns an empty buffer of the smallest size that holds that many bytes, or a large one. */
  public ByteBuffer takeFor(int bytes) {
    return bytes <= SIZE ? take() : takeLarge();
  }

  /**
   * Returns the bytes of both buffers in one: a copy, or the first itself if the second is empty.
   */
  public static ByteBuffer joined(ByteBuffer first, ByteBuffer second) {
    if (!second.hasRemaining()) {
      return first;
    }
    return ByteBuffer.allocate(first.remaining() + second.remaining())
        .put(first)
        .put(second)
        .flip();
  }

  /** Returns the bytes of all parts in one buffer, which is of this pool if they fit into one. */
  public ByteBuffer joined(List<ByteBuffer> parts) {
    int size = 0;
    for (ByteBuffer part : parts) {
      size += part.remaining();
    }
    ByteBuffer all = size <= LARGE_SIZE ? takeFor(size) : ByteBuffer.allocate(size);
    parts.forEach(all::put);
    return all.flip();
  }

  /**
   * Appends bytes to those that have arrived before. The result has free room behind its limit, so
   * that many small pieces are not copied anew with each of them.
   *
   * @param all is used up: what is behind its limit belongs to nobody else, and the caller goes on
   *     with the result
   */
  public static ByteBuffer append(ByteBuffer all, ByteBuffer piece) {
    int length = all.remaining() + piece.remaining();
    if (piece.remaining() <= all.capacity() - all.limit()) {
      int start = all.position();
      all.position(all.limit()).limit(start + length);
      return all.put(piece).position(start);
    }
    int capacity = all.hasRemaining() ? 2 * length : length;
    return ByteBuffer.allocate(capacity).put(all).put(piece).flip();
  }

  /** Gives a buffer back, which the caller no longer uses. One of another size is ignored. */
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
