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
 * One answer to a client, read strictly: its head when it {@link #begin}s, its body, and no octet
 * behind that, when it is asked to {@link #finish}. What breaks RFC 9112 is an exception.
 *
 * <p>For one thread.
 */
final class Response {
  private static final int MAX_BODY = 16 * 1024 * 1024;
  private static final Duration TIME_FOR_BODY = Duration.ofSeconds(30);
  private static final int MAX_READ = 64 * 1024;
  private static final int MAX_KEPT = 8 * 1024;
  private static final int MAX_INTERIM = 10;
  private static final int SWITCHING = 101;
  private static final Set<Integer> BROKERS = Set.of(404, 502, 503);

  private final BlockingConnection wire;
  private final String method;
  private final ResponseHead head;
  private final byte[] buffer = new byte[MAX_READ];
  private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
  private ResponseHead.Framing framing = ResponseHead.Framing.NONE;
  private long octets;

  private Response(BlockingConnection wire, String method, ResponseHead head) {
    this.wire = wire;
    this.method = method;
    this.head = head;
  }

  /** Reads the head of an answer to that method. */
  static Response begin(BlockingConnection wire, String method) throws IOException {
    for (int i = 0; i <= MAX_INTERIM; i++) {
      ResponseHead head = ResponseHead.parse(wire.readHead());
      if (head.status() == SWITCHING) {
        throw new ProtocolException("101, which nobody asked for");
      }
      if (head.status() / 100 > 1) {
        return new Response(wire, method, head);
      }
    }
    throw new ProtocolException("more than " + MAX_INTERIM + " interim answers (1xx)");
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

  private void finish(BodySkipper body, long most) throws IOException {
    long until = System.nanoTime() + TIME_FOR_BODY.toNanos();
    BodySkipper.Progress progress = body.skip(ByteBuffer.allocate(0));
    while (progress == BodySkipper.Progress.MORE) {
      // Beyond the chunks lies what may be the next answer's.
      int want =
          framing == ResponseHead.Framing.CHUNKS ? 1 : (int) Math.min(most - octets, MAX_READ);
      ByteBuffer read = read(want, until);
      if (!read.hasRemaining()) {
        throw new ProtocolException("the answer was cut off: " + what());
      }
      progress = body.skip(read);
    }
    if (progress == BodySkipper.Progress.MALFORMED) {
      throw new ProtocolException("what came is no chunk, or does not end where its size says");
    }
  }

  private void finishAtEnd() throws IOException {
    long until = System.nanoTime() + TIME_FOR_BODY.toNanos();
    while (read(MAX_READ, until).hasRemaining()) {
      // It goes on.
    }
  }

  /** Returns what there is to read, nothing at the end. */
  private ByteBuffer read(int most, long until) throws IOException {
    int n;
    try {
      n = Math.max(0, wire.in().read(buffer, 0, most));
    } catch (SocketTimeoutException e) {
      throw new IOException("the answer stopped and did not end: " + what(), e);
    }
    octets += n;
    if (octets > MAX_BODY) {
      throw new IOException("the answer is longer than 16 MiB; name a shorter one with --path");
    }
    if (System.nanoTime() - until > 0) {
      throw new IOException(
          "the answer took more than "
              + TIME_FOR_BODY.toSeconds()
              + " s; name a shorter one with --path");
    }
    kept.write(buffer, 0, Math.min(n, MAX_KEPT - kept.size()));
    return ByteBuffer.wrap(buffer, 0, n);
  }

  int status() {
    return head.status();
  }

  /** Returns how many octets of a body have come, with those that frame chunks. */
  long octets() {
    return octets;
  }

  /** Returns whether nothing but the end of the connection tells that the answer is whole. */
  boolean endsWithConnection() {
    return framing == ResponseHead.Framing.END;
  }

  /** Returns whether no further request is answered on the connection. */
  boolean isLast() {
    return endsWithConnection() || !head.persists();
  }

  /** Returns whether the head may be that of a broker's own answer (PROTOCOL 1.2). */
  boolean mayBeBrokers() {
    return BROKERS.contains(status())
        && !head.persists()
        && head.value("Content-Type")
            .filter(type -> type.startsWith("application/json"))
            .isPresent();
  }

  /**
   * Returns the reason that the broker gives, if by its form the answer is the broker's own. A
   * hidden server may answer in that form too, and an agent does for its local server.
   */
  Optional<String> brokersReason() {
    return mayBeBrokers()
        ? ConnectResponse.diagnostic(kept.toString(StandardCharsets.UTF_8))
        : Optional.empty();
  }

  private String what() {
    return switch (framing) {
      case NONE -> "no body";
      case LENGTH -> octets + " octets of a Content-Length of " + head.length();
      case CHUNKS -> octets + " octets in chunks";
      case END -> octets + " octets up to the connection's end";
    };
  }

  /** Returns the status, and how the body came. */
  @Override
  public String toString() {
    boolean counted = framing == ResponseHead.Framing.LENGTH;
    return status() + ", " + (counted ? octets + " octets by its Content-Length" : what());
  }
}
