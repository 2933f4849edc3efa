package io.rendezvous.http.undertow;

import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.Network;
import io.rendezvous.tls.keys.TrustedCertificates;
import io.undertow.attribute.ExchangeAttributes;
import io.undertow.client.ClientCallback;
import io.undertow.client.ClientConnection;
import io.undertow.connector.ByteBufferPool;
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
import io.undertow.util.Methods;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.xnio.IoUtils;
import org.xnio.XnioExecutor;

/**
 * Passes the requests of a client's connection on to a local server, with Undertow's reverse proxy,
 * on one connection that is kept as long as the client's: as on the broker, no two clients share
 * one.
 */
public final class ReverseProxy {
  private static final AttachmentKey<ClientConnection> LOCAL =
      AttachmentKey.create(ClientConnection.class);
  private static final AttachmentKey<HeadLimit> HEAD_LIMIT = AttachmentKey.create(HeadLimit.class);
  private static final AttachmentKey<Boolean> WATCHED = AttachmentKey.create(Boolean.class);
  private static final AttachmentKey<String> REASON = AttachmentKey.create(String.class);
  private static final HttpString FORWARDED = new HttpString("Forwarded");
  private static final String X_FORWARDED = "X-Forwarded-";
  private static final HttpString REAL_IP = new HttpString("X-Real-IP");

  /**
   * A local server.
   *
   * @param name what pages and the log call it
   * @param host what it calls itself, as Host has it
   * @param dialer opens connections to it
   */
  public record LocalServer(String name, String host, Dialer dialer) {}

  /**
   * What is changed on the way.
   *
   * @param rewriteHost whether the local server sees its own name as Host rather than the broker's
   * @param trust whose certificate a local server over TLS is believed by
   * @param patience how long the local server may take to begin its answer
   */
  public record Options(boolean rewriteHost, TrustedCertificates trust, Duration patience) {}

  private ReverseProxy() {}

  /**
   * Returns a handler that passes requests on.
   *
   * @param failed is told why a request was answered with 502 or 504, on an I/O thread
   */
  public static HttpHandler to(
      LocalServer local, Options options, Network network, Consumer<String> failed) {
    ProxyHandler.Builder proxy =
        ProxyHandler.builder()
            .setProxyClient(new LocalConnections(local.dialer(), UndertowBuffers.of(network)))
            .setReuseXForwarded(false)
            .setIdempotentRequestPredicate(ReverseProxy::maySendAgain)
            .setMaxConnectionRetries(1);
    if (options.rewriteHost()) { // Undertow would do so by the address, and there may be none
      proxy.addRequestHeader(Headers.HOST, ExchangeAttributes.constant(local.host()));
    }
    HttpHandler handler = proxy.build();
    return exchange -> {
      exchange.addDefaultResponseListener(
          unanswered -> answerFor(unanswered, local, options.trust(), failed));
      tellOrigin(exchange, options.rewriteHost());
      timeOut(exchange, options.patience());
      exchange.addResponseCommitListener(ReverseProxy::liftHeadLimit);
      handler.handleRequest(exchange);
    };
  }

  /** Which requests may reach a local server twice, as on the broker; but never with a body. */
  private static boolean maySendAgain(HttpServerExchange exchange) {
    HttpString method = exchange.getRequestMethod();
    boolean idempotent =
        method.equals(Methods.GET) || method.equals(Methods.HEAD) || method.equals(Methods.OPTIONS);
    return idempotent && !isHeadTooLong(exchange);
  }

  private static boolean isHeadTooLong(HttpServerExchange exchange) {
    HeadLimit limit = exchange.getConnection().getAttachment(HEAD_LIMIT);
    return limit != null && limit.wasExceeded();
  }

  private static void liftHeadLimit(HttpServerExchange exchange) {
    HeadLimit limit = exchange.getConnection().getAttachment(HEAD_LIMIT);
    if (limit != null) {
      limit.lift();
    }
  }

  /** Only what this side knows itself is told; what the client says of it is dropped. */
  private static void tellOrigin(HttpServerExchange exchange, boolean rewriteHost) {
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
    if (rewriteHost && host != null) {
      headers.put(Headers.X_FORWARDED_HOST, host);
    }
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
      HttpServerExchange exchange,
      LocalServer local,
      TrustedCertificates trust,
      Consumer<String> failed) {
    int status = exchange.getStatusCode();
    boolean left = !exchange.getConnection().isOpen();
    if (status < StatusCodes.INTERNAL_SERVER_ERROR || exchange.isResponseStarted() || left) {
      return false;
    }
    boolean slow = status == StatusCodes.GATEWAY_TIME_OUT;
    String reason = exchange.getAttachment(REASON);
    String unsaid = reason == null ? "gave no answer" : "cannot be reached";
    if (isHeadTooLong(exchange)) {
      unsaid = "sent too long a head";
    }
    String why =
        trust
            .takeRefusal()
            .map(r -> "is not believed (" + r.replaceAll("[^ -~]|[\"\\\\]", " ") + ")")
            .orElse(slow ? "did not answer in time" : unsaid);
    Problem problem =
        Problem.passing(
            slow ? status : StatusCodes.BAD_GATEWAY,
            "the local server at " + local.name() + " " + why);
    failed.accept(
        "a request was answered with "
            + problem.status()
            + ": "
            + problem.diagnostic()
            + (reason == null ? "" : ": " + reason));
    exchange.setStatusCode(problem.status());
    String accepted = String.join(",", exchange.getRequestHeaders().eachValue(Headers.ACCEPT));
    boolean html = accepted.contains("text/html");
    exchange
        .getResponseHeaders()
        .put(Headers.CONTENT_TYPE, html ? "text/html; charset=utf-8" : "application/json")
        .put(Headers.CACHE_CONTROL, "no-store");
    exchange.getResponseSender().send(html ? page(problem) : ProblemResponse.json(problem).body());
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
  private record LocalConnections(Dialer dialer, ByteBufferPool pool) implements ProxyClient {
    private static final ProxyTarget TARGET = new ProxyTarget() {};

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
      dialer.dialOn(exchange.getIoThread(), new Dialled(exchange, callback, pool));
    }
  }

  /** What becomes of a connection to the local server. */
  private record Dialled(
      HttpServerExchange exchange, ProxyCallback<ProxyConnection> callback, ByteBufferPool pool)
      implements Dialer.Result, ClientCallback<ClientConnection> {

    @Override
    public void opened(Conn conn) {
      if (!exchange.getConnection().isOpen() || exchange.isResponseStarted()) {
        conn.close(); // the client left meanwhile, or was told that it takes too long
        callback.couldNotResolveBackend(exchange);
        return;
      }
      conn.reportLostWrites(); // or an endless request would go on for a server that has left
      exchange.getConnection().putAttachment(HEAD_LIMIT, HeadLimit.on(conn));
      UndertowClient.on(conn, pool, this);
    }

    @Override
    public void completed(ClientConnection local) {
      ServerConnection client = exchange.getConnection();
      if (client.putAttachment(WATCHED, true) == null) {
        client.addCloseListener(closed -> IoUtils.safeClose(closed.getAttachment(LOCAL)));
      }
      client.putAttachment(LOCAL, local);
      exchange.removeAttachment(REASON);
      callback.completed(exchange, new ProxyConnection(local, ""));
    }

    @Override
    public void failed(IOException reason) {
      exchange.putAttachment(REASON, String.valueOf(reason.getMessage()));
      callback.failed(exchange);
    }
  }
}
