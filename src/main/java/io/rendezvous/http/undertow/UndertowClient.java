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
 * Runs Undertow's HTTP client on a connection that is already open.
 *
 * <p>The client opens its connections itself: it resolves the name on the I/O thread, tries one
 * address only, and knows no Unix-domain sockets. It accepts no open connection, but it does accept
 * the I/O thread on which to open one. It is given a substitute for that thread, which "opens" the
 * existing connection whatever the address.
 */
final class UndertowClient {
  private static final URI UNUSED =
      URI.create("http://0.0.0.0:80"); // an address, so nothing is resolved

  private UndertowClient() {}

  /**
   * Creates an HTTP client connection, which takes the connection over. Called on the connection's
   * I/O thread.
   *
   * @param callback is called before this method returns
   */
  static void on(Conn conn, ByteBufferPool pool, ClientCallback<ClientConnection> callback) {
    new HttpClientProvider()
        .connect(
            callback,
            UNUSED,
            new SubstituteThread(new Plaintext(conn.channel())),
            null,
            pool,
            OptionMap.EMPTY);
  }

  /**
   * Hides from the client that a connection uses TLS. It would look for Undertow's own TLS conduit
   * there.
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
      // closeAction closes both directions.
    }

    @Override
    protected void notifyWriteClosed() {
      // closeAction closes both directions.
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

  /** Stands in for a connection's I/O thread. As a thread it is never started. */
  private static final class SubstituteThread extends XnioIoThread {
    private final StreamConnection connection;

    SubstituteThread(StreamConnection connection) {
      super(connection.getWorker(), connection.getIoThread().getNumber());
      this.connection = connection;
    }

    @Override
    public IoFuture<StreamConnection> openStreamConnection(
        SocketAddress unused,
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
