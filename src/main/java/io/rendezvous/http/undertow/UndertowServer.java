package io.rendezvous.http.undertow;

import io.rendezvous.http.Identity;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Network;
import io.undertow.UndertowOptions;
import io.undertow.connector.PooledByteBuffer;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.ServerConnection;
import io.undertow.server.protocol.http.HttpOpenListener;
import io.undertow.util.AttachmentKey;
import io.undertow.util.HeaderMap;
import io.undertow.util.HeaderValues;
import io.undertow.util.Headers;
import io.undertow.util.SameThreadExecutor;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import org.xnio.IoUtils;
import org.xnio.OptionMap;
import org.xnio.XnioExecutor;

/**
 * Serves connections with an Undertow handler that Undertow has not accepted: tunnels, and those of
 * our own listeners. It adds what Undertow does for its own listeners only, or not at all: the
 * source of a connection that came through a tunnel, an end to slow bodies, draining, and the
 * removal of the credential that was meant for the broker.
 *
 * <p>Any thread may call, unless a method says otherwise.
 */
public final class UndertowServer {
  private static final int MAX_HEAD = 64 * 1024;
  private static final int MAX_FIELDS = 1000;

  private static final AttachmentKey<Boolean> IS_WATCHED = AttachmentKey.create(Boolean.class);

  /** The addresses of a connection, by which the handler finds its source. */
  private record Ends(InetSocketAddress local, InetSocketAddress peer) {}

  private final Network network;
  private final HttpOpenListener listener;
  private final HttpHandler handler;
  private final Predicate<String> isUserName;
  private final Duration maxTime;
  private final Set<ServerConnection> idle = ConcurrentHashMap.newKeySet();
  private final Map<Ends, InetSocketAddress> sources = new ConcurrentHashMap<>();
  private final Map<Ends, Conn> conns = new ConcurrentHashMap<>();
  private final LongAdder firstBytes = new LongAdder();
  private volatile boolean draining;

  /**
   * Creates a server without limits of time.
   *
   * @param isUserName recognizes the user names that are meant for the broker; the handler does not
   *     see their credentials
   */
  public UndertowServer(Network network, Predicate<String> isUserName, HttpHandler handler) {
    this(network, isUserName, handler, Duration.ZERO);
  }

  /**
   * Creates a server with a limit of time, for connections of strangers.
   *
   * @param isUserName recognizes the user names that are meant for the broker; the handler does not
   *     see their credentials
   * @param maxTime how long each of these may take: the wait for a request, its head, its body.
   *     Zero means no limit
   */
  public UndertowServer(
      Network network, Predicate<String> isUserName, HttpHandler handler, Duration maxTime) {
    this.network = network;
    this.isUserName = isUserName;
    this.handler = handler;
    this.maxTime = maxTime;
    int maxMs = maxTime.isZero() ? -1 : (int) maxTime.toMillis(); // 0 would be no time at all
    this.listener =
        new HttpOpenListener(
            UndertowBuffers.of(network),
            OptionMap.builder()
                .set(UndertowOptions.MAX_ENTITY_SIZE, -1L)
                .set(UndertowOptions.MAX_HEADER_SIZE, MAX_HEAD)
                .set(UndertowOptions.MAX_HEADERS, MAX_FIELDS)
                .set(UndertowOptions.MAX_PARAMETERS, MAX_FIELDS)
                // The handler has to judge what browsers leave unescaped in a query.
                .set(UndertowOptions.ALLOW_UNESCAPED_CHARACTERS_IN_URL, true)
                .set(UndertowOptions.ALWAYS_SET_KEEP_ALIVE, false)
                .set(UndertowOptions.ENABLE_STATISTICS, true)
                .set(UndertowOptions.NO_REQUEST_TIMEOUT, maxMs)
                .set(UndertowOptions.REQUEST_PARSE_TIMEOUT, maxMs)
                .getMap());
    listener.setRootHandler(this::handle);
  }

  /**
   * Takes a connection over, and starts TLS if the connection awaits it. Called on the connection's
   * I/O thread.
   *
   * @param first the bytes that were read from it; none if it awaits TLS
   * @param source the address of the client, if it is not the peer's
   * @param onClosed runs when the connection is closed
   */
  public void accept(
      Conn conn, ByteBuffer first, Optional<InetSocketAddress> source, Runnable onClosed) {
    if (conn.awaitsTls()) {
      conn.startTls();
    }
    Ends ends = new Ends(conn.local(), conn.peer());
    source.ifPresent(address -> sources.put(ends, address));
    conns.put(ends, conn);
    conn.reportLostWrites(); // ends an endless response to a client that has left
    conn.onClosed(
        () -> {
          sources.remove(ends);
          conns.remove(ends, conn);
          onClosed.run();
        });
    PooledByteBuffer buffer = UndertowBuffers.of(network).allocate();
    // A tunnel of ours reads less at a time, but a hostile broker might send more.
    if (first.remaining() > buffer.getBuffer().remaining()) {
      buffer.close();
      conn.abort();
      return;
    }
    firstBytes.add(first.remaining());
    buffer.getBuffer().put(first).flip();
    listener.handleEvent(conn.channel(), buffer);
  }

  /** Returns the number of requests that were answered. */
  public long requests() {
    return listener.getConnectorStatistics().getRequestCount();
  }

  /** Returns the number of bytes received from clients. */
  public long octetsIn() {
    return firstBytes.sum() + listener.getConnectorStatistics().getBytesReceived();
  }

  /** Returns the number of bytes sent to clients. */
  public long octetsOut() {
    return listener.getConnectorStatistics().getBytesSent();
  }

  private void handle(HttpServerExchange exchange) throws Exception {
    ServerConnection connection = exchange.getConnection();
    if (connection.putAttachment(IS_WATCHED, true) == null) {
      connection.addCloseListener(idle::remove);
    }
    idle.remove(connection);
    if (draining) {
      exchange.setPersistent(false);
    }
    exchange.addExchangeCompleteListener(
        (done, next) -> {
          if (!done.isUpgrade()) {
            onIdle(connection);
          }
          next.proceed();
        });
    InetSocketAddress source = sources.get(endsOf(connection));
    if (source != null) {
      exchange.setSourceAddress(source);
    }
    removeCredential(exchange.getRequestHeaders());
    if (!maxTime.isZero() && !exchange.isRequestComplete()) {
      limitBodyTime(exchange);
    }
    handler.handleRequest(exchange);
  }

  /** Closes the connection if the body does not come in time. Undertow limits heads only. */
  private void limitBodyTime(HttpServerExchange exchange) {
    XnioExecutor.Key deadline =
        exchange
            .getIoThread()
            .executeAfter(
                () -> {
                  if (!exchange.isRequestComplete()) {
                    IoUtils.safeClose(exchange.getConnection());
                  }
                },
                maxTime.toMillis(),
                TimeUnit.MILLISECONDS);
    exchange.addExchangeCompleteListener(
        (done, next) -> {
          deadline.remove();
          next.proceed();
        });
  }

  private static Ends endsOf(ServerConnection connection) {
    return new Ends(
        connection.getLocalAddress(InetSocketAddress.class),
        connection.getPeerAddress(InetSocketAddress.class));
  }

  /**
   * Tells that the peer has proved who it is, so that the connection of its request is not closed
   * to make room for others. Any thread may call.
   */
  public void identified(HttpServerExchange exchange) {
    Conn conn = conns.get(endsOf(exchange.getConnection()));
    if (conn != null) {
      conn.execute(conn::identified);
    }
  }

  /**
   * Runs a task that answers a request, on its I/O thread and after a delay. Called by the handler
   * of the request.
   */
  public static void runLater(HttpServerExchange exchange, Duration delay, Runnable task) {
    exchange.dispatch(
        SameThreadExecutor.INSTANCE,
        () -> exchange.getIoThread().executeAfter(task, delay.toMillis(), TimeUnit.MILLISECONDS));
  }

  /**
   * Removes an Authorization that was meant for the broker. The broker itself removes it from the
   * first request of a connection only, since it does not see the others.
   */
  private void removeCredential(HeaderMap headers) {
    HeaderValues values = headers.get(Headers.AUTHORIZATION);
    if (values != null && values.removeIf(this::isForTheBroker) && values.isEmpty()) {
      headers.remove(Headers.AUTHORIZATION);
    }
  }

  private boolean isForTheBroker(String authorization) {
    try {
      return Identity.userName(authorization).filter(isUserName).isPresent();
    } catch (ProtocolException e) { // the handler may understand it
      return false;
    }
  }

  private void onIdle(ServerConnection connection) {
    idle.add(connection);
    if (!connection.isOpen()) {
      idle.remove(connection);
    } else if (draining) {
      close(connection);
    }
  }

  /** Closes idle connections at once, and the others after the response to their request. */
  public void drain() {
    draining = true;
    idle.forEach(UndertowServer::close);
  }

  private static void close(ServerConnection connection) {
    try {
      connection.getIoThread().execute(() -> IoUtils.safeClose(connection));
    } catch (RejectedExecutionException e) {
      // The I/O thread has ended, and the connection with it.
    }
  }
}
