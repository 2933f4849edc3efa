package io.rendezvous.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * Ends a connection so that the last octets arrive: writes them, says that nothing follows, and
 * then reads and drops what the peer still sends, until it has been silent for a moment. A socket
 * that is closed with octets unread sends a reset, and a reset makes many a peer forget what it has
 * not read yet.
 *
 * <p>Called on the connection's I/O thread, by its owner, who thereby gives it away.
 */
public final class LingeringClose {
  private static final Duration TO_WRITE = Duration.ofSeconds(10);
  private static final Duration SILENCE = Duration.ofSeconds(2);
  private static final Duration TO_DROP = Duration.ofSeconds(30);

  /** Buffers that are dropped before others of the thread have their turn, for a short rest. */
  private static final int TURN = 16;

  private static final Duration SHORT_REST = Duration.ofMillis(1);

  private final Conn conn;
  private final ByteBuffer last;
  private final Duration toDrop;
  private boolean shut;
  private long dropUntil;

  private LingeringClose(Conn conn, ByteBuffer last, Duration toDrop) {
    this.conn = conn;
    this.last = last;
    this.toDrop = toDrop;
  }

  /** Sends the last octets, then ends the connection. */
  public static void say(Conn conn, ByteBuffer last) {
    say(conn, last, TO_DROP);
  }

  private static void say(Conn conn, ByteBuffer last, Duration toDrop) {
    if (!conn.isOpen()) {
      conn.close();
      return;
    }
    LingeringClose farewell = new LingeringClose(conn, last, toDrop);
    conn.suspendReads();
    conn.deadline(TO_WRITE, conn::abort);
    conn.onWritable(farewell::onWritable);
    farewell.onWritable();
  }

  /** Ends the connection in order, with nothing more to say. */
  public static void end(Conn conn) {
    say(conn, ByteBuffer.allocate(0));
  }

  /** Ends the connection in order, but soon, for there is nobody left who would want its octets. */
  public static void endSoon(Conn conn) {
    say(conn, ByteBuffer.allocate(0), SILENCE);
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
    dropUntil = System.nanoTime() + toDrop.toNanos();
    conn.onReadable(this::onReadable);
    onReadable();
  }

  private void onReadable() {
    ByteBuffer dropped = conn.buffers().take();
    try {
      drop(dropped);
    } catch (IOException e) {
      conn.close();
    } finally {
      conn.buffers().give(dropped);
    }
  }

  private void drop(ByteBuffer buffer) throws IOException {
    for (int turn = 0; turn < TURN; turn++) {
      int n = conn.read(buffer.clear());
      if (n < 0) {
        conn.close();
        return;
      }
      if (n == 0) {
        Duration left = Duration.ofNanos(Math.max(0, dropUntil - System.nanoTime()));
        conn.deadline(left.compareTo(SILENCE) < 0 ? left : SILENCE, conn::close);
        conn.resumeReads();
        return;
      }
    }
    if (System.nanoTime() - dropUntil >= 0) {
      conn.close();
    } else {
      conn.suspendReads();
      conn.deadline(SHORT_REST, this::onReadable);
    }
  }
}
