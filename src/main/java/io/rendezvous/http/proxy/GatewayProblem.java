package io.rendezvous.http.proxy;

import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.relay.Failure;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Map;

/** The answer to a request that the local server has not answered, as JSON or as a page. */
final class GatewayProblem {
  private static final String POLICY = "default-src 'none'; frame-ancestors 'none'";

  private GatewayProblem() {}

  /**
   * Returns the problem with a local server.
   *
   * @param name the name of the local server
   */
  static Problem of(Failure failure, String name) {
    if (failure.kind() == Failure.Kind.BAD_REQUEST) {
      return Problem.permanent(400, failure.detail());
    }
    int status = failure.kind() == Failure.Kind.LATE ? 504 : 502;
    return Problem.temporary(status, "the local server at " + name + " " + reason(failure));
  }

  /** Returns the problem with a local server whose certificate is not trusted. */
  static Problem untrusted(String name, String why) {
    return Problem.temporary(
        502, "the local server at " + name + " is not trusted (" + printable(why) + ")");
  }

  private static String reason(Failure failure) {
    String detail = printable(failure.detail());
    return switch (failure.kind()) {
      case UNREACHABLE -> "cannot be reached: " + detail;
      case BROKEN -> "broke the connection off without an answer";
      case ENDED -> "closed the connection without an answer";
      case MALFORMED -> "gave a malformed answer (" + detail + ")";
      case TOO_LONG -> "sent too long a head";
      case LATE -> "did not answer in time";
      case BAD_REQUEST -> throw new IllegalArgumentException();
    };
  }

  /** Returns a text without what JSON would have to escape. */
  private static String printable(String text) {
    return text.replaceAll("[^ -~]|[\"\\\\]", " ");
  }

  /** Returns the whole answer, which closes the connection. */
  static ByteBuffer answer(RequestHead request, Problem problem, Instant now) {
    if (!request.wantsHtml()) {
      return ProblemResponse.to(request, problem).closing(now, Map.of());
    }
    String status = problem.status() + " " + problem.reason();
    String body = page(status, problem);
    Map<String, String> headers =
        Map.of(
            "Content-Type", "text/html; charset=utf-8",
            "Cache-Control", "no-store",
            "Content-Security-Policy", POLICY);
    ByteBuffer whole = ProblemResponse.closing(now, status, headers, body);
    boolean head = request.method().equals("HEAD");
    return head ? whole.limit(whole.limit() - body.length()) : whole;
  }

  private static String page(String title, Problem problem) {
    String text = problem.diagnostic().replace("&", "&amp;").replace("<", "&lt;");
    return """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>%s</title>
        <h1>%s</h1>
        <p>%s.</p>
        </html>
        """
        .formatted(title, title, text);
  }
}
