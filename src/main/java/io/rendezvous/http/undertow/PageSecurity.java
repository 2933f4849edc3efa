package io.rendezvous.http.undertow;

import io.undertow.server.HttpServerExchange;
import io.undertow.util.HeaderMap;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import io.undertow.util.Methods;
import java.util.Map;
import java.util.Set;

/** What keeps the pages of other sites, and text from other people, from acting in our pages. */
public final class PageSecurity {
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
          + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  private static final Map<HttpString, String> HEADERS =
      Map.of(
          new HttpString("Content-Security-Policy"),
          POLICY,
          Headers.X_CONTENT_TYPE_OPTIONS,
          "nosniff",
          Headers.REFERRER_POLICY,
          "no-referrer",
          Headers.CACHE_CONTROL,
          "no-store");
  private static final HttpString FETCH_SITE = new HttpString("Sec-Fetch-Site");
  private static final Set<HttpString> SAFE_METHODS =
      Set.of(Methods.GET, Methods.HEAD, Methods.OPTIONS);

  private PageSecurity() {}

  /** Adds the headers that restrict what browsers may do with a response. */
  public static void addHeaders(HttpServerExchange exchange) {
    HeaderMap headers = exchange.getResponseHeaders();
    HEADERS.forEach(headers::put);
  }

  /** Returns whether a request comes from a page of the same origin, or from a program. */
  public static boolean isSameOrigin(HttpServerExchange exchange) {
    String site = exchange.getRequestHeaders().getFirst(FETCH_SITE);
    if (site != null && !site.equals("same-origin") && !site.equals("none")) {
      return false;
    }
    String origin = exchange.getRequestHeaders().getFirst(Headers.ORIGIN);
    if (origin == null || SAFE_METHODS.contains(exchange.getRequestMethod())) {
      return true; // every browser names the origin of a request that changes something
    }
    String host = exchange.getRequestHeaders().getFirst(Headers.HOST);
    return origin.equals("http://" + host) || origin.equals("https://" + host);
  }
}
