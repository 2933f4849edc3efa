package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Problems are answered in JSON, or with a page where a browser asked. */
class ProblemResponseTest {
  private static final Instant NOON = Instant.parse("2026-01-31T12:00:00Z");
  private static final Problem CHALLENGE = Problem.temporary(401, "name the hidden server");
  private static final Problem ABSENT = Problem.temporary(404, "UUID not registered");

  private static RequestHead request(String method, String accept) throws Exception {
    return Heads.request(method + " / HTTP/1.1~Host: a~Accept: " + accept);
  }

  private static String closing(ProblemResponse response) {
    return Heads.text(response.closing(NOON, Map.of()));
  }

  @Test
  void problemIsAnsweredInJson() {
    String body = "{\"error\":{\"permanent\":true,\"diagnostic\":\"malformed request line\"}}\n";
    assertThat(closing(ProblemResponse.json(Problem.permanent(400, "malformed request line"))))
        .isEqualTo(
            """
            HTTP/1.1 400 Bad Request
            Date: Sat, 31 Jan 2026 12:00:00 GMT
            Content-Type: application/json
            Cache-Control: no-store
            Connection: close
            Content-Length: %d

            %s\
            """
                    .formatted(body.length(), "")
                    .replace("\n", "\r\n")
                + body);
  }

  @Test
  void connectionIsKeptWhereItIsNotSaidToEnd() {
    String kept =
        Heads.text(
            ProblemResponse.json(CHALLENGE)
                .challenging(List.of("Digest x", "Digest y"))
                .keeping(NOON));
    assertThat(kept)
        .startsWith("HTTP/1.1 401 Unauthorized\r\n")
        .contains("\r\nWWW-Authenticate: Digest x\r\nWWW-Authenticate: Digest y\r\n")
        .contains("\"permanent\":false")
        .doesNotContain("Connection");
  }

  @Test
  void peerIsToldWhenToTryAgain() {
    assertThat(closing(ProblemResponse.json(Problem.retry(503, "full", 7))))
        .contains("\r\nRetry-After: 7\r\n");
    assertThat(Problem.retry(503, "full", 0).retryAfter()).isEqualTo(OptionalInt.of(1));
    assertThat(closing(ProblemResponse.json(ABSENT))).doesNotContain("Retry-After");
  }

  @ParameterizedTest
  @CsvSource({
    "GET, application/json, application/json",
    "GET, */*, application/json",
    "GET, 'text/html,*/*', text/html; charset=utf-8",
    "HEAD, 'text/html,*/*', text/html; charset=utf-8",
  })
  void browserIsShownAPage(String method, String accept, String type) throws Exception {
    ProblemResponse response = ProblemResponse.to(request(method, accept), CHALLENGE);
    assertThat(response.headers()).containsEntry("Content-Type", type);
    assertThat(response.headers().containsKey("Content-Security-Policy"))
        .isEqualTo(type.startsWith("text/html"));
    if (type.startsWith("text/html")) {
      assertThat(response.body()).startsWith("<!doctype html>").contains("user name");
    } else {
      assertThat(response.body()).startsWith("{\"error\":{\"permanent\":false,\"diagnostic\":\"");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"application/json", "text/html"})
  void responseToAHeadHasTheLengthOfABodyAndNoBody(String accept) throws Exception {
    String full = closing(ProblemResponse.to(request("GET", accept), ABSENT));
    String head = closing(ProblemResponse.to(request("HEAD", accept), ABSENT));
    assertThat(head).isEqualTo(full.substring(0, full.indexOf("\r\n\r\n") + 4));
    String body = full.substring(head.length());
    assertThat(body).isNotEmpty();
    assertThat(head).contains("\r\nContent-Length: " + body.length() + "\r\n");
  }

  @ParameterizedTest
  @CsvSource({
    "400, false, That did not work",
    "401, false, Which server?",
    "404, true, That server is not connected",
    "502, true, That server did not answer",
    "503, true, That server is busy",
    "429, true, That did not work",
  })
  void pageHasAFormWhereAnotherServerMayBeNamed(int status, boolean form, String heading) {
    Problem problem = Problem.temporary(status, "of the test");
    String page = new ProblemResponse(problem, true, true, List.of()).body();
    assertThat(page)
        .contains("<h1>" + heading + "</h1>")
        .contains("<title>" + status + " " + problem.reason() + "</title>");
    assertThat(page.contains("<form>")).isEqualTo(form);
    assertThat(page.chars()).allMatch(c -> c < 0x80);
  }

  @Test
  void policyOfAPageAllowsItsOwnScriptAndStyleOnly() throws Exception {
    ProblemResponse response = new ProblemResponse(ABSENT, true, true, List.of());
    String policy = response.headers().get("Content-Security-Policy");
    for (String element : new String[] {"script", "style"}) {
      Matcher content =
          Pattern.compile("<%1$s>(.*?)</%1$s>".formatted(element), Pattern.DOTALL)
              .matcher(response.body());
      assertThat(content.find()).isTrue();
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(content.group(1).getBytes(StandardCharsets.US_ASCII));
      String hash = Base64.getEncoder().encodeToString(digest);
      assertThat(policy).contains(element + "-src 'sha256-" + hash + "'");
    }
    assertThat(policy).startsWith("default-src 'none';");
  }

  @Test
  void parkedTunnelIsAnsweredWithABareHead() {
    assertThat(Heads.text(ProblemResponse.parked(NOON)))
        .isEqualTo("HTTP/1.1 200 OK\r\nDate: Sat, 31 Jan 2026 12:00:00 GMT\r\n\r\n");
  }

  @Test
  void otherResponsesAreClosedToo() {
    assertThat(
            Heads.text(ProblemResponse.closing(NOON, "307 Moved", Map.of("Location", "/x"), "ab")))
        .startsWith("HTTP/1.1 307 Moved\r\nDate: ")
        .contains("\r\nLocation: /x\r\n", "\r\nConnection: close\r\n")
        .endsWith("\r\nContent-Length: 2\r\n\r\nab");
  }

  @Test
  void statusWithoutAReasonIsAMistake() {
    assertThatThrownBy(() -> Problem.temporary(299, "x").reason())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("299");
  }
}
