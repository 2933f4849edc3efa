package io.rendezvous.testing;

import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import io.undertow.websockets.WebSocketConnectionCallback;
import io.undertow.websockets.WebSocketProtocolHandshakeHandler;
import io.undertow.websockets.core.AbstractReceiveListener;
import io.undertow.websockets.core.BufferedTextMessage;
import io.undertow.websockets.core.WebSocketChannel;
import io.undertow.websockets.core.WebSockets;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A small web site as people have them at home: a page with parts, uploads, a WebSocket. */
public final class Site implements AutoCloseable {
  /** How many pictures the page has. */
  public static final int PICTURES = 40;

  private final Undertow server;
  private final BlockingQueue<String> reports = new LinkedBlockingQueue<>();
  private final CountDownLatch reported = new CountDownLatch(1);

  /** Starts it on a free port. */
  public Site() {
    server =
        Undertow.builder()
            .addHttpListener(0, "127.0.0.1")
            .setIoThreads(1)
            .setWorkerThreads(8)
            .setServerOption(UndertowOptions.MAX_ENTITY_SIZE, -1L)
            .setHandler(this::handle)
            .build();
    server.start();
  }

  /** Returns its port. */
  public int port() {
    return ((InetSocketAddress) server.getListenerInfo().get(0).getAddress()).getPort();
  }

  /** Returns what its page has reported from browsers. */
  public BlockingQueue<String> reports() {
    return reports;
  }

  private void handle(HttpServerExchange exchange) throws Exception {
    String path = exchange.getRequestPath();
    HttpHandler handler =
        switch (path) {
          case "/page" -> Site::page;
          case "/chat" -> chat();
          case "/upload" -> Site::upload;
          case "/bytes" -> Site::bytes;
          case "/headers" -> Site::headers;
          case "/report" -> this::report;
          case "/last.svg" -> this::last;
          default -> path.startsWith("/picture") ? Site::picture : Site::hello;
        };
    handler.handleRequest(exchange);
  }

  private static void hello(HttpServerExchange exchange) {
    exchange.getResponseSender().send("hello from " + exchange.getRequestPath());
  }

  /** What the server was sent, so that a test can see what was left out. */
  private static void headers(HttpServerExchange exchange) {
    StringBuilder names = new StringBuilder();
    for (HttpString name : exchange.getRequestHeaders().getHeaderNames()) {
      names.append(name).append('\n');
    }
    exchange.getResponseSender().send(names.toString());
  }

  /**
   * Reports what has arrived of it. A browser takes it for loaded when it has. Fetching a relative
   * URL fails on a page whose own URL has a user name in it.
   */
  private static void page(HttpServerExchange exchange) {
    StringBuilder pictures = new StringBuilder();
    for (int i = 0; i < PICTURES; i++) {
      pictures.append("<img class='part' src='/picture").append(i).append(".svg'>");
    }
    exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, "text/html");
    exchange
        .getResponseSender()
        .send(
            """
            <!doctype html><title>a page</title>%s<img src='/last.svg'>
            <script>
              (async () => {
                const parts = [...document.querySelectorAll('.part')];
                await Promise.allSettled(parts.map(part => part.decode()));
                const loaded = parts.filter(part => part.naturalWidth > 0).length;
                const text = await (await fetch(location.origin + '/fetched')).text();
                const report = socket => fetch(location.origin + '/report?text=' + encodeURIComponent(
                  'pictures ' + loaded + ', fetched ' + text + ', socket ' + socket));
                const socket =
                  new WebSocket('wss://' + location.host + '/chat?rendezvous=%s');
                socket.onopen = () => socket.send('ping');
                socket.onerror = () => report('failed');
                socket.onmessage = e => report(e.data);
              })();
            </script>
            """
                .formatted(pictures, parameter(exchange, "id")));
  }

  private static String parameter(HttpServerExchange exchange, String name) {
    return exchange
        .getQueryParameters()
        .getOrDefault(name, new ArrayDeque<>(List.of("")))
        .getFirst();
  }

  private void report(HttpServerExchange exchange) {
    reports.add(parameter(exchange, "text"));
    reported.countDown();
  }

  private void last(HttpServerExchange exchange) throws Exception {
    if (exchange.isInIoThread()) {
      exchange.dispatch(this::last);
      return;
    }
    reported.await(60, TimeUnit.SECONDS);
    picture(exchange);
  }

  private static void picture(HttpServerExchange exchange) {
    exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, "image/svg+xml");
    exchange
        .getResponseSender()
        .send("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>");
  }

  private static HttpHandler chat() {
    return new WebSocketProtocolHandshakeHandler(
        (WebSocketConnectionCallback)
            (exchange, channel) -> {
              channel
                  .getReceiveSetter()
                  .set(
                      new AbstractReceiveListener() {
                        @Override
                        protected void onFullTextMessage(
                            WebSocketChannel socket, BufferedTextMessage message) {
                          WebSockets.sendText("echo " + message.getData(), socket, null);
                        }
                      });
              channel.resumeReceives();
            });
  }

  private static void upload(HttpServerExchange exchange) throws Exception {
    if (exchange.isInIoThread()) {
      exchange.dispatch(Site::upload);
      return;
    }
    exchange.startBlocking();
    Path file = Files.createTempFile("rendezvous-test", ".upload");
    try {
      Files.write(file, exchange.getInputStream().readAllBytes());
      exchange.getResponseSender().send("received " + Files.size(file));
    } finally {
      Files.delete(file);
    }
  }

  private static void bytes(HttpServerExchange exchange) throws Exception {
    if (exchange.isInIoThread()) {
      exchange.dispatch(Site::bytes);
      return;
    }
    long count = Long.parseLong(parameter(exchange, "count"));
    exchange.startBlocking();
    exchange.getResponseHeaders().put(Headers.CONTENT_LENGTH, count);
    Octets.write(exchange.getOutputStream(), count, 1);
    exchange.endExchange();
  }

  @Override
  public void close() {
    server.stop();
  }
}
