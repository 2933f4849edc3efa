package io.rendezvous.http;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The response to a request that cannot be served, as JSON or as an HTML page.
 *
 * @param problem the reason
 * @param html whether the body is a page for people rather than JSON
 * @param withBody false if the request was a HEAD
 * @param challenges the values of the WWW-Authenticate headers, one line each: some clients find
 *     only the first challenge of a line
 */
public record ProblemResponse(
    Problem problem, boolean html, boolean withBody, List<String> challenges) {
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  /** Returns the response to a request, in the form that its Accept header asks for. */
  public static ProblemResponse to(RequestHead head, Problem problem) {
    return new ProblemResponse(problem, head.wantsHtml(), !head.method().equals("HEAD"), List.of());
  }

  /** Returns a response in JSON, for a peer whose request is unknown. */
  public static ProblemResponse json(Problem problem) {
    return new ProblemResponse(problem, false, true, List.of());
  }

  /** Returns this response with challenges. */
  public ProblemResponse challenging(List<String> values) {
    return new ProblemResponse(problem, html, withBody, List.copyOf(values));
  }

  /** Returns the body, even if the response to a HEAD leaves it out. */
  public String body() {
    return html ? ProblemPage.of(problem) : json();
  }

  private String json() {
    // No diagnostic contains a character that JSON requires to be escaped.
    return String.format(
        "{\"error\":{\"permanent\":%b,\"diagnostic\":\"%s\"}}\n",
        problem.permanent(), problem.diagnostic());
  }

  /** Returns the headers that describe the body, and Retry-After if the problem has one. */
  public Map<String, String> headers() {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Content-Type", html ? "text/html; charset=utf-8" : "application/json");
    headers.put("Cache-Control", "no-store");
    if (html) {
      headers.put("Content-Security-Policy", ProblemPage.POLICY);
    }
    problem.retryAfter().ifPresent(s -> headers.put("Retry-After", Integer.toString(s)));
    return headers;
  }

  /**
   * Returns the whole response, with {@code Connection: close}.
   *
   * @param now the time for the Date header
   * @param more further headers
   */
  public ByteBuffer closing(Instant now, Map<String, String> more) {
    Map<String, String> all = new LinkedHashMap<>(more);
    all.put("Connection", "close");
    return whole(now, all);
  }

  /**
   * Returns the whole response, after which the connection stays open.
   *
   * @param now the time for the Date header
   */
  ByteBuffer keeping(Instant now) {
    return whole(now, Map.of());
  }

  private ByteBuffer whole(Instant now, Map<String, String> more) {
    Map<String, String> headers = new LinkedHashMap<>(headers());
    headers.putAll(more);
    String status = problem.status() + " " + problem.reason();
    String body = body();
    ByteBuffer whole = response(now, status, challenges, headers, body);
    return withBody ? whole : whole.limit(whole.limit() - body.length());
  }

  /**
   * Returns another response as a whole, with {@code Connection: close}.
   *
   * @param now the time for the Date header
   * @param status the status with its reason phrase
   * @param body in ASCII
   */
  public static ByteBuffer closing(
      Instant now, String status, Map<String, String> headers, String body) {
    Map<String, String> all = new LinkedHashMap<>(headers);
    all.put("Connection", "close");
    return response(now, status, List.of(), all, body);
  }

  private static ByteBuffer response(
      Instant now,
      String status,
      List<String> challenges,
      Map<String, String> headers,
      String body) {
    StringBuilder response = new StringBuilder("HTTP/1.1 ").append(status).append("\r\n");
    add(response, "Date", DATE.format(now));
    challenges.forEach(challenge -> add(response, "WWW-Authenticate", challenge));
    headers.forEach((name, value) -> add(response, name, value));
    add(response, "Content-Length", Integer.toString(body.length()));
    response.append("\r\n").append(body);
    return ByteBuffer.wrap(response.toString().getBytes(StandardCharsets.US_ASCII));
  }

  /** Returns the response to a hidden server whose tunnel is parked (protocol.md, 1.1). */
  public static ByteBuffer parked(Instant now) {
    String head = "HTTP/1.1 200 OK\r\nDate: " + DATE.format(now) + "\r\n\r\n";
    return ByteBuffer.wrap(head.getBytes(StandardCharsets.US_ASCII));
  }

  private static void add(StringBuilder response, String name, String value) {
    response.append(name).append(": ").append(value).append("\r\n");
  }
}
