package io.rendezvous.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * Ends a connection so that its last bytes arrive. It writes them, ends the stream to the peer, and
 * then reads and discards what the peer still sends, until the peer has ended its stream too or has
 * been silent for 2 s, for at most 30 s. A socket that is closed with bytes unread sends a reset,
 * and a reset makes many peers discard what they have not read yet.
 *
 * <p>The connection's owner calls this on the I/O thread, and no longer owns the connection then.
 */
public final class LingeringClose {
  private static final Duration MAX_WRITE_TIME = Duration.ofSeconds(10);
  private static final Duration MAX_SILENCE = Duration.ofSeconds(2);
  private static final Duration MAX_DISCARD_TIME = Duration.ofSeconds(30);

  /** Buffers that are discarded before other connections of the thread have their turn. */
  private static final int MAX_READS = 16;

  /** Pause in which other connections have their turn. */
  private static final Duration PAUSE = Duration.ofMillis(1);

  private final Conn conn;
  private final ByteBuffer last;
  private final Duration discardTime;
  private boolean shut;
  private long discardUntil;

  private LingeringClose(Conn conn, ByteBuffer last, Duration discardTime) {
    this.conn = conn;
    this.last = last;
    this.discardTime = discardTime;
  }

  /** Sends the last bytes, then ends the connection. */
  public static void say(Conn conn, ByteBuffer last) {
    start(conn, last, MAX_DISCARD_TIME);
  }

  /** Ends the connection in order, without sending anything more. */
  public static void end(Conn conn) {
    start(conn, ByteBuffer.allocate(0), MAX_DISCARD_TIME);
  }

  /** Ends the connection as {@link #end} does, but discards for at most 2 s what still arrives. */
  static void endSoon(Conn conn) {
    start(conn, ByteBuffer.allocate(0), MAX_SILENCE);
  }

  private static void start(Conn conn, ByteBuffer last, Duration discardTime) {
    if (!conn.isOpen()) {
      conn.close();
      return;
    }
    LingeringClose closing = new LingeringClose(conn, last, discardTime);
    conn.suspendReads();
    conn.deadline(MAX_WRITE_TIME, conn::abort);
    conn.onWritable(closing::onWritable);
    closing.onWritable();
  }

  private void onWritable() {
    try {
      write();
    } catch (IOException e) {
      conn.close();
    }
  }

  private void write() throws IOException {
    while (last.hasRemaining()) {
      if (conn.write(last) == 0) {
        conn.resumeWrites();
        return;
      }
    }
    if (!shut) {
      shut = true;
      conn.shutdownWrites();
    }
    if (!conn.flush()) {
      conn.resumeWrites();
      return;
    }
    conn.suspendWrites();
    discardUntil = System.nanoTime() + discardTime.toNanos();
    conn.onReadable(this::onReadable);
    onReadable();
  }

  private void onReadable() {
    ByteBuffer discarded = conn.buffers().take();
    try {
      discard(discarded);
    } catch (IOException e) {
      conn.close();
    } finally {
      conn.buffers().give(discarded);
    }
  }

  private void discard(ByteBuffer buffer) throws IOException {
    for (int i = 0; i < MAX_READS; i++) {
      int n = conn.read(buffer.clear());
      if (n < 0) {
        conn.close();
        return;
      }
      if (n == 0) {
        Duration left = Duration.ofNanos(Math.max(0, discardUntil - System.nanoTime()));
        conn.deadline(left.compareTo(MAX_SILENCE) < 0 ? left : MAX_SILENCE, conn::close);
        conn.resumeReads();
        return;
      }
    }
    if (System.nanoTime() - discardUntil >= 0) {
      conn.close();
    } else {
      conn.suspendReads();
      conn.deadline(PAUSE, this::onReadable);
    }
  }
}
