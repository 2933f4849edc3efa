package io.rendezvous.protocol;

import io.rendezvous.http.HeadReader;
import io.rendezvous.http.Problem;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.Conn;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The answer to HTTP that is sent in the clear to a port for TLS: 400, in the clear too, with the
 * URL to use. It reads one request head, and answers without one if none comes in time.
 *
 * <p>Called on the I/O thread of each connection.
 */
public final class HttpWithoutTls implements Protocol {
  /** Half the time for a handshake, so that the answer comes before its end. */
  private static final Duration HEAD_TIME = Duration.ofSeconds(5);

  private static final int MAX_HEAD = 8 * 1024;

  private static final Set<String> METHODS =
      Set.of(
          "CONNECT",
          "COPY",
          "DELETE",
          "GET",
          "HEAD",
          "LOCK",
          "MKCOL",
          "MOVE",
          "OPTIONS",
          "PATCH",
          "POST",
          "PRI",
          "PROPFIND",
          "PROPPATCH",
          "PUT",
          "REPORT",
          "TRACE",
          "UNLOCK");

  /** A host that can be shown without being escaped, with its port. */
  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9.-]{1,253}(:\\d{1,5})?");

  private final Refusals refusals;

  /** Creates a protocol that refuses. */
  public HttpWithoutTls(Refusals refusals) {
    this.refusals = refusals;
  }

  @Override
  public Claim claimsBeforeTls(ByteBuffer first) {
    String text = StandardCharsets.ISO_8859_1.decode(first.duplicate()).toString();
    if (METHODS.stream().anyMatch(method -> text.startsWith(method + " "))) {
      return Claim.YES;
    }
    boolean mayBecome = METHODS.stream().anyMatch(method -> (method + " ").startsWith(text));
    return mayBecome ? Claim.NOT_YET : Claim.NO;
  }

  @Override
  public void acceptBeforeTls(Conn conn) {
    HeadReader head = new HeadReader(MAX_HEAD);
    conn.deadline(HEAD_TIME, () -> refusals.answer(conn, problem("HOST")));
    conn.onReadable(() -> conn.readEach(bytes -> !read(conn, head, bytes)));
    conn.resumeReads();
    read(conn, head, conn.takeEarly());
  }

  /** Returns whether the octets so far were enough, and the request is answered. */
  private boolean read(Conn conn, HeadReader reader, ByteBuffer bytes) {
    switch (reader.read(bytes)) {
      case MORE -> {
        return false;
      }
      case WHOLE -> answer(conn, reader.head());
      case MALFORMED, TOO_LONG -> refusals.answer(conn, problem("HOST"));
    }
    return true;
  }

  private void answer(Conn conn, byte[] whole) {
    try {
      RequestHead head = RequestHead.parse(whole);
      String host = head.value("Host").filter(HOST.asMatchPredicate()).orElse("HOST");
      refusals.client(conn, head, problem(host));
    } catch (ProtocolException e) {
      refusals.answer(conn, problem("HOST"));
    }
  }

  private static Problem problem(String host) {
    return Problem.permanent(400, "This port speaks HTTPS: use https://" + host + "/");
  }
}
