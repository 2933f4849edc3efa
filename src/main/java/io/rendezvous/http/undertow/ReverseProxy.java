package io.rendezvous.http.undertow;

import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.Network;
import io.rendezvous.tls.keys.TrustedCertificates;
import io.undertow.attribute.ExchangeAttributes;
import io.undertow.client.ClientConnection;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.proxy.ProxyHandler;
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
 * Passes requests on to a local server. It sets up Undertow's reverse proxy and adds what that
 * lacks: a connection to the local server for each client connection (see {@link
 * LocalConnections}), so that no two clients share one, a limit on the time until the response
 * begins, the origin of requests, and error responses that say what is wrong.
 */
public final class ReverseProxy {
  private static final HttpString FORWARDED = new HttpString("Forwarded");
  private static final String X_FORWARDED = "X-Forwarded-";
  private static final HttpString REAL_IP = new HttpString("X-Real-IP");

  /**
   * A local server.
   *
   * @param name its name for error pages and the log
   * @param host its value of the Host header
   * @param dialer opens connections to it
   */
  public record LocalServer(String name, String host, Dialer dialer) {}

  /**
   * The options of a reverse proxy.
   *
   * @param rewriteHost whether requests have the local server's Host rather than the client's
   * @param trustedCertificates verify a local server that speaks TLS
   * @param patience how long the local server may take to begin its response
   */
  public record Options(
      boolean rewriteHost, TrustedCertificates trustedCertificates, Duration patience) {}

  private ReverseProxy() {}

  /**
   * Returns a handler that passes requests on.
   *
   * @param onFailure is told why a request was answered with 502 or 504, on an I/O thread
   */
  public static HttpHandler to(
      LocalServer local, Options options, Network network, Consumer<String> onFailure) {
    ProxyHandler.Builder proxy =
        ProxyHandler.builder()
            .setProxyClient(new LocalConnections(local.dialer(), UndertowBuffers.of(network)))
            .setReuseXForwarded(false)
            .setIdempotentRequestPredicate(ReverseProxy::mayBeRepeated)
            .setMaxConnectionRetries(1);
    if (options.rewriteHost()) { // Undertow would take the address, which there may not be
      proxy.addRequestHeader(Headers.HOST, ExchangeAttributes.constant(local.host()));
    }
    HttpHandler handler = proxy.build();
    return exchange -> {
      exchange.addDefaultResponseListener(
          unanswered -> answerError(unanswered, local, options.trustedCertificates(), onFailure));
      setOrigin(exchange, options.rewriteHost());
      limitResponseTime(exchange, options.patience());
      exchange.addResponseCommitListener(LocalConnections::liftHeadLimit);
      handler.handleRequest(exchange);
    };
  }

  /** Returns whether a request may be sent to the local server twice. Undertow excludes bodies. */
  private static boolean mayBeRepeated(HttpServerExchange exchange) {
    HttpString method = exchange.getRequestMethod();
    boolean idempotent =
        method.equals(Methods.GET) || method.equals(Methods.HEAD) || method.equals(Methods.OPTIONS);
    return idempotent && !LocalConnections.isHeadTooLong(exchange);
  }

  /**
   * Sets the headers that say where a request comes from (RFC 7239). Those of the client are
   * removed, since it could say anything.
   */
  private static void setOrigin(HttpServerExchange exchange, boolean rewriteHost) {
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

  /**
   * Limits the time until the response begins. Undertow's own limit includes the body, and would
   * cut off long downloads and streams.
   */
  private static void limitResponseTime(HttpServerExchange exchange, Duration patience) {
    ResponseTimeout timeout = new ResponseTimeout(exchange, patience);
    timeout.start();
    exchange.addResponseCommitListener(begun -> timeout.stop());
    exchange.addExchangeCompleteListener(
        (done, next) -> {
          timeout.stop();
          next.proceed();
        });
  }

  /** Answers 504 if the local server has the whole request and does not begin to respond. */
  private static final class ResponseTimeout {
    private final HttpServerExchange exchange;
    private final Duration time;
    private XnioExecutor.@Nullable Key timer;

    ResponseTimeout(HttpServerExchange exchange, Duration time) {
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
        start(); // the client is the slow one
        return;
      }
      ClientConnection local = LocalConnections.remove(exchange);
      exchange.setPersistent(false); // Undertow still waits for the response on this connection
      exchange.setStatusCode(StatusCodes.GATEWAY_TIME_OUT);
      exchange.endExchange();
      if (local != null) {
        abort(local);
      }
    }

    /** Closes a connection at once. An orderly close would wait for the local server. */
    private static void abort(ClientConnection local) {
      try {
        IoUtils.safeClose(local.performUpgrade());
      } catch (IOException e) {
        IoUtils.safeClose(local);
      }
    }
  }

  /**
   * Answers 502 or 504 with a body that says why, where Undertow would send none.
   *
   * @return whether the request was answered
   */
  private static boolean answerError(
      HttpServerExchange exchange,
      LocalServer local,
      TrustedCertificates trustedCertificates,
      Consumer<String> onFailure) {
    int status = exchange.getStatusCode();
    boolean hasLeft = !exchange.getConnection().isOpen();
    if (status < StatusCodes.INTERNAL_SERVER_ERROR || exchange.isResponseStarted() || hasLeft) {
      return false;
    }
    String reason =
        trustedCertificates
            .takeRefusal()
            .map(r -> "is not trusted (" + r.replaceAll("[^ -~]|[\"\\\\]", " ") + ")")
            .orElse(reason(exchange));
    boolean tooSlow = status == StatusCodes.GATEWAY_TIME_OUT;
    Problem problem =
        Problem.temporary(
            tooSlow ? status : StatusCodes.BAD_GATEWAY,
            "the local server at " + local.name() + " " + reason);
    onFailure.accept(
        "a request was answered with "
            + problem.status()
            + ": "
            + problem.diagnostic()
            + LocalConnections.failure(exchange).map(cause -> ": " + cause).orElse(""));
    send(exchange, problem);
    return true;
  }

  private static String reason(HttpServerExchange exchange) {
    if (exchange.getStatusCode() == StatusCodes.GATEWAY_TIME_OUT) {
      return "did not answer in time";
    }
    if (LocalConnections.isHeadTooLong(exchange)) {
      return "sent too long a head";
    }
    return LocalConnections.failure(exchange).isPresent() ? "cannot be reached" : "gave no answer";
  }

  private static void send(HttpServerExchange exchange, Problem problem) {
    exchange.setStatusCode(problem.status());
    String accepted = String.join(",", exchange.getRequestHeaders().eachValue(Headers.ACCEPT));
    boolean html = accepted.contains("text/html");
    exchange
        .getResponseHeaders()
        .put(Headers.CONTENT_TYPE, html ? "text/html; charset=utf-8" : "application/json")
        .put(Headers.CACHE_CONTROL, "no-store");
    exchange.getResponseSender().send(html ? page(problem) : ProblemResponse.json(problem).body());
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
}
