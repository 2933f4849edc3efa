package io.rendezvous.testing;

import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/**
 * Heads of requests that are refused wherever they come, with the mistake that is named: {@code ~}
 * stands for the end of a line, and the last is left out. ID stands for a UUID.
 */
public final class MalformedHeads {
  private MalformedHeads() {}

  /** Returns the heads and their mistakes. */
  public static Stream<Arguments> all() {
    return Stream.of(
        // The request line.
        Arguments.of("GET /", "malformed request line"),
        Arguments.of("GET  / HTTP/1.1~Host: a", "malformed request line"),
        Arguments.of("GET / HTTP/1.1 ~Host: a", "malformed request line"),
        Arguments.of(" GET / HTTP/1.1~Host: a", "malformed request line"),
        Arguments.of("GET /a b HTTP/1.1~Host: a", "malformed request line"),
        Arguments.of("G(T / HTTP/1.1~Host: a", "malformed method"),
        Arguments.of(" / HTTP/1.1~Host: a", "malformed method"),
        Arguments.of("GET  HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET /# HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET /<> HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET /< HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET /> HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET /\" HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET /\t HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET http:// HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET http:///a HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET https://?a HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET ftp://a/ HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET a HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET a:80 HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET * HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("OPTIONS ** HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET / HTTP/0.9~Host: a", "unsupported HTTP version"),
        Arguments.of("GET / HTTP/1.2~Host: a", "unsupported HTTP version"),
        Arguments.of("GET / HTTP/9.9~Host: a", "unsupported HTTP version"),
        Arguments.of("GET / http/1.1~Host: a", "unsupported HTTP version"),
        Arguments.of("PRI * HTTP/2.0", "unsupported HTTP version"),
        Arguments.of("~~GET / HTTP/1.1~Host: a", "malformed request head"),
        Arguments.of("GET http://a\u0085/ HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET http://a\u0085b.example HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET http://u@/ HTTP/1.1~Host: a", "malformed request target"),
        Arguments.of("GET http://u@a,\u00e9 HTTP/1.1~Host: a", "malformed request target"),
        // The header lines.
        Arguments.of("GET / HTTP/1.1~Host: a~ folded", "folded header line"),
        Arguments.of("GET / HTTP/1.1~ Host: a", "folded header line"),
        Arguments.of(
            "GET / HTTP/1.1~Authorization: Digest username=\"ID\",~ nc=1~Host: a",
            "folded header line"),
        Arguments.of("GET / HTTP/1.1~Host a", "header line without a colon"),
        Arguments.of("GET / HTTP/1.1~: a", "malformed header name"),
        Arguments.of("GET / HTTP/1.1~H\u00e9: a", "malformed header name"),
        Arguments.of(
            "GET / HTTP/1.1~Authorization : Digest username=\"ID\"~Host: a",
            "malformed header name"),
        // Host.
        Arguments.of("GET / HTTP/1.1", "one Host header is needed"),
        Arguments.of("GET / HTTP/1.1~Host: a~Host: a", "one Host header is needed"),
        Arguments.of("GET / HTTP/1.0~Host: a~Host: a", "one Host header is needed"),
        Arguments.of("GET / HTTP/1.1~Host: a b", "malformed Host header"),
        Arguments.of("GET / HTTP/1.1~Host: a/b", "malformed Host header"),
        Arguments.of("GET / HTTP/1.1~Host: a@b", "malformed Host header"),
        Arguments.of("GET / HTTP/1.0~Host: a\"", "malformed Host header"),
        // Authorization.
        Arguments.of(
            "GET / HTTP/1.1~Authorization: Digest username=\"ID\"~Authorization: Digest username=\"ID\"~Host: a",
            "more than one Authorization header"),
        // The length.
        Arguments.of(
            "GET / HTTP/1.1~Host: a~Content-Length: 1~Transfer-Encoding: chunked",
            "Content-Length with Transfer-Encoding"),
        Arguments.of(
            "GET / HTTP/1.1~Host: a~Content-Length: 1~Content-Length: 1",
            "more than one Content-Length"),
        Arguments.of("GET / HTTP/1.1~Host: a~Content-Length:", "malformed Content-Length"),
        Arguments.of("GET / HTTP/1.1~Host: a~Content-Length: 1, 1", "malformed Content-Length"),
        Arguments.of("GET / HTTP/1.1~Host: a~Content-Length: +1", "malformed Content-Length"),
        Arguments.of("GET / HTTP/1.1~Host: a~Content-Length: -1", "malformed Content-Length"),
        Arguments.of("GET / HTTP/1.1~Host: a~Content-Length: 1:", "malformed Content-Length"),
        Arguments.of(
            "GET / HTTP/1.1~Host: a~Content-Length: 9999999999999999999",
            "malformed Content-Length"),
        Arguments.of(
            "GET / HTTP/1.1~Host: a~Content-Length: 1000000000000000000",
            "malformed Content-Length"),
        Arguments.of(
            "GET / HTTP/1.1~Host: a~Transfer-Encoding: xchunked", "unsupported Transfer-Encoding"),
        Arguments.of(
            "GET / HTTP/1.1~Host: a~Transfer-Encoding: chunked, identity",
            "unsupported Transfer-Encoding"),
        Arguments.of(
            "GET / HTTP/1.1~Host: a~Transfer-Encoding: chunked~Transfer-Encoding: chunked",
            "unsupported Transfer-Encoding"),
        Arguments.of(
            "GET / HTTP/1.0~Host: a~Transfer-Encoding: chunked", "unsupported Transfer-Encoding"),
        // CONNECT.
        Arguments.of(
            "CONNECT / HTTP/1.1~Host: localhost~Authorization: Digest username=\"ID\"",
            "CONNECT has to be the first request of a connection"),
        Arguments.of(
            "CONNECT uuid:ID?response=123456 HTTP/1.1",
            "CONNECT has to be the first request of a connection"));
  }
}
