package io.rendezvous.http.undertow;

import io.undertow.server.HttpHandler;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Lets requests through that name this machine itself as their Host, on any port. A web page could
 * otherwise have its own name lead to a loopback address, and read what is served there (DNS
 * rebinding).
 */
public final class LoopbackHost {
  private static final Pattern LOOPBACK =
      Pattern.compile(
          "(?i)localhost|127(\\.\\d{1,3}){3}|\\[::1]|::1"
              + "|\\[(0{1,4}:){7}0{0,3}1]|(0{1,4}:){7}0{0,3}1"); // as Java writes it

  /** RFC 9110, 15.5.20. */
  private static final int MISDIRECTED_REQUEST = 421;

  private LoopbackHost() {}

  /** Returns a handler that lets only such requests through to another. */
  public static HttpHandler before(HttpHandler next) {
    return before(name -> false, next);
  }

  /**
   * Returns a handler that lets only such requests through to another.
   *
   * @param others further names that may be used
   */
  public static HttpHandler before(Predicate<String> others, HttpHandler next) {
    return exchange -> {
      String name = exchange.getHostName();
      if (LOOPBACK.matcher(name).matches() || others.test(name)) {
        next.handleRequest(exchange);
      } else {
        exchange.setStatusCode(MISDIRECTED_REQUEST);
      }
    };
  }
}
