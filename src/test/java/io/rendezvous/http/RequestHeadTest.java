package io.rendezvous.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The head of a request is parsed strictly (RFC 9112), and kept as it came. */
class RequestHeadTest {
  private static final String ID = "2f402f80-da50-11e1-9b23-0123456789ab";

  private static RequestHead tunnelRequest(String lines) throws ProtocolException {
    RequestHead head = RequestHead.parse(Heads.whole(lines));
    head.checkTunnelRequest();
    return head;
  }

  // The requests of clients.

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET / HTTP/1.1~Host: a",
        "GET / HTTP/1.1~Host:",
        "GET / HTTP/1.0",
        "GET / HTTP/1.0~Host: a",
        "OPTIONS * HTTP/1.1~Host: a",
        "GET http://a/b HTTP/1.1~Host: c",
        "GET HTTPS://a HTTP/1.1~Host: c",
        "M-SEARCH /a?b=|{}^`\\&c=%zz HTTP/1.1~Host: a",
        "GET /\u00e9 HTTP/1.1~Host: a",
        "GET / HTTP/1.1~Host: [2001:db8::1]:8899",
        "POST / HTTP/1.1~Host: a~Content-Length: 0",
        "POST / HTTP/1.1~Host: a~Content-Length: 999999999999999999",
        "POST / HTTP/1.1~Host: a~Transfer-Encoding: Chunked",
        "GET / HTTP/1.1~Host: a~Authorization: x",
        "GET / HTTP/1.1~Host: a~X: y~X: y",
      })
  void wellFormedRequestIsAccepted(String lines) throws Exception {
    assertThat(Heads.text(Heads.request(lines).octets())).isEqualTo(Heads.complete(lines));
  }

  @Test
  void hostMayContainWhatAuthoritiesMay() throws Exception {
    String host = "azAZ09-._~!$&'()*+,;=%:[]";
    RequestHead head =
        RequestHead.parse(
            ("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
    head.checkRequest();
    assertThat(head.value("Host")).contains(host);
  }

  @ParameterizedTest
  @MethodSource("io.rendezvous.testing.MalformedHeads#all")
  void malformedRequestIsRefused(String lines, String mistake) {
    assertThatThrownBy(() -> Heads.request(lines.replace("ID", ID)))
        .isInstanceOf(ProtocolException.class)
        .hasMessage(mistake);
  }

  // The requests of hidden servers.

  @ParameterizedTest
  @ValueSource(
      strings = {
        "CONNECT uuid:ID?response=123456 HTTP/1.1",
        "CONNECT uuid:ID?a=b&response=123456&c HTTP/1.1~Host: x:1",
        "CONNECT uuid:ID?response=123456 HTTP/1.1~Content-Length: 0",
        "CONNECT example.com:443 HTTP/1.1",
      })
  void wellFormedTunnelRequestIsAccepted(String lines) throws Exception {
    assertThat(tunnelRequest(lines).method()).isEqualTo("CONNECT");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "CONNECT needs HTTP/1.1 | CONNECT uuid:ID?response=TOKEN HTTP/1.0",
        "unsupported HTTP version | CONNECT uuid:ID?response=TOKEN HTTP/2.0",
        "malformed request line | CONNECT  uuid:ID?response=TOKEN HTTP/1.1",
        "malformed request line | CONNECT uuid:ID?response=TOKEN",
        "header line without a colon | CONNECT uuid:ID?response=TOKEN HTTP/1.1~Header",
        "malformed header name | CONNECT uuid:ID?response=TOKEN HTTP/1.1~Header : value",
        "folded header line | CONNECT uuid:ID?response=TOKEN HTTP/1.1~ folded: value",
        "folded header line | CONNECT uuid:ID?response=TOKEN HTTP/1.1~A: b~ folded",
        "more than one Host header | CONNECT uuid:ID?response=TOKEN HTTP/1.1~Host: a~Host: b",
        "malformed Host header | CONNECT uuid:ID?response=TOKEN HTTP/1.1~Host: a b",
        "Content-Length with Transfer-Encoding | CONNECT uuid:ID?response=TOKEN HTTP/1.1~Content-Length: 1~Transfer-Encoding: chunked",
        "malformed Content-Length | CONNECT uuid:ID?response=TOKEN HTTP/1.1~Content-Length: x",
      })
  void malformedTunnelRequestIsRefused(String mistake, String lines) {
    assertThatThrownBy(() -> tunnelRequest(lines))
        .isInstanceOf(ProtocolException.class)
        .hasMessage(mistake);
  }

  // The target.

  @ParameterizedTest
  @CsvSource({
    "/, /, /",
    "/a/b?c=d, /a/b?c=d, /a/b",
    "/a?b?c, /a?b?c, /a",
    "http://host/a?b, /a?b, /a",
    "HTTP://host:1/a://b, /a://b, /a://b",
    "https://host, /, /",
    "https://host?b, /?b, /",
    "http://u@host/, /, /",
    "/a\u0085b?c, /a\u0085b?c, /a\u0085b",
    "/a?b\u0085c, /a?b\u0085c, /a",
    "http://host/a\u0085b?c\u0085, /a\u0085b?c\u0085, /a\u0085b",
  })
  void pathIsFoundWhateverTheFormOfTheTarget(String target, String pathAndQuery, String path)
      throws Exception {
    RequestHead head = Heads.request("GET " + target + " HTTP/1.1~Host: a");
    assertThat(head.target()).isEqualTo(target);
    assertThat(head.pathAndQuery()).isEqualTo(pathAndQuery);
    assertThat(head.path()).isEqualTo(path);
  }

  @Test
  void pathOfAnAsteriskIsTheRoot() throws Exception {
    assertThat(Heads.request("OPTIONS * HTTP/1.1~Host: a").pathAndQuery()).isEqualTo("/");
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "none",
      value = {
        "/?name=x, x",
        "/?a=b&name=x&c, x",
        "/?name=x&name=y, x",
        "/?name, ''",
        "/?name=, ''",
        "/?name=a=b, a=b",
        "/?name=%41+, %41+",
        "/?&name=x, x",
        "?name=x, x",
        "/?a?name=x, none",
        "/?names=x, none",
        "/?aname=x, none",
        "/?NAME=x, none",
        "/name=x, none",
        "/?, none",
        "/?a&&b&, none",
        "/?nam&name, ''",
        "/?name\u0085=x, none",
        "/?a=\u0085&name=\u0085, \u0085",
        "uuid:x?a=b&name=x, x",
      })
  void parameterIsFoundAsItWasSent(String target, String value) throws Exception {
    RequestHead head = RequestHead.parse(Heads.whole("GET " + target + " HTTP/1.1"));
    assertThat(head.parameter("name").orElse(null)).isEqualTo(value);
  }

  @ParameterizedTest
  @CsvSource({
    "/, a.Example, a.example",
    "/, a.example:8899, a.example",
    "/, a.example., a.example",
    "/, a.example.:1, a.example",
    "/, [::1]:1, [::1]",
    "/, a:b, a:b",
    "/, '', ''",
    "/http://b/, a, a",
    "http://B.example:1/x, a, b.example",
    "http://u:p@b.example?x, a, b.example",
    "https://b/@c, a, b",
    "http://u@v@b/, a, b",
    "http://\u0085@b:80, a, b",
    "http://b:80/x\u0085.c, a, b",
    "http://b?\u0085.c, a, b",
    "/, a:80:, a:80",
    "/, a:, a",
    "/, a80, a80",
    "/, 80, 80",
    "/, :80, ''",
  })
  void hostIsThatOfAnAbsoluteTargetElseOfTheHeader(String target, String host, String name)
      throws Exception {
    RequestHead head = Heads.request("GET " + target + " HTTP/1.1~Host: " + host);
    assertThat(head.hostName()).isEqualTo(name);
  }

  @Test
  void requestNeedNotNameItsHost() throws Exception {
    assertThat(Heads.request("GET / HTTP/1.0").hostName()).isEmpty();
    assertThat(Heads.request("OPTIONS * HTTP/1.1~Host: A").hostName()).isEqualTo("a");
  }

  // Header lines.

  @Test
  void headIsKeptWithoutTheLineThatIsTakenOut() throws Exception {
    RequestHead head = Heads.request("GET / HTTP/1.1~A:  1 ~Host: b~a: 2~C: 3");
    assertThat(head.value("host")).contains("b");
    assertThat(head.value("a")).contains("1");
    assertThat(head.value("none")).isEmpty();
    assertThat(without(head, "A")).isEqualTo(Heads.complete("GET / HTTP/1.1~Host: b~a: 2~C: 3"));
    assertThat(without(head, "C")).isEqualTo(Heads.complete("GET / HTTP/1.1~A:  1 ~Host: b~a: 2"));
  }

  private static String without(RequestHead head, String name) {
    HeadEditor editor = head.edit();
    editor.removeIf(head.field(name).orElseThrow()::equals);
    return Heads.text(editor.octets());
  }

  @ParameterizedTest
  @CsvSource({
    "'', 0",
    "Content-Length: 0, 0",
    "Content-Length: 12, 12",
    "Content-Length: 012, 12",
    "Transfer-Encoding: chunked, -1",
  })
  void lengthOfTheBodyIsRead(String line, long length) throws Exception {
    RequestHead head = Heads.request("GET / HTTP/1.1~Host: a" + (line.isEmpty() ? "" : "~" + line));
    assertThat(head.bodyLength()).isEqualTo(length);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "true  | GET / HTTP/1.1~Host: a",
        "true  | GET / HTTP/1.1~Host: a~Connection: keep-alive, Upgrade",
        "true  | GET / HTTP/1.1~Host: a~Connection: x-close",
        "false | GET / HTTP/1.1~Host: a~Connection: close",
        "false | GET / HTTP/1.1~Host: a~Connection: x ,\tCLOSE",
        "false | GET / HTTP/1.1~Host: a~Connection: ,,close\t,x",
        "true  | GET / HTTP/1.1~Host: a~Connection: clos e, c, closed",
        "false | GET / HTTP/1.1~Host: a~Connection: x~connection: close",
        "false | GET / HTTP/1.0",
        "false | GET / HTTP/1.0~Connection: keep-alive",
      })
  void connectionStaysOpenAsTheClientWishes(boolean persists, String lines) throws Exception {
    assertThat(Heads.request(lines).persists()).isEqualTo(persists);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "false | GET / HTTP/1.1~Host: a",
        "false | GET / HTTP/1.1~Host: a~Accept: */*",
        "false | GET / HTTP/1.1~Host: a~Accept: application/json",
        "true  | GET / HTTP/1.1~Host: a~Accept: text/html,*/*",
        "true  | GET / HTTP/1.1~Host: a~Accept: a/b~Accept: c/d,Text/HTML;q=0.1",
      })
  void browserIsKnownByWhatItAccepts(boolean html, String lines) throws Exception {
    assertThat(Heads.request(lines).wantsHtml()).isEqualTo(html);
  }

  @Test
  void expectationIsSeen() throws Exception {
    assertThat(Heads.request("PUT / HTTP/1.1~Host: a").expectsContinue()).isFalse();
    assertThat(Heads.request("PUT / HTTP/1.1~Host: a~Expect: 100-continue").expectsContinue())
        .isTrue();
  }
}
