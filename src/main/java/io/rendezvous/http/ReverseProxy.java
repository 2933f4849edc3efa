package io.rendezvous.http;

import io.rendezvous.net.Network;
import io.rendezvous.net.Trust;
import io.undertow.client.ClientCallback;
import io.undertow.client.ClientConnection;
import io.undertow.client.UndertowClient;
import io.undertow.protocols.ssl.UndertowXnioSsl;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.ServerConnection;
import io.undertow.server.handlers.proxy.ProxyCallback;
import io.undertow.server.handlers.proxy.ProxyClient;
import io.undertow.server.handlers.proxy.ProxyConnection;
import io.undertow.server.handlers.proxy.ProxyHandler;
import io.undertow.util.AttachmentKey;
import io.undertow.util.HeaderMap;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.xnio.IoUtils;
import org.xnio.OptionMap;
import org.xnio.Xnio;
import org.xnio.XnioExecutor;
import org.xnio.ssl.XnioSsl;

/**
 * Passes the requests of a client's connection on to a local server, with Undertow's reverse proxy,
 * on one connection that is kept as long as the client's: as on the broker, no two clients share
 * one.
 */
public final class ReverseProxy {
  private static final AttachmentKey<ClientConnection> LOCAL =
      AttachmentKey.create(ClientConnection.class);
  private static final AttachmentKey<Boolean> WATCHED = AttachmentKey.create(Boolean.class);
  private static final HttpString FORWARDED = new HttpString("Forwarded");
  private static final String X_FORWARDED = "X-Forwarded-";
  private static final HttpString REAL_IP = new HttpString("X-Real-IP");

  /**
   * What is changed on the way.
   *
   * @param rewriteHost whether the local server sees its own name as Host rather than the broker's
   * @param trust whose certificate a local server over TLS is believed by
   * @param patience how long the local server may take to begin its answer
   */
  public record Options(boolean rewriteHost, Trust trust, Duration patience) {}

  private ReverseProxy() {}

  /**
   * Returns a handler that passes requests on.
   *
   * @param local {@code http://HOST:PORT} or {@code https://HOST:PORT}
   * @param failed is told why a request was answered with 502 or 504, on an I/O thread
   */
  public static HttpHandler to(
      URI local, Options options, Network network, Consumer<String> failed) {
    ProxyHandler proxy =
        ProxyHandler.builder()
            .setProxyClient(new LocalServer(local, options.trust(), network))
            .setRewriteHostHeader(options.rewriteHost())
            .setReuseXForwarded(false)
            .setMaxConnectionRetries(1)
            .build();
    return exchange -> {
      exchange.addDefaultResponseListener(
          unanswered -> answerFor(unanswered, local, options.trust(), failed));
      tellOrigin(exchange);
      timeOut(exchange, options.patience());
      proxy.handleRequest(exchange);
    };
  }

  /** Only what this side knows itself is told; what the client says of it is dropped. */
  private static void tellOrigin(HttpServerExchange exchange) {
    HeaderMap headers = exchange.getRequestHeaders();
    headers.remove(REAL_IP);
    List.copyOf(headers.getHeaderNames()).stream()
        .filter(
            name -> name.toString().regionMatches(true, 0, X_FORWARDED, 0, X_FORWARDED.length()))
        .forEach(headers::remove);
    String host = headers.getFirst(Headers.HOST);
    String address = exchange.getSourceAddress().getAddress().getHostAddress();
    headers.put(
        FORWARDED,
        "for=\""
            + (address.indexOf(':') < 0 ? address : "[" + address + "]")
            + "\";proto=https"
            + (host == null ? "" : ";host=\"" + host + "\""));
  }

  /** Undertow itself would bound the whole request, and cut off long downloads and streams. */
  private static void timeOut(HttpServerExchange exchange, Duration patience) {
    Patience running = new Patience(exchange, patience);
    running.start();
    exchange.addResponseCommitListener(begun -> running.stop());
    exchange.addExchangeCompleteListener(
        (done, next) -> {
          running.stop();
          next.proceed();
        });
  }

  /** Gives a local server up that has the whole request and does not begin to answer. */
  private static final class Patience {
    private final HttpServerExchange exchange;
    private final Duration time;
    private XnioExecutor.@Nullable Key timer;

    Patience(HttpServerExchange exchange, Duration time) {
      this.exchange = exchange;
      this.time = time;
    }

    void start() {
      timer =
          exchange.getIoThread().executeAfter(this::onLate, time.toMillis(), TimeUnit.MILLISECONDS);
    }

    void stop() {
      XnioExecutor.Key running = timer;
      timer = null;
      if (running != null) {
        running.remove();
      }
    }

    private void onLate() {
      if (exchange.isResponseStarted()) {
        return;
      }
      if (!exchange.isRequestComplete()) {
        start(); // it is the client that is slow
        return;
      }
      ClientConnection local = exchange.getConnection().removeAttachment(LOCAL);
      exchange.setPersistent(false); // Undertow still waits for that answer here
      exchange.setStatusCode(StatusCodes.GATEWAY_TIME_OUT);
      exchange.endExchange();
      if (local != null) {
        cut(local);
      }
    }

    /** An orderly close would wait for the other side. */
    private static void cut(ClientConnection local) {
      try {
        IoUtils.safeClose(local.performUpgrade());
      } catch (IOException e) {
        IoUtils.safeClose(local);
      }
    }
  }

  /** Undertow answers without a word where the local server did not. */
  private static boolean answerFor(
      HttpServerExchange exchange, URI local, Trust trust, Consumer<String> failed) {
    int status = exchange.getStatusCode();
    if (status < StatusCodes.INTERNAL_SERVER_ERROR || exchange.isResponseStarted()) {
      return false;
    }
    boolean slow = status == StatusCodes.GATEWAY_TIME_OUT;
    String why =
        trust
            .takeRefusal()
            .map(r -> "is not believed (" + r.replaceAll("[^ -~]|[\"\\\\]", " ") + ")")
            .orElse(slow ? "did not answer in time" : "cannot be reached");
    Problem problem =
        Problem.passing(
            slow ? status : StatusCodes.BAD_GATEWAY,
            "the local server at " + local.getAuthority() + " " + why);
    failed.accept("a request was answered with " + problem.status() + ": " + problem.diagnostic());
    exchange.setStatusCode(problem.status());
    String accepted = String.join(",", exchange.getRequestHeaders().eachValue(Headers.ACCEPT));
    boolean html = accepted.contains("text/html");
    exchange
        .getResponseHeaders()
        .put(Headers.CONTENT_TYPE, html ? "text/html; charset=utf-8" : "application/json")
        .put(Headers.CACHE_CONTROL, "no-store");
    exchange.getResponseSender().send(html ? page(problem) : Answer.json(problem).body());
    return true;
  }

  private static String page(Problem problem) {
    String title = problem.status() + " " + problem.reason();
    String text = problem.diagnostic().replace("&", "&amp;").replace("<", "&lt;");
    return "<!doctype html>\n<title>"
        + title
        + "</title>\n<h1>"
        + title
        + "</h1>\n<p>"
        + text
        + ".\n";
  }

  /** Gives each of the client's connections one to the local server. */
  private static final class LocalServer implements ProxyClient {
    private static final ProxyTarget TARGET = new ProxyTarget() {};

    private final URI uri;
    private final Network network;
    private final @Nullable XnioSsl ssl;

    LocalServer(URI uri, Trust trust, Network network) {
      this.uri = uri;
      this.network = network;
      this.ssl =
          uri.getScheme().equals("https")
              ? new UndertowXnioSsl(
                  Xnio.getInstance(), OptionMap.EMPTY, network.records(), trust.context())
              : null;
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
      ServerConnection client = exchange.getConnection();
      ClientConnection kept = client.getAttachment(LOCAL);
      if (kept != null && kept.isOpen()) {
        callback.completed(exchange, new ProxyConnection(kept, ""));
        return;
      }
      ClientCallback<ClientConnection> connected =
          new ClientCallback<>() {
            @Override
            public void completed(ClientConnection local) {
              if (!client.isOpen()) { // it left meanwhile
                IoUtils.safeClose(local);
                callback.couldNotResolveBackend(exchange);
                return;
              }
              if (client.putAttachment(WATCHED, true) == null) {
                client.addCloseListener(closed -> IoUtils.safeClose(closed.getAttachment(LOCAL)));
              }
              client.putAttachment(LOCAL, local);
              callback.completed(exchange, new ProxyConnection(local, ""));
            }

            @Override
            public void failed(IOException e) {
              callback.failed(exchange);
            }
          };
      UndertowClient.getInstance()
          .connect(connected, uri, exchange.getIoThread(), ssl, network.records(), OptionMap.EMPTY);
    }
  }
}
