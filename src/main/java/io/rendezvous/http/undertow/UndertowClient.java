package io.rendezvous.http.undertow;

import io.rendezvous.net.Conn;
import io.undertow.client.ClientCallback;
import io.undertow.client.ClientConnection;
import io.undertow.client.http.HttpClientProvider;
import io.undertow.connector.ByteBufferPool;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.URI;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.xnio.ChannelListener;
import org.xnio.FinishedIoFuture;
import org.xnio.IoFuture;
import org.xnio.IoUtils;
import org.xnio.Option;
import org.xnio.OptionMap;
import org.xnio.StreamConnection;
import org.xnio.XnioIoThread;

/**
 * Undertow's HTTP client, on a connection that is open already.
 *
 * <p>That client opens its connections itself: it resolves the name on the I/O thread, tries one
 * address, and knows TCP only. It cannot be given a connection, but an I/O thread to open one on;
 * so it is given one on which ours is what opens, wherever to.
 */
final class UndertowClient {
  private static final URI WHEREVER = URI.create("http://0.0.0.0:80"); // no name to be resolved

  private UndertowClient() {}

  /**
   * Begins to speak HTTP. Called on the connection's I/O thread, by its owner, who thereby gives it
   * away.
   *
   * @param ready is called before this returns
   */
  static void on(Conn conn, ByteBufferPool pool, ClientCallback<ClientConnection> ready) {
    new HttpClientProvider()
        .connect(
            ready,
            WHEREVER,
            new Opened(new Plaintext(conn.channel())),
            null,
            pool,
            OptionMap.EMPTY);
  }

  /**
   * A connection of which that client does not know whether it is over TLS: it would look for
   * Undertow's conduit there.
   */
  private static final class Plaintext extends StreamConnection {
    private final StreamConnection connection;

    Plaintext(StreamConnection connection) {
      super(connection.getIoThread());
      this.connection = connection;
      setSourceConduit(connection.getSourceChannel().getConduit());
      setSinkConduit(connection.getSinkChannel().getConduit());
      connection.setCloseListener(closed -> IoUtils.safeClose(this));
    }

    @Override
    protected void notifyReadClosed() {
      // closeAction does it all.
    }

    @Override
    protected void notifyWriteClosed() {
      // closeAction does it all.
    }

    @Override
    protected void closeAction() throws IOException {
      connection.close();
    }

    @Override
    public SocketAddress getPeerAddress() {
      return connection.getPeerAddress();
    }

    @Override
    public SocketAddress getLocalAddress() {
      return connection.getLocalAddress();
    }

    @Override
    public boolean supportsOption(Option<?> option) {
      return connection.supportsOption(option);
    }

    @Override
    public <T> @Nullable T getOption(Option<T> option) throws IOException {
      return connection.getOption(option);
    }

    @Override
    public <T> @Nullable T setOption(Option<T> option, T value) throws IOException {
      return connection.setOption(option, value);
    }
  }

  /** Stands for a connection's I/O thread, and is never started. */
  private static final class Opened extends XnioIoThread {
    private final StreamConnection connection;

    Opened(StreamConnection connection) {
      super(connection.getWorker(), connection.getIoThread().getNumber());
      this.connection = connection;
    }

    @Override
    public IoFuture<StreamConnection> openStreamConnection(
        SocketAddress wherever,
        ChannelListener<? super StreamConnection> openListener,
        OptionMap options) {
      openListener.handleEvent(connection);
      return new FinishedIoFuture<>(connection);
    }

    @Override
    public void execute(Runnable task) {
      connection.getIoThread().execute(task);
    }

    @Override
    public Key executeAfter(Runnable task, long time, TimeUnit unit) {
      return connection.getIoThread().executeAfter(task, time, unit);
    }

    @Override
    public Key executeAtInterval(Runnable task, long time, TimeUnit unit) {
      return connection.getIoThread().executeAtInterval(task, time, unit);
    }
  }
}
