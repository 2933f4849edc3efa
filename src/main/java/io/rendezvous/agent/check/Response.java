package io.rendezvous.agent.check;

import io.rendezvous.agent.ConnectResponse;
import io.rendezvous.http.BodySkipper;
import io.rendezvous.http.ResponseHead;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ProtocolException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * A response to a client, read strictly: {@link #begin} reads its head, {@link #finish} its body
 * and no byte after it. A violation of RFC 9112 is an exception.
 *
 * <p>Used by one thread.
 */
final class Response {
  private static final int MAX_BODY = 16 * 1024 * 1024;
  private static final Duration MAX_BODY_TIME = Duration.ofSeconds(30);
  private static final int MAX_READ = 64 * 1024;
  private static final int MAX_KEPT = 8 * 1024;
  private static final int MAX_INTERIM = 10;
  private static final int SWITCHING_PROTOCOLS = 101;
  private static final Set<Integer> BROKER_STATUSES = Set.of(404, 502, 503);

  private final BlockingConnection connection;
  private final String method;
  private final ResponseHead head;
  private final byte[] buffer = new byte[MAX_READ];
  private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
  private ResponseHead.Framing framing = ResponseHead.Framing.NONE;
  private long bytes;

  private Response(BlockingConnection connection, String method, ResponseHead head) {
    this.connection = connection;
    this.method = method;
    this.head = head;
  }

  /** Reads the head of the final response to a request with that method. */
  static Response begin(BlockingConnection connection, String method) throws IOException {
    for (int i = 0; i <= MAX_INTERIM; i++) {
      ResponseHead head = ResponseHead.parse(connection.readHead());
      if (head.status() == SWITCHING_PROTOCOLS) {
        throw new ProtocolException("101 without an Upgrade request");
      }
      if (head.status() / 100 > 1) {
        return new Response(connection, method, head);
      }
    }
    throw new ProtocolException("more than " + MAX_INTERIM + " interim responses (1xx)");
  }

  /** Reads the body to its end. */
  Response finish() throws IOException {
    framing = head.framing(method);
    switch (framing) {
      case NONE -> {}
      case LENGTH -> finish(new BodySkipper(head.length()), head.length());
      case CHUNKS -> finish(new BodySkipper(-1), MAX_BODY);
      case END -> finishAtEnd();
    }
    return this;
  }

  private void finish(BodySkipper body, long max) throws IOException {
    long until = System.nanoTime() + MAX_BODY_TIME.toNanos();
    BodySkipper.Progress progress = body.skip(ByteBuffer.allocate(0));
    while (progress == BodySkipper.Progress.MORE) {
      // What follows the last chunk may belong to the next response.
      int want = framing == ResponseHead.Framing.CHUNKS ? 1 : (int) Math.min(max - bytes, MAX_READ);
      ByteBuffer read = read(want, until);
      if (!read.hasRemaining()) {
        throw new ProtocolException("the response was cut off: " + bodySoFar());
      }
      progress = body.skip(read);
    }
    if (progress == BodySkipper.Progress.MALFORMED) {
      throw new ProtocolException("malformed chunk, or one that does not end where its size says");
    }
  }

  private void finishAtEnd() throws IOException {
    long until = System.nanoTime() + MAX_BODY_TIME.toNanos();
    while (read(MAX_READ, until).hasRemaining()) {
      // More may follow.
    }
  }

  /** Reads some bytes, none at the end. */
  private ByteBuffer read(int max, long until) throws IOException {
    int n;
    try {
      n = Math.max(0, connection.in().read(buffer, 0, max));
    } catch (SocketTimeoutException e) {
      throw new IOException("the response stalled: " + bodySoFar(), e);
    }
    bytes += n;
    if (bytes > MAX_BODY) {
      throw new IOException("the response is longer than 16 MiB; choose a shorter one with --path");
    }
    if (System.nanoTime() - until > 0) {
      throw new IOException(
          "the response took more than "
              + MAX_BODY_TIME.toSeconds()
              + " s; choose a shorter one with --path");
    }
    kept.write(buffer, 0, Math.min(n, MAX_KEPT - kept.size()));
    return ByteBuffer.wrap(buffer, 0, n);
  }

  /** Returns the status code. */
  int status() {
    return head.status();
  }

  /** Returns how many bytes of the body have arrived, with those that frame chunks. */
  long bytes() {
    return bytes;
  }

  /** Returns whether only the end of the connection marks the end of the response. */
  boolean endsWithConnection() {
    return framing == ResponseHead.Framing.END;
  }

  /** Returns whether no further request will be answered on the connection. */
  boolean isLast() {
    return endsWithConnection() || !head.persists();
  }

  /** Returns whether the head may be that of a broker's own response (protocol.md, 1.2). */
  boolean mayBeBrokers() {
    return BROKER_STATUSES.contains(status())
        && !head.persists()
        && head.value("Content-Type")
            .filter(type -> type.startsWith("application/json"))
            .isPresent();
  }

  /**
   * Returns the reason that the broker gives, if the response has the form of a broker's own. A
   * hidden server may respond in that form too, and an agent does so on behalf of its local server.
   */
  Optional<String> brokersReason() {
    return mayBeBrokers()
        ? ConnectResponse.diagnostic(kept.toString(StandardCharsets.UTF_8))
        : Optional.empty();
  }

  private String bodySoFar() {
    return switch (framing) {
      case NONE -> "no body";
      case LENGTH -> bytes + " bytes of a Content-Length of " + head.length();
      case CHUNKS -> bytes + " bytes in chunks";
      case END -> bytes + " bytes up to the end of the connection";
    };
  }

  /** Returns the status, and how the body was framed, for people. */
  @Override
  public String toString() {
    boolean counted = framing == ResponseHead.Framing.LENGTH;
    return status() + ", " + (counted ? bytes + " bytes by Content-Length" : bodySoFar());
  }
}
