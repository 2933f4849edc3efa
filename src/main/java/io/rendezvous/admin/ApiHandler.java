package io.rendezvous.admin;

import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.Headers;
import io.undertow.util.StatusCodes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is done for one request, on a thread that may block, once its body is there. */
@FunctionalInterface
interface ApiHandler {
  /** The most that a body may have, in octets. */
  int MAX_BODY = 64 * 1024;

  /** The seconds after which a store that could not be asked may be there again. */
  String RETRY_AFTER = "5";

  /**
   * Answers a request.
   *
   * @param body empty if there is none
   */
  void run(HttpServerExchange exchange, byte[] body) throws ApiException, IOException;

  /** Returns a handler that does it. */
  static HttpHandler handler(ApiHandler action) {
    return exchange -> {
      exchange.getRequestReceiver().setMaxBufferSize(MAX_BODY);
      exchange
          .getRequestReceiver()
          .receiveFullBytes(
              (whole, body) -> whole.dispatch(() -> answer(whole, body, action)),
              (broken, e) -> {
                if (broken.isResponseStarted() || !broken.getConnection().isOpen()) {
                  broken.endExchange();
                } else {
                  broken.setPersistent(false);
                  refuse(
                      broken,
                      new ApiException(
                          StatusCodes.REQUEST_ENTITY_TOO_LARGE,
                          "the body has more than " + MAX_BODY + " octets"));
                }
              });
    };
  }

  private static void answer(HttpServerExchange exchange, byte[] body, ApiHandler action) {
    Logger log = LoggerFactory.getLogger(ApiHandler.class);
    try {
      action.run(exchange, body);
    } catch (ApiException e) {
      refuse(exchange, e);
    } catch (IOException e) {
      log.warn("A request to the admin page could not be answered: {}", e.getMessage());
      exchange.getResponseHeaders().put(Headers.RETRY_AFTER, RETRY_AFTER);
      refuse(
          exchange,
          new ApiException(StatusCodes.SERVICE_UNAVAILABLE, String.valueOf(e.getMessage())));
    } catch (RuntimeException e) {
      log.error("A request to the admin page failed", e);
      if (exchange.isResponseStarted()) {
        exchange.endExchange();
      } else {
        refuse(
            exchange, new ApiException(StatusCodes.INTERNAL_SERVER_ERROR, "see the broker's log"));
      }
    }
  }

  /** Answers that it cannot be done. */
  static void refuse(HttpServerExchange exchange, ApiException why) {
    exchange.setStatusCode(why.status());
    send(exchange, "application/problem+json", why.toJson().toString());
  }

  /** Answers with a text. */
  static void send(HttpServerExchange exchange, String type, String text) {
    exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, type);
    exchange.getResponseSender().send(text, StandardCharsets.UTF_8);
  }
}
