package io.rendezvous.http.undertow;

import io.undertow.server.HttpHandler;
import io.undertow.util.HeaderValues;
import io.undertow.util.Headers;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Refuses requests whose Host is not a loopback name, on servers that listen on a loopback address.
 * A web page could otherwise let its own name resolve to that address and read what is served there
 * (DNS rebinding).
 */
public final class LoopbackHost {
  /** IPv6 in both forms: the long one is what Java prints. */
  private static final Pattern LOOPBACK =
      Pattern.compile(
          "(?i)localhost|127(\\.\\d{1,3}){3}|\\[::1]|::1"
              + "|\\[(0{1,4}:){7}0{0,3}1]|(0{1,4}:){7}0{0,3}1");

  /** The status of RFC 9110, 15.5.20, which Undertow does not define. */
  private static final int MISDIRECTED_REQUEST = 421;

  private LoopbackHost() {}

  /** Returns a handler that passes requests with a loopback Host to another handler. */
  public static HttpHandler before(HttpHandler next) {
    return before(name -> false, next);
  }

  /**
   * Returns a handler that passes requests with a loopback Host, or another allowed one, to another
   * handler.
   *
   * @param isAllowed tests further host names
   */
  public static HttpHandler before(Predicate<String> isAllowed, HttpHandler next) {
    return exchange -> {
      // Undertow takes an empty Host for the address of the socket, like a missing one.
      HeaderValues host = exchange.getRequestHeaders().get(Headers.HOST);
      boolean isEmpty = host != null && host.getFirst().isBlank();
      String name = isEmpty ? "" : exchange.getHostName();
      if (LOOPBACK.matcher(name).matches() || isAllowed.test(name)) {
        next.handleRequest(exchange);
      } else {
        exchange.setStatusCode(MISDIRECTED_REQUEST);
      }
    };
  }
}
