package io.rendezvous.http;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An HTML page of the broker, or of the agent as a reverse proxy. It looks like a {@link
 * ProblemPage} and has no script.
 *
 * @param status the HTTP status with its reason phrase
 * @param heading the title and heading, in ASCII
 * @param content the HTML below the heading, in ASCII; nothing in it that others have sent is
 *     markup
 */
public record InfoPage(String status, String heading, String content) {
  /** Its form may lead to the same host only, and no other page may show it in a frame. */
  private static final String POLICY =
      "default-src 'none'; style-src '%s'; form-action 'self'; frame-ancestors 'none'"
          .formatted(ProblemPage.hash(ProblemPage.STYLE));

  private String html() {
    return """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>%s</title>
        <style>%s</style>
        <h1>%s</h1>
        %s</html>
        """
        .formatted(heading, ProblemPage.STYLE, heading, content);
  }

  /**
   * Returns the whole response, with {@code Connection: close}.
   *
   * @param now the time for the Date header
   * @param more further headers
   * @param withBody false if the request was a HEAD
   */
  public ByteBuffer closing(Instant now, Map<String, String> more, boolean withBody) {
    Map<String, String> headers = new LinkedHashMap<>(more);
    headers.put("Content-Type", "text/html; charset=utf-8");
    headers.put("Cache-Control", "no-store");
    headers.put("Content-Security-Policy", POLICY);
    headers.put("X-Content-Type-Options", "nosniff");
    // The URL contains a token. With no-referrer, browsers would not tell the origin of a form.
    headers.put("Referrer-Policy", "strict-origin");
    String body = html();
    ByteBuffer whole = ProblemResponse.closing(now, status, headers, body);
    return withBody ? whole : whole.limit(whole.limit() - body.length());
  }
}
