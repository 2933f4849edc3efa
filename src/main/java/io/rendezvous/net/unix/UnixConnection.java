package io.rendezvous.net.unix;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;
import org.xnio.Option;
import org.xnio.Options;
import org.xnio.StreamConnection;
import org.xnio.XnioIoThread;

/**
 * A connection of XNIO over a Unix-domain socket. It is used on its I/O thread, like any other.
 *
 * <p>Such a socket cannot be reset on purpose. Its peer receives a reset only if it had sent bytes
 * that were not read here, and an end otherwise; the same is true in the other direction.
 */
final class UnixConnection extends StreamConnection {
  private final SocketChannel socket;
  private final SocketAddress local;
  private final SocketAddress peer;
  private final UnixConduit conduit;

  /**
   * Takes over a socket that is connected and does not block.
   *
   * @throws IOException if the socket is closed; the caller then still owns it
   */
  UnixConnection(XnioIoThread thread, SocketChannel socket, UnixPoller poller) throws IOException {
    super(thread);
    this.socket = socket;
    this.local = socket.getLocalAddress();
    this.peer = socket.getRemoteAddress();
    this.conduit = new UnixConduit(this, socket, poller);
    setSourceConduit(conduit);
    setSinkConduit(conduit);
  }

  @Override
  public SocketAddress getLocalAddress() {
    return local;
  }

  @Override
  public SocketAddress getPeerAddress() {
    return peer;
  }

  @Override
  public boolean supportsOption(Option<?> option) {
    return option == Options.CLOSE_ABORT;
  }

  @Override
  public <T> @Nullable T getOption(Option<T> option) throws IOException {
    if (option != Options.CLOSE_ABORT) {
      return null;
    }
    return option.cast(socket.getOption(StandardSocketOptions.SO_LINGER) == 0);
  }

  /**
   * Sets {@link Options#CLOSE_ABORT}; every other option is ignored. Without it, Java ends the
   * stream before it closes the socket.
   */
  @Override
  public <T> @Nullable T setOption(Option<T> option, T value) throws IOException {
    T before = getOption(option);
    if (option == Options.CLOSE_ABORT) {
      boolean abort = Options.CLOSE_ABORT.cast(value);
      socket.setOption(StandardSocketOptions.SO_LINGER, abort ? 0 : -1);
    }
    return before;
  }

  @Override
  protected boolean readClosed() {
    return super.readClosed();
  }

  @Override
  protected boolean writeClosed() {
    return super.writeClosed();
  }

  @Override
  protected void notifyReadClosed() {
    conduit.onReadTerminated();
    super.notifyReadClosed();
  }

  @Override
  protected void notifyWriteClosed() {
    conduit.onWriteTerminated();
    super.notifyWriteClosed();
  }

  @Override
  protected void closeAction() throws IOException {
    try {
      socket.close();
    } finally {
      conduit.onClosed();
    }
  }
}
