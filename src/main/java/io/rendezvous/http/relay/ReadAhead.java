package io.rendezvous.http.relay;

import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.IntConsumer;

/**
 * Reads a connection while something else is awaited, so that it is known at once when its peer has
 * left. What it reads is kept, up to 64 KiB; it then stops reading.
 *
 * <p>Lives on the connection's I/O thread.
 */
final class ReadAhead {
  private static final int MAX_KEPT = 64 * 1024;

  /** Receives how the stream has ended. */
  interface Listener {
    /** Handles that the peer has ended its stream in order. It may still read. */
    void onEnd();

    /** Handles that the peer has left: the connection broke, or its stream was truncated. */
    void onLeft();
  }

  private final Conn conn;
  private final Listener listener;
  private final IntConsumer counter;
  private ByteBuffer kept = ByteBuffer.allocate(0);
  private boolean active;
  private boolean ended;

  /**
   * Creates an object that reads nothing yet.
   *
   * @param counter is told how many bytes were read
   */
  ReadAhead(Conn conn, Listener listener, IntConsumer counter) {
    this.conn = conn;
    this.listener = listener;
    this.counter = counter;
  }

  /** Begins to read, or goes on. */
  void start() {
    if (ended) {
      return;
    }
    active = true;
    conn.onReadable(this::read);
    conn.resumeReads();
  }

  /** Stops reading. The reads of the connection stay as they are. */
  void stop() {
    active = false;
    conn.onReadable(null);
  }

  /** Returns what was kept, which is then no longer kept. */
  ByteBuffer take() {
    ByteBuffer all = kept;
    kept = ByteBuffer.allocate(0);
    return all;
  }

  /** Keeps bytes that follow those that are kept. The buffer may be used otherwise after that. */
  void keep(ByteBuffer bytes) {
    if (bytes.hasRemaining()) {
      kept = BufferPool.append(kept, bytes);
    }
  }

  /** Returns whether the peer has ended its stream in order. */
  boolean hasEnded() {
    return ended;
  }

  /** Returns whether the peer has ended its stream, and nothing of it is kept. */
  boolean isOver() {
    return ended && !kept.hasRemaining();
  }

  /**
   * Reads what has arrived, if reading has begun, so that it is known what has become of the peer.
   */
  void look() {
    if (active) {
      read();
    }
  }

  private void read() {
    ByteBuffer buffer = conn.buffers().take();
    try {
      int n = 1;
      while (active && n > 0 && kept.remaining() < MAX_KEPT) {
        n = conn.read(buffer.clear());
        if (n > 0) {
          counter.accept(n);
          keep(buffer.flip());
        }
      }
      if (n < 0) {
        onEnd();
      } else if (n > 0) {
        conn.suspendReads();
      }
    } catch (IOException e) {
      stop();
      listener.onLeft();
    } finally {
      conn.buffers().give(buffer);
    }
  }

  private void onEnd() {
    conn.suspendReads();
    stop();
    if (conn.isTruncated()) {
      listener.onLeft();
    } else {
      ended = true;
      listener.onEnd();
    }
  }
}
