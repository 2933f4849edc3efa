package io.rendezvous.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.jspecify.annotations.Nullable;
import org.xnio.StreamConnection;
import org.xnio.XnioIoThread;
import org.xnio.XnioWorker;
import org.xnio.channels.StreamSinkChannel;
import org.xnio.channels.StreamSourceChannel;
import org.xnio.conduits.ConduitReadableByteChannel;
import org.xnio.conduits.ConduitWritableByteChannel;
import org.xnio.conduits.Conduits;
import org.xnio.conduits.ReadReadyHandler;
import org.xnio.conduits.StreamSinkConduit;
import org.xnio.conduits.StreamSourceConduit;
import org.xnio.conduits.WriteReadyHandler;

/**
 * The source conduit and the sink conduit of a connection in one object, with those methods that
 * XNIO asks of them and that are the same for every kind of connection.
 *
 * @param <C> the type of the connection
 */
public abstract class DuplexConduit<C extends StreamConnection>
    implements StreamSourceConduit, StreamSinkConduit {
  protected final C connection;
  protected @Nullable ReadReadyHandler readHandler;
  protected @Nullable WriteReadyHandler writeHandler;

  protected DuplexConduit(C connection) {
    this.connection = connection;
  }

  @Override
  public XnioWorker getWorker() {
    return connection.getWorker();
  }

  @Override
  public XnioIoThread getReadThread() {
    return connection.getIoThread();
  }

  @Override
  public XnioIoThread getWriteThread() {
    return connection.getIoThread();
  }

  @Override
  public void setReadReadyHandler(ReadReadyHandler handler) {
    readHandler = handler;
  }

  @Override
  public void setWriteReadyHandler(WriteReadyHandler handler) {
    writeHandler = handler;
  }

  @Override
  public boolean isReadShutdown() {
    return connection.isReadShutdown();
  }

  @Override
  public boolean isWriteShutdown() {
    return connection.isWriteShutdown();
  }

  @Override
  public long transferTo(long position, long count, FileChannel target) throws IOException {
    return target.transferFrom(new ConduitReadableByteChannel(this), position, count);
  }

  @Override
  public long transferTo(long count, ByteBuffer through, StreamSinkChannel target)
      throws IOException {
    return Conduits.transfer(this, count, through, target);
  }

  @Override
  public long transferFrom(FileChannel from, long position, long count) throws IOException {
    return from.transferTo(position, count, new ConduitWritableByteChannel(this));
  }

  @Override
  public long transferFrom(StreamSourceChannel from, long count, ByteBuffer through)
      throws IOException {
    return Conduits.transfer(from, count, through, this);
  }

  @Override
  public int writeFinal(ByteBuffer from) throws IOException {
    return Conduits.writeFinalBasic(this, from);
  }

  @Override
  public long writeFinal(ByteBuffer[] from, int offset, int length) throws IOException {
    return Conduits.writeFinalBasic(this, from, offset, length);
  }
}
