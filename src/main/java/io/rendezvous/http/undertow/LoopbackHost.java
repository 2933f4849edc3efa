package io.rendezvous.http.undertow;

import io.undertow.server.HttpHandler;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Refuses requests whose Host is not a loopback name, on servers that listen on a loopback address.
 * A web page could otherwise let its own name resolve to that address and read what is served there
 * (DNS rebinding).
 */
public final class LoopbackHost {
  private static final Pattern LOOPBACK =
      Pattern.compile(
          "(?i)localhost|127(\\.\\d{1,3}){3}|\\[::1]|::1"
              + "|\\[(0{1,4}:){7}0{0,3}1]|(0{1,4}:){7}0{0,3}1"); // the long form is what Java

  // prints

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
      String name = exchange.getHostName();
      if (LOOPBACK.matcher(name).matches() || isAllowed.test(name)) {
        next.handleRequest(exchange);
      } else {
        exchange.setStatusCode(MISDIRECTED_REQUEST);
      }
    };
  }
}
