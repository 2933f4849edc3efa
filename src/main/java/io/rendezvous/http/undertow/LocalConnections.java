package io.rendezvous.http.undertow;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.FailureText;
import io.undertow.client.ClientCallback;
import io.undertow.client.ClientConnection;
import io.undertow.connector.ByteBufferPool;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.ServerConnection;
import io.undertow.server.handlers.proxy.ProxyCallback;
import io.undertow.server.handlers.proxy.ProxyClient;
import io.undertow.server.handlers.proxy.ProxyConnection;
import io.undertow.util.AttachmentKey;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.xnio.IoUtils;

/**
 * Gives each client connection one connection to the local server, which is kept for as long as the
 * client's. Undertow's own proxy clients share connections between clients, and open them by
 * address only.
 *
 * <p>What belongs to a client connection is attached to it. Lives on the I/O threads of clients.
 */
final class LocalConnections implements ProxyClient {
  private static final AttachmentKey<ClientConnection> LOCAL =
      AttachmentKey.create(ClientConnection.class);
  private static final AttachmentKey<HeadLimit> HEAD_LIMIT = AttachmentKey.create(HeadLimit.class);
  private static final AttachmentKey<Boolean> IS_CLOSED_WITH_CLIENT =
      AttachmentKey.create(Boolean.class);
  private static final AttachmentKey<String> FAILURE = AttachmentKey.create(String.class);
  private static final ProxyTarget TARGET = new ProxyTarget() {};

  private final Dialer dialer;
  private final ByteBufferPool buffers;

  LocalConnections(Dialer dialer, ByteBufferPool buffers) {
    this.dialer = dialer;
    this.buffers = buffers;
  }

  /** Takes the connection to the local server away from a client, if it has one. */
  static @Nullable ClientConnection remove(HttpServerExchange exchange) {
    return exchange.getConnection().removeAttachment(LOCAL);
  }

  /** Returns why the local server could not be connected to for a request, if so. */
  static Optional<String> failure(HttpServerExchange exchange) {
    return Optional.ofNullable(exchange.getAttachment(FAILURE));
  }

  /** Returns whether the local server has sent a head that is too long. */
  static boolean isHeadTooLong(HttpServerExchange exchange) {
    HeadLimit limit = exchange.getConnection().getAttachment(HEAD_LIMIT);
    return limit != null && limit.wasExceeded();
  }

  /** Ends the limit on the response's head, which has been read. */
  static void liftHeadLimit(HttpServerExchange exchange) {
    HeadLimit limit = exchange.getConnection().getAttachment(HEAD_LIMIT);
    if (limit != null) {
      limit.lift();
    }
  }

  @Override
  public ProxyTarget findTarget(HttpServerExchange exchange) {
    return TARGET;
  }

  @Override
  public void getConnection(
      ProxyTarget target,
      HttpServerExchange exchange,
      ProxyCallback<ProxyConnection> callback,
      long timeout,
      TimeUnit unit) {
    ClientConnection kept = exchange.getConnection().getAttachment(LOCAL);
    HeadLimit limit = exchange.getConnection().getAttachment(HEAD_LIMIT);
    if (kept != null && kept.isOpen() && limit != null) {
      limit.begin();
      callback.completed(exchange, new ProxyConnection(kept, ""));
      return;
    }
    exchange.getConnection().removeAttachment(HEAD_LIMIT);
    dialer.dialOn(exchange.getIoThread(), new Dial(exchange, callback, buffers));
  }

  /** An attempt to connect to the local server. */
  private record Dial(
      HttpServerExchange exchange, ProxyCallback<ProxyConnection> callback, ByteBufferPool buffers)
      implements Dialer.Result, ClientCallback<ClientConnection> {

    @Override
    public void opened(Conn conn) {
      if (!exchange.getConnection().isOpen() || exchange.isResponseStarted()) {
        conn.close(); // meanwhile the client has left or received a 504
        callback.couldNotResolveBackend(exchange);
        return;
      }
      conn.reportLostWrites(); // ends an endless request to a local server that has left
      exchange.getConnection().putAttachment(HEAD_LIMIT, HeadLimit.on(conn));
      UndertowClient.on(conn, buffers, this);
    }

    @Override
    public void completed(ClientConnection local) {
      ServerConnection client = exchange.getConnection();
      if (client.putAttachment(IS_CLOSED_WITH_CLIENT, true) == null) {
        client.addCloseListener(closed -> IoUtils.safeClose(closed.getAttachment(LOCAL)));
      }
      client.putAttachment(LOCAL, local);
      exchange.removeAttachment(FAILURE);
      callback.completed(exchange, new ProxyConnection(local, ""));
    }

    @Override
    public void failed(IOException reason) {
      exchange.putAttachment(FAILURE, FailureText.of(reason));
      callback.failed(exchange);
    }
  }
}
