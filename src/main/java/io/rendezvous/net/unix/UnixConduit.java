package io.rendezvous.net.unix;

import io.rendezvous.net.DuplexConduit;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import org.xnio.conduits.ReadReadyHandler;
import org.xnio.conduits.WriteReadyHandler;

/**
 * Reads and writes the socket of a {@link UnixConnection}, as the conduit of XNIO does for a TCP
 * socket. Bytes are read and written on the connection's I/O thread; {@link UnixReadiness} runs the
 * handlers there.
 */
final class UnixConduit extends DuplexConduit<UnixConnection> {
  private static final int READ = SelectionKey.OP_READ;
  private static final int WRITE = SelectionKey.OP_WRITE;

  private final SocketChannel socket;
  private final UnixReadiness readiness;
  private boolean readTerminated;
  private boolean writeTerminated;

  UnixConduit(UnixConnection connection, SocketChannel socket, UnixPoller poller)
      throws IOException {
    super(connection);
    this.socket = socket;
    this.readiness =
        new UnixReadiness(
            connection.getIoThread(), socket, poller, this::onReadable, this::onWritable);
  }

  private void onReadable() {
    if (isReadShutdown()) { // the socket stays readable after its end, which was reported
      suspendReads();
    }
    if (readHandler != null) {
      readHandler.readReady();
    }
  }

  private void onWritable() {
    if (isWriteShutdown()) {
      suspendWrites();
    }
    if (writeHandler != null) {
      writeHandler.writeReady();
    }
  }

  void onClosed() {
    readiness.close();
  }

  void onReadTerminated() {
    ReadReadyHandler handler = readHandler;
    if (!readTerminated && handler != null) {
      readTerminated = true;
      handler.terminated();
    }
  }

  void onWriteTerminated() {
    WriteReadyHandler handler = writeHandler;
    if (!writeTerminated && handler != null) {
      writeTerminated = true;
      handler.terminated();
    }
  }

  // The source.

  @Override
  public int read(ByteBuffer into) throws IOException {
    return (int) orEnd(() -> socket.read(into));
  }

  @Override
  public long read(ByteBuffer[] into, int offset, int length) throws IOException {
    return orEnd(() -> socket.read(into, offset, length));
  }

  private interface Reading {
    long read() throws IOException;
  }

  private long orEnd(Reading reading) throws IOException {
    long n;
    try {
      n = reading.read();
    } catch (ClosedChannelException e) {
      return -1;
    }
    if (n < 0) {
      terminateReads();
    }
    return n;
  }

  @Override
  public void terminateReads() throws IOException {
    if (connection.readClosed() && socket.isOpen()) {
      suspendReads();
      try {
        socket.shutdownInput();
      } catch (ClosedChannelException e) {
        // Closed is ended.
      }
    }
    onReadTerminated();
  }

  @Override
  public void resumeReads() {
    readiness.resume(READ);
  }

  @Override
  public void suspendReads() {
    readiness.suspend(READ);
  }

  @Override
  public void wakeupReads() {
    readiness.wakeup(READ);
  }

  @Override
  public boolean isReadResumed() {
    return readiness.isResumed(READ);
  }

  @Override
  public void awaitReadable() throws IOException {
    readiness.await(READ, 0);
  }

  @Override
  public void awaitReadable(long time, TimeUnit unit) throws IOException {
    readiness.await(READ, unit.toNanos(time));
  }

  // The sink. The socket holds nothing back that would have to be flushed.

  @Override
  public int write(ByteBuffer from) throws IOException {
    return socket.write(from);
  }

  @Override
  public long write(ByteBuffer[] from, int offset, int length) throws IOException {
    return socket.write(from, offset, length);
  }

  @Override
  public boolean flush() {
    return true;
  }

  @Override
  public void terminateWrites() throws IOException {
    if (connection.writeClosed() && socket.isOpen()) {
      suspendWrites();
      try {
        socket.shutdownOutput();
      } catch (ClosedChannelException e) {
        // Closed is ended.
      }
    }
    onWriteTerminated();
  }

  @Override
  public void truncateWrites() throws IOException {
    terminateWrites();
  }

  @Override
  public void resumeWrites() {
    readiness.resume(WRITE);
  }

  @Override
  public void suspendWrites() {
    readiness.suspend(WRITE);
  }

  @Override
  public void wakeupWrites() {
    readiness.wakeup(WRITE);
  }

  @Override
  public boolean isWriteResumed() {
    return readiness.isResumed(WRITE);
  }

  @Override
  public void awaitWritable() throws IOException {
    readiness.await(WRITE, 0);
  }

  @Override
  public void awaitWritable(long time, TimeUnit unit) throws IOException {
    readiness.await(WRITE, unit.toNanos(time));
  }
}
