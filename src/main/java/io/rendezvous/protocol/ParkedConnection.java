package io.rendezvous.protocol;

import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.net.Source;
import io.rendezvous.tunnel.Connection;
import io.rendezvous.tunnel.Tunnel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * A hidden server's connection while it is parked. Reads stay on, so that its end is noticed at
 * once.
 */
final class ParkedConnection implements Connection {
  private final Conn conn;
  private Consumer<Tunnel.End> ended = end -> {}; // belongs to the I/O thread

  ParkedConnection(Conn conn) {
    this.conn = conn;
  }

  /** Returns the connection of a tunnel, for whoever took the tunnel. */
  static Conn of(Tunnel tunnel) {
    return ((ParkedConnection) tunnel.connection()).conn; // the only kind that is ever parked
  }

  @Override
  public Source source() {
    return conn.source();
  }

  @Override
  public Object eventLoop() {
    return conn.eventLoop();
  }

  @Override
  public boolean canBeProbed() {
    return conn.canBeProbed();
  }

  @Override
  public boolean isOpen() {
    return conn.isOpen();
  }

  @Override
  public void watch(Consumer<Tunnel.End> onEnded) {
    ended = onEnded;
    conn.onClosed(() -> onEnded.accept(Tunnel.End.RESET)); // because of an error elsewhere
    conn.onReadable(this::look);
    conn.resumeReads();
  }

  @Override
  public void look() {
    ByteBuffer one = ByteBuffer.allocate(1);
    try {
      int n = conn.read(one);
      if (n != 0) {
        end(n < 0 ? Tunnel.End.CLOSED : Tunnel.End.SPOKE);
      }
    } catch (IOException e) {
      onBroken(e);
    } catch (RuntimeException e) {
      end(Tunnel.End.RESET);
      throw e;
    }
  }

  private void onBroken(IOException e) {
    boolean silent = String.valueOf(e.getMessage()).contains("timed out");
    end(silent ? Tunnel.End.SILENT : Tunnel.End.RESET);
  }

  private void end(Tunnel.End why) {
    ended.accept(why);
    conn.close();
  }

  @Override
  public void probe(Runnable heard) {
    try {
      conn.probe(heard);
    } catch (IOException e) {
      onBroken(e);
    }
  }

  @Override
  public void execute(Runnable task) {
    conn.execute(task);
  }

  @Override
  public void after(Duration delay, Runnable task) {
    conn.after(delay, task);
  }

  @Override
  public void dismiss() {
    conn.execute(() -> LingeringClose.end(conn));
  }

  @Override
  public void abort() {
    conn.abort();
  }

  @Override
  public String toString() {
    return conn.toString();
  }
}
