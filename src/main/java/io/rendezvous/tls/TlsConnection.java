package io.rendezvous.tls;

import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Probeable;
import io.rendezvous.net.RecordStream;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.xnio.ChannelListener;
import org.xnio.ChannelListeners;
import org.xnio.IoUtils;
import org.xnio.Option;
import org.xnio.StreamConnection;
import org.xnio.ssl.SslConnection;

/**
 * A connection of XNIO that carries TLS over another connection, by a {@link TlsConduit}. It owns
 * that connection, and closes it when it is closed.
 */
final class TlsConnection extends SslConnection implements Probeable, RecordStream {
  private final StreamConnection socket;
  private final SSLEngine engine;
  private final TlsConduit conduit;
  private @Nullable ChannelListener<? super SslConnection> handshakeListener;

  /**
   * Creates a connection over a socket to which nothing was written yet.
   *
   * @param engine has its role and its parameters, and was not used
   * @param tasks runs the costly parts of the handshake
   * @param early bytes that were read from the socket already
   */
  TlsConnection(
      StreamConnection socket,
      SSLEngine engine,
      Executor tasks,
      BufferPool buffers,
      ByteBuffer early) {
    super(socket.getIoThread());
    this.socket = socket;
    this.engine = engine;
    this.conduit = new TlsConduit(this, socket, engine, tasks, buffers, early);
    setSourceConduit(conduit);
    setSinkConduit(conduit);
  }

  @Override
  public boolean probe(Runnable heard) throws IOException {
    return conduit.probe(heard);
  }

  @Override
  public boolean isMidRecord() {
    return conduit.isMidRecord();
  }

  /**
   * Runs a task on the connection's I/O thread soon, or never if the process ends. Any thread may
   * call.
   */
  void execute(Runnable task) {
    try {
      getIoThread().execute(task);
    } catch (RejectedExecutionException e) {
      // The process ends.
    }
  }

  /** Handles that the handshake has succeeded. */
  void onHandshaken() {
    ChannelListener<? super SslConnection> listener = handshakeListener;
    if (listener != null) {
      ChannelListeners.invokeChannelListener(this, listener);
    }
  }

  /** Handles that the end of the stream was read, or that reads were shut down. */
  void readsEnded() {
    if (readClosed()) {
      conduit.readsTerminated();
    }
  }

  /** Handles that nothing more is written. */
  void writesEnded() {
    if (writeClosed()) {
      conduit.writesTerminated();
    }
  }

  @Override
  public void startHandshake() {
    conduit.begin();
  }

  @Override
  public SSLSession getSslSession() {
    return engine.getSession();
  }

  @Override
  public ChannelListener.Setter<SslConnection> getHandshakeSetter() {
    return listener -> handshakeListener = listener;
  }

  @Override
  public SocketAddress getPeerAddress() {
    return socket.getPeerAddress();
  }

  @Override
  public SocketAddress getLocalAddress() {
    return socket.getLocalAddress();
  }

  @Override
  public boolean supportsOption(Option<?> option) {
    return socket.supportsOption(option);
  }

  @Override
  public <T> @Nullable T getOption(Option<T> option) throws IOException {
    return socket.getOption(option);
  }

  @Override
  public <T> @Nullable T setOption(Option<T> option, T value) throws IOException {
    return socket.setOption(option, value);
  }

  @Override
  protected void notifyReadClosed() {
    conduit.readsTerminated();
  }

  @Override
  protected void notifyWriteClosed() {
    conduit.writesTerminated(); // without a close_notify, unless writes were ended before
  }

  @Override
  protected void closeAction() {
    IoUtils.safeClose(socket);
    if (Thread.currentThread() == getIoThread()) {
      conduit.release();
      return;
    }
    execute(conduit::release);
  }
}
