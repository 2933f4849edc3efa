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
 * Serves connections that were not accepted by Undertow, such as tunnels, with a handler of
 * Undertow's. It sees requests without the credential that was meant for the broker.
 */
public final class UndertowServer {
  private static final int MAX_HEAD = 64 * 1024;
  private static final int MAX_FIELDS = 1000;

  private static final AttachmentKey<Boolean> KNOWN = AttachmentKey.create(Boolean.class);

  /** By which a connection is known from the handler's side. */
  private record Ends(InetSocketAddress local, InetSocketAddress peer) {}

  private final Network network;
  private final HttpOpenListener listener;
  private final HttpHandler handler;
  private final Predicate<String> users;
  private final Duration patience;
  private final Set<ServerConnection> idle = ConcurrentHashMap.newKeySet();
  private final Map<Ends, InetSocketAddress> sources = new ConcurrentHashMap<>();
  private final LongAdder firstOctets = new LongAdder();
  private volatile boolean draining;

  /**
   * Creates one.
   *
   * @param users tells the user names that clients give the broker, which the handler does not see
   */
  public UndertowServer(Network network, Predicate<String> users, HttpHandler handler) {
    this(network, users, handler, Duration.ZERO);
  }

  /**
   * Creates one for connections of strangers, who may not keep them for nothing.
   *
   * @param users as above
   * @param idle how long a request may be awaited, how long its head may take, and how long its
   *     body; for ever if zero
   */
  public UndertowServer(
      Network network, Predicate<String> users, HttpHandler handler, Duration idle) {
    this.network = network;
    this.users = users;
    this.handler = handler;
    this.patience = idle;
    int idleMs = idle.isZero() ? -1 : (int) idle.toMillis(); // 0 would be no time at all
    this.listener =
        new HttpOpenListener(
            UndertowBuffers.of(network),
            OptionMap.builder()
                .set(UndertowOptions.MAX_ENTITY_SIZE, -1L)
                .set(UndertowOptions.MAX_HEADER_SIZE, MAX_HEAD)
                .set(UndertowOptions.MAX_HEADERS, MAX_FIELDS)
                .set(UndertowOptions.MAX_PARAMETERS, MAX_FIELDS)
                // What browsers leave unescaped in a query is the handler's to judge.
                .set(UndertowOptions.ALLOW_UNESCAPED_CHARACTERS_IN_URL, true)
                .set(UndertowOptions.ALWAYS_SET_KEEP_ALIVE, false)
                .set(UndertowOptions.ENABLE_STATISTICS, true)
                .set(UndertowOptions.NO_REQUEST_TIMEOUT, idleMs)
                .set(UndertowOptions.REQUEST_PARSE_TIMEOUT, idleMs)
                .getMap());
    listener.setRootHandler(this::handle);
  }

  /**
   * Takes a connection over. Called on its I/O thread.
   *
   * @param first what was read of it, nothing where TLS is still to be started
   * @param source where the client is, if that is known
   * @param over is run once it is closed
   */
  public void accept(
      Conn conn, ByteBuffer first, Optional<InetSocketAddress> source, Runnable over) {
    if (conn.awaitsTls()) {
      conn.startTls();
    }
    Ends ends = new Ends(conn.local(), conn.peer());
    source.ifPresent(address -> sources.put(ends, address));
    conn.reportLostWrites(); // or an endless answer would go on for a client that has left
    conn.onClosed(
        () -> {
          sources.remove(ends);
          over.run();
        });
    PooledByteBuffer buffer = UndertowBuffers.of(network).allocate();
    // Beyond what is read in one go; a broker may try.
    if (first.remaining() > buffer.getBuffer().remaining()) {
      buffer.close();
      conn.abort();
      return;
    }
    firstOctets.add(first.remaining());
    buffer.getBuffer().put(first).flip();
    listener.handleEvent(conn.channel(), buffer);
  }

  /** Returns how many requests were answered. Any thread may ask. */
  public long requests() {
    return listener.getConnectorStatistics().getRequestCount();
  }

  /** Returns how many octets came from clients. Any thread may ask. */
  public long octetsIn() {
    return firstOctets.sum() + listener.getConnectorStatistics().getBytesReceived();
  }

  /** Returns how many octets went to clients. Any thread may ask. */
  public long octetsOut() {
    return listener.getConnectorStatistics().getBytesSent();
  }

  private void handle(HttpServerExchange exchange) throws Exception {
    ServerConnection connection = exchange.getConnection();
    if (connection.putAttachment(KNOWN, true) == null) {
      connection.addCloseListener(idle::remove);
    }
    idle.remove(connection);
    if (draining) {
      exchange.setPersistent(false);
    }
    exchange.addExchangeCompleteListener(
        (done, next) -> {
          if (!done.isUpgrade()) {
            rest(connection);
          }
          next.proceed();
        });
    InetSocketAddress source =
        sources.get(
            new Ends(
                connection.getLocalAddress(InetSocketAddress.class),
                connection.getPeerAddress(InetSocketAddress.class)));
    if (source != null) {
      exchange.setSourceAddress(source);
    }
    removeCredential(exchange.getRequestHeaders());
    if (!patience.isZero() && !exchange.isRequestComplete()) {
      awaitBody(exchange);
    }
    handler.handleRequest(exchange);
  }

  /** Undertow has a time for heads, but none for bodies. */
  private void awaitBody(HttpServerExchange exchange) {
    XnioExecutor.Key deadline =
        exchange
            .getIoThread()
            .executeAfter(
                () -> {
                  if (!exchange.isRequestComplete()) {
                    IoUtils.safeClose(exchange.getConnection());
                  }
                },
                patience.toMillis(),
                TimeUnit.MILLISECONDS);
    exchange.addExchangeCompleteListener(
        (done, next) -> {
          deadline.remove();
          next.proceed();
        });
  }

  /**
   * The broker takes it out of the first request of a connection only, since it looks at no other.
   */
  private void removeCredential(HeaderMap headers) {
    HeaderValues values = headers.get(Headers.AUTHORIZATION);
    if (values != null && values.removeIf(this::isForTheBroker) && values.isEmpty()) {
      headers.remove(Headers.AUTHORIZATION);
    }
  }

  private boolean isForTheBroker(String authorization) {
    try {
      return Identity.userName(authorization).filter(users).isPresent();
    } catch (ProtocolException e) { // then the handler may make something of it
      return false;
    }
  }

  private void rest(ServerConnection connection) {
    idle.add(connection);
    if (!connection.isOpen()) {
      idle.remove(connection);
    } else if (draining) {
      close(connection);
    }
  }

  /** Closes the connections on which nothing is asked, and the others when they are answered. */
  public void drain() {
    draining = true;
    idle.forEach(UndertowServer::close);
  }

  private static void close(ServerConnection connection) {
    try {
      connection.getIoThread().execute(() -> IoUtils.safeClose(connection));
    } catch (RejectedExecutionException e) {
      // The process ends, and the connection with it.
    }
  }
}
