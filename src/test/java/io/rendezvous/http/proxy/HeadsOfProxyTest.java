package io.rendezvous.http.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.http.HeadEditor;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.ResponseHead;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the reverse proxy changes in heads. Lines end with ~. */
class HeadsOfProxyTest {
  private static byte[] octets(String lines) {
    return (lines.replace("~", "\r\n") + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String lines(HeadEditor editor) {
    String head = StandardCharsets.ISO_8859_1.decode(editor.octets()).toString();
    return head.substring(0, head.length() - 4).replace("\r\n", "~");
  }

  private static RequestHead request(String lines) throws ProtocolException {
    return RequestHead.parse(octets("GET / HTTP/1.1~Host: h:8899" + lines));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "~Connection: close, X-A~X-A: 1~X-B: 2; ~X-B: 2",
        "~X-A: 1~Connection: x-a,~Connection: X-B~X-B: 2; ''",
        "~Keep-Alive: timeout=5~Proxy-Connection: keep-alive; ''",
        "~TE: gzip~Connection: TE; ''",
        "~TE: gzip, trailers~Connection: TE; ~Connection: TE~TE: trailers",
        "~Connection: Host, Content-Length, Transfer-Encoding~Content-Length: 5;"
            + " ~Content-Length: 5",
        "~Connection: keep-alive, Upgrade~Upgrade: websocket; ~Upgrade: websocket~Connection: Upgrade",
        "~Upgrade: websocket; ''",
        "~Connection: Upgrade, HTTP2-Settings~Upgrade: h2c~HTTP2-Settings: AAA; ''",
        "~Connection: close, X-Forwarded-For; ''",
      })
  void linesOfOneConnectionAreRemovedFromRequests(String lines, String left) throws Exception {
    RequestHead head = request(lines);
    HeadEditor editor = head.edit();
    ConnectionFields.removeFrom(head, editor);
    assertThat(lines(editor)).isEqualTo("GET / HTTP/1.1~Host: h:8899" + left);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "200 OK~Connection: keep-alive, X-Hop~Keep-Alive: timeout=5~X-Hop: a~X: b; 200 OK~X: b",
        "200 OK~Connection: Upgrade~Upgrade: h2c; 200 OK",
        "101 X~Upgrade: websocket~Connection: Upgrade; 101 X~Upgrade: websocket~Connection: Upgrade",
        "426 X~Upgrade: websocket~Connection: Upgrade; 426 X~Upgrade: websocket~Connection: Upgrade",
      })
  void linesOfOneConnectionAreRemovedFromAnswers(String lines, String left) throws Exception {
    byte[] head = octets("HTTP/1.1 " + lines);
    ResponseHead answer = ResponseHead.parse(head);
    HeadEditor editor = new HeadEditor(head, answer.fields());
    ConnectionFields.removeFrom(answer, editor);
    assertThat(lines(editor)).isEqualTo("HTTP/1.1 " + left);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "X-Forwarded-For",
        "x_forwarded_for",
        "X_Forwarded-Host",
        "X-Forwarded",
        "X-FORWARDED-PREFIX",
        "Forwarded",
        "X-Real-IP",
        "X_Real_IP",
        "True-Client-IP",
        "true_client_ip",
        "X-Client-IP",
        "CF-Connecting-IP",
      })
  void originsThatTheClientNamesAreRemoved(String name) throws Exception {
    HeadEditor editor = request("~" + name + ": 6.6.6.6~X_Other: kept").edit();
    OriginFields.remove(editor);
    assertThat(lines(editor)).isEqualTo("GET / HTTP/1.1~Host: h:8899~X_Other: kept");
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1, h:8899, 127.0.0.1, 127.0.0.1, 8899",
    "2001:db8::1, h, [2001:db8:0:0:0:0:0:1], 2001:db8:0:0:0:0:0:1, 443",
    "127.0.0.1, [::1], 127.0.0.1, 127.0.0.1, 443",
    "127.0.0.1, [::1]:8, 127.0.0.1, 127.0.0.1, 8",
  })
  void originOfARequestIsNamed(String client, String host, String node, String address, String port)
      throws Exception {
    HeadEditor editor = request("").edit();
    OriginFields.add(editor, InetAddress.getByName(client), Optional.of(host));
    assertThat(lines(editor))
        .endsWith(
            "~Forwarded: for=\""
                + node
                + "\";proto=https;host=\""
                + host
                + "\""
                + "~X-Forwarded-For: "
                + address
                + "~X-Forwarded-Proto: https"
                + "~X-Forwarded-Host: "
                + host
                + "~X-Forwarded-Port: "
                + port);
  }

  private static final HostMapping MAPPING = new HostMapping("app:80", "http://app:80");

  @ParameterizedTest
  @CsvSource({
    "Origin: https://h:8899, Origin: http://app:80",
    "Origin: https://H:8899, Origin: http://app:80",
    "Origin: https://other, Origin: https://other",
    "Origin: https://h:88990, Origin: https://h:88990",
    "Origin: null, Origin: null",
    "Referer: https://h:8899/a?b, Referer: http://app:80/a?b",
    "Destination: https://h:8899/y, Destination: http://app:80/y",
    "Other: https://h:8899/y, Other: https://h:8899/y",
  })
  void clientsOriginBecomesTheLocalServers(String line, String mapped) throws Exception {
    HeadEditor editor = request("~" + line).edit();
    MAPPING.toLocal(editor, "h:8899");
    assertThat(lines(editor)).isEqualTo("GET / HTTP/1.1~Host: app:80~" + mapped);
  }

  @Test
  void requestWithoutAHostIsGivenOne() throws Exception {
    HeadEditor editor = RequestHead.parse(octets("GET / HTTP/1.0")).edit();
    MAPPING.toLocal(editor, "");
    assertThat(lines(editor)).isEqualTo("GET / HTTP/1.0~Host: app:80");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Location: http://app:80/next|Location: https://h:8899/next",
        "Location: https://APP:80|Location: https://h:8899",
        "Location: //app:80/x|Location: //h:8899/x",
        "Location: http://app/next|Location: https://h:8899/next",
        "Location: //app/next|Location: //h:8899/next",
        "Location: https://app/next|Location: https://app/next",
        "Location: /next|Location: /next",
        "Location: http://app:8080/next|Location: http://app:8080/next",
        "Location: http://app:80.evil/|Location: http://app:80.evil/",
        "Content-Location: http://app:80/x|Content-Location: https://h:8899/x",
        "Access-Control-Allow-Origin: http://app:80|Access-Control-Allow-Origin: https://h:8899",
        "Refresh: 5; url=http://app:80/x|Refresh: 5; url=https://h:8899/x",
        "Refresh: 0;URL='http://app:80/x'|Refresh: 0;URL='https://h:8899/x'",
        "Refresh: 5|Refresh: 5",
        "Set-Cookie: a=b; Domain=app; Path=/|Set-Cookie: a=b; Domain=h; Path=/",
        "Set-Cookie: a=b; domain=.APP|Set-Cookie: a=b; domain=.h",
        "Set-Cookie: a=b; Domain=other|Set-Cookie: a=b; Domain=other",
        "Set-Cookie: Domain=app; Path=/|Set-Cookie: Domain=app; Path=/",
        "Link: <http://app:80/x>|Link: <http://app:80/x>",
      })
  void localServersOriginBecomesTheClients(String line, String mapped) throws Exception {
    byte[] head = octets("HTTP/1.1 200 OK~" + line);
    HeadEditor editor = new HeadEditor(head, ResponseHead.parse(head).fields());
    MAPPING.toClient(editor, "h:8899");
    assertThat(lines(editor)).isEqualTo("HTTP/1.1 200 OK~" + mapped);
  }
}
