package io.rendezvous.admin;

import io.rendezvous.net.FailureText;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.Headers;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers one request, after its body was read. It runs on a worker thread, which may block; its
 * exceptions become problem details (RFC 9457).
 */
@FunctionalInterface
interface ApiHandler {
  /** The type of most responses. */
  String JSON = "application/json";

  /** The maximum size of a body, in bytes. */
  int MAX_BODY = 64 * 1024;

  /** The Retry-After of a response for which the store was needed and not available, in seconds. */
  String RETRY_AFTER = "5";

  /**
   * Answers a request.
   *
   * @param body empty if there is none
   * @throws ApiException if the request is refused
   * @throws IOException if the store cannot be reached
   */
  void answer(HttpServerExchange exchange, byte[] body) throws ApiException, IOException;

  /** Returns an Undertow handler that reads the body on the I/O thread and answers on a worker. */
  static HttpHandler handler(ApiHandler handler) {
    return exchange -> {
      exchange.getRequestReceiver().setMaxBufferSize(MAX_BODY);
      exchange
          .getRequestReceiver()
          .receiveFullBytes(
              (received, body) -> received.dispatch(() -> answer(received, body, handler)),
              (failed, e) -> onBodyFailed(failed));
    };
  }

  private static void onBodyFailed(HttpServerExchange exchange) {
    if (exchange.isResponseStarted() || !exchange.getConnection().isOpen()) {
      exchange.endExchange();
    } else {
      exchange.setPersistent(false);
      refuse(
          exchange,
          new ApiException(
              StatusCodes.REQUEST_ENTITY_TOO_LARGE,
              "the body is longer than " + MAX_BODY + " bytes"));
    }
  }

  private static void answer(HttpServerExchange exchange, byte[] body, ApiHandler handler) {
    Logger log = LoggerFactory.getLogger(ApiHandler.class);
    try {
      handler.answer(exchange, body);
    } catch (ApiException e) {
      refuse(exchange, e);
    } catch (IOException e) {
      log.warn("A request to the admin page could not be answered: {}", FailureText.of(e));
      exchange.getResponseHeaders().put(Headers.RETRY_AFTER, RETRY_AFTER);
      refuse(exchange, new ApiException(StatusCodes.SERVICE_UNAVAILABLE, FailureText.of(e)));
    } catch (RuntimeException e) {
      log.error("A request to the admin page failed", e);
      if (exchange.isResponseStarted()) {
        exchange.endExchange();
      } else {
        refuse(
            exchange,
            new ApiException(
                StatusCodes.INTERNAL_SERVER_ERROR, "the request failed; see the broker's log"));
      }
    }
  }

  /** Sends a problem as the response. Any thread may call. */
  static void refuse(HttpServerExchange exchange, ApiException problem) {
    exchange.setStatusCode(problem.status());
    send(exchange, "application/problem+json", problem.toJson().toString());
  }

  /** Sends a text as the response. Any thread may call. */
  static void send(HttpServerExchange exchange, String type, String text) {
    exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, type);
    exchange.getResponseSender().send(text, StandardCharsets.UTF_8);
  }
}
