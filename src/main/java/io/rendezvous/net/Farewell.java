package io.rendezvous.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * Ends a connection so that the last octets arrive: writes them, says that nothing follows, and
 * then reads and drops for a moment what the peer still sends. A socket that is closed with octets
 * unread sends a reset, and a reset makes many a peer forget what it has not read yet.
 *
 * <p>Called on the connection's I/O thread, by its owner, who thereby gives it away.
 */
public final class Farewell {
  private static final Duration TO_WRITE = Duration.ofSeconds(10);
  private static final Duration TO_DROP = Duration.ofSeconds(2);

  private final Conn conn;
  private final ByteBuffer last;
  private boolean shut;

  private Farewell(Conn conn, ByteBuffer last) {
    this.conn = conn;
    this.last = last;
  }

  /** Sends the last octets, then ends the connection. */
  public static void say(Conn conn, ByteBuffer last) {
    if (!conn.isOpen()) {
      conn.close();
      return;
    }
    Farewell farewell = new Farewell(conn, last);
    conn.suspendReads();
    conn.deadline(TO_WRITE, conn::abort);
    conn.onWritable(farewell::onWritable);
    farewell.onWritable();
  }

  /** Ends the connection in order, with nothing more to say. */
  public static void end(Conn conn) {
    say(conn, ByteBuffer.allocate(0));
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
    conn.deadline(TO_DROP, conn::close);
    conn.onReadable(this::onReadable);
    conn.resumeReads();
    onReadable();
  }

  private void onReadable() {
    ByteBuffer dropped = conn.buffers().take();
    try {
      int n;
      do {
        n = conn.read(dropped.clear());
      } while (n > 0);
      if (n < 0) {
        conn.close();
      }
    } catch (IOException e) {
      conn.close();
    } finally {
      conn.buffers().give(dropped);
    }
  }
}
