package io.rendezvous.http.undertow;

import io.rendezvous.net.Conn;
import io.rendezvous.net.Network;
import io.undertow.UndertowOptions;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.http.HttpOpenListener;
import io.undertow.server.protocol.http.HttpServerConnection;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.Consumer;
import org.xnio.OptionMap;

/**
 * Speaks HTTP/1.1 on connections that were accepted elsewhere, with Undertow's own listener: it
 * keeps connections and writes answers. Every request comes with its head octet for octet, and its
 * connection can be taken away.
 */
public final class HttpServer {
  private final HttpOpenListener listener;
  private final InstantSource clock;

  /**
   * Creates it.
   *
   * @param clock for the Date of answers
   * @param handler is given each request, on the I/O thread of its connection
   */
  public HttpServer(Network network, InstantSource clock, Consumer<HttpRequest> handler) {
    this.clock = clock;
    this.listener =
        new HttpOpenListener(
            network.records(),
            OptionMap.builder().set(UndertowOptions.ALWAYS_SET_KEEP_ALIVE, false).getMap());
    listener.setRootHandler(exchange -> handler.accept(new HttpRequest(exchange, tap(exchange))));
  }

  /**
   * Takes a connection over. Called on its I/O thread.
   *
   * @param read what was read of the first head
   * @param left how much time is left for it
   */
  public void accept(Conn conn, ByteBuffer read, Duration left) {
    new Tap(conn, this, read, left).insert();
    listener.handleEvent(conn.channel(), null);
  }

  private static Tap tap(HttpServerExchange exchange) {
    HttpServerConnection connection = (HttpServerConnection) exchange.getConnection();
    return (Tap) connection.getOriginalSourceConduit();
  }

  Instant now() {
    return clock.instant();
  }
}
