package io.rendezvous.http.proxy;

import io.rendezvous.http.InfoPage;
import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.relay.Failure;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;

/** The answer to a request that the local server has not answered, as JSON or as a page. */
final class GatewayProblem {
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
    return Problem.temporary(status, subject(name) + reason(failure));
  }

  /** Returns the problem with a local server whose certificate is not trusted. */
  static Problem untrusted(String name, String why) {
    return Problem.temporary(502, subject(name) + "is not trusted (" + printable(why) + ")");
  }

  private static String subject(String name) {
    return "the local server at " + printable(name) + " ";
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
    boolean withBody = !request.method().equals("HEAD");
    return page(problem).closing(now, Map.of(), withBody);
  }

  private static InfoPage page(Problem problem) {
    String heading =
        switch (problem.status()) {
          case 400 -> "That did not work";
          case 504 -> "The local server did not answer in time";
          default -> "The local server did not answer";
        };
    String text = problem.diagnostic().replace("&", "&amp;").replace("<", "&lt;");
    String sentence = text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    return new InfoPage(
        problem.status() + " " + problem.reason(), heading, "<p>" + sentence + ".</p>\n");
  }
}
