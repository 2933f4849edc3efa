package io.rendezvous.http.undertow;

import io.rendezvous.http.BodySkipper;
import io.rendezvous.http.HeadReader;
import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.xnio.IoUtils;
import org.xnio.channels.StreamSinkChannel;
import org.xnio.conduits.AbstractStreamSourceConduit;
import org.xnio.conduits.ConduitReadableByteChannel;
import org.xnio.conduits.StreamSinkConduit;
import org.xnio.conduits.StreamSourceConduit;

/**
 * Sits below Undertow on a client's connection, and lets a request pass when its head is whole.
 *
 * <p>The head is kept octet for octet, to be sent on as it came. Undertow itself is given a bare
 * head of our own: its parser refuses targets that browsers send, accepts folded lines, and answers
 * what it refuses without a word. So there is one parser whose opinion counts, {@link RequestHead},
 * and what that refuses is answered from here.
 *
 * <p>Octets behind a head never get to Undertow. They stay here for whoever takes the connection
 * away; after an answer, the rest of the {@link BodySkipper} is dropped.
 *
 * <p>Lives on the connection's I/O thread. The deadlines are its own, not Undertow's, so that none
 * is left on a connection that is taken over.
 */
final class Tap extends AbstractStreamSourceConduit<StreamSourceConduit> {
  private static final int MOST_HEAD = 16 * 1024;
  static final int MOST_BODY = 64 * 1024;
  private static final Duration HEAD_TIME = Duration.ofSeconds(10);
  private static final Duration BODY_TIME = Duration.ofSeconds(10);
  private static final Duration IDLE_TIME = Duration.ofSeconds(60);
  private static final Duration SHORT_REST = Duration.ofMillis(1);

  /** Requests of one connection that are answered before others of its thread have their turn. */
  private static final int TURN = 16;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private enum Phase {
    /** A head is awaited, and kept back until it is whole. */
    HEAD,
    /** Undertow reads its own version of the head, and handles the request. */
    REQUEST,
    /** The request was answered, and its body is dropped. */
    BODY,
    /** Undertow has nothing to do with the connection any more. */
    OUT
  }

  private final Conn conn;
  private final HttpServer server;
  private final StreamSinkConduit sink;
  private final Duration left;
  private Phase phase = Phase.HEAD;
  private HeadReader reader = new HeadReader(MOST_HEAD);
  private ByteBuffer held;
  private ByteBuffer forUndertow = NOTHING;
  private @Nullable RequestHead head;
  private BodySkipper body = new BodySkipper(0);
  private boolean headTimed = true;
  private long dropped;
  private int pipelined;
  private boolean draining;

  /**
   * Creates a tap for a connection.
   *
   * @param read what was read of the first head
   * @param left how much time is left for it
   */
  Tap(Conn conn, HttpServer server, ByteBuffer read, Duration left) {
    super(conn.channel().getSourceChannel().getConduit());
    this.conn = conn;
    this.server = server;
    this.sink = conn.channel().getSinkChannel().getConduit();
    this.held = read;
    this.left = left;
  }

  /** Goes below Undertow, which takes the connection for one of its own next. */
  void insert() {
    conn.channel().getSourceChannel().setConduit(this);
    conn.deadline(left, this::onLate);
    conn.onDrain(this::onDrain);
  }

  Conn conn() {
    return conn;
  }

  /** Returns the head of the request that Undertow is handling. */
  RequestHead head() {
    RequestHead current = head;
    if (current == null) {
      throw new IllegalStateException("no request is being handled");
    }
    return current;
  }

  /** Returns whether a request is in Undertow's hands, neither answered nor taken over. */
  boolean isAsked() {
    return phase == Phase.REQUEST && conn.isOpen();
  }

  /** The request was answered: its body is dropped, and then the next request awaited. */
  void next() {
    if (phase != Phase.OUT && conn.isOpen()) {
      phase = Phase.BODY;
      dropped = 0;
      dropHeld();
      if (draining) {
        conn.execute(this::onDrain);
      }
    }
  }

  /** Takes the connection out of Undertow's hands. The octets read too early go with it. */
  void leave() {
    phase = Phase.OUT;
    conn.noDeadline();
    conn.onDrain(null);
    conn.channel().getSourceChannel().setConduit(next);
    conn.channel().getSinkChannel().setConduit(sink);
    conn.onReadable(null); // which was Undertow's
    conn.unread(held);
    held = NOTHING;
  }

  /** Time is up for whatever is awaited. */
  private void onLate() {
    if (phase == Phase.HEAD && !reader.isEmpty()) {
      refuse(ProblemResponse.json(Problem.permanent(408, "the request took too long")));
    } else if (phase != Phase.OUT) {
      part();
    }
  }

  private void part() {
    leave();
    LingeringClose.end(conn);
  }

  /** The broker closes down: what has begun to be a request is told so. */
  private void onDrain() {
    draining = true;
    if (phase == Phase.HEAD && !reader.isEmpty()) {
      refuse(ProblemResponse.json(Problem.DRAINING));
    } else if (phase == Phase.HEAD || phase == Phase.BODY) {
      onLate();
    }
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    return switch (phase) {
      case HEAD -> readHead(into);
      case REQUEST -> copy(forUndertow, into);
      case BODY -> readBehindBody(into);
      case OUT -> 0;
    };
  }

  private int readHead(ByteBuffer into) throws IOException {
    HeadReader.Progress progress = HeadReader.Progress.MORE;
    while (progress == HeadReader.Progress.MORE) {
      if (!held.hasRemaining()) {
        int n = readMore();
        if (n <= 0) {
          return n;
        }
      }
      if (!headTimed) {
        headTimed = true;
        conn.deadline(HEAD_TIME, this::onLate);
      }
      progress = reader.read(held);
    }
    switch (progress) {
      case WHOLE -> onHead();
      case TOO_LONG -> refuse(ProblemResponse.json(Problem.permanent(431, "the request head is too long")));
      default -> refuse(ProblemResponse.json(Problem.permanent(400, "malformed request head")));
    }
    return phase == Phase.REQUEST ? copy(forUndertow, into) : 0;
  }

  private int readMore() throws IOException {
    ByteBuffer buffer = conn.buffers().take();
    try {
      int n = next.read(buffer);
      if (n > 0) {
        held = ByteBuffer.allocate(n).put(buffer.flip()).flip();
      }
      return n;
    } finally {
      conn.buffers().give(buffer);
    }
  }

  private void onHead() {
    RequestHead whole = null;
    try {
      whole = RequestHead.parse(reader.head());
      whole.checkRequest();
      head = whole;
      body = new BodySkipper(whole.bodyLength());
      forUndertow = wordsFor(whole);
      phase = Phase.REQUEST;
      conn.deadline(BODY_TIME, this::onLate);
    } catch (ProtocolException e) {
      Problem problem = Problem.permanent(400, String.valueOf(e.getMessage()));
      refuse(whole == null ? ProblemResponse.json(problem) : ProblemResponse.to(whole, problem));
    }
  }

  private static ByteBuffer wordsFor(RequestHead head) {
    String method = head.method().equals("HEAD") ? "HEAD" : "GET"; // whose answer has no body
    String text = method + " / HTTP/1.1\r\nHost: client\r\n\r\n";
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }

  private int readBehindBody(ByteBuffer into) throws IOException {
    while (true) {
      BodySkipper.Progress progress = dropHeld();
      if (progress == BodySkipper.Progress.END) {
        return readHead(into);
      }
      if (phase == Phase.OUT) {
        return 0;
      }
      int n = readMore();
      if (n <= 0) {
        return n;
      }
    }
  }

  private BodySkipper.Progress dropHeld() {
    int before = held.remaining();
    BodySkipper.Progress progress = body.skip(held);
    dropped += before - held.remaining();
    if (progress == BodySkipper.Progress.END) {
      awaitHead();
    } else if (progress == BodySkipper.Progress.MALFORMED || dropped > MOST_BODY) {
      phase = Phase.OUT;
      conn.execute(this::part); // once Undertow is done with what it is in
    }
    return progress;
  }

  private void awaitHead() {
    phase = Phase.HEAD;
    headTimed = false;
    reader = new HeadReader(MOST_HEAD);
    head = null;
    conn.deadline(IDLE_TIME, this::onLate);
  }

  private static int copy(ByteBuffer from, ByteBuffer into) {
    int n = Math.min(from.remaining(), into.remaining());
    into.put(from.slice().limit(n));
    from.position(from.position() + n);
    return n;
  }

  /** Answers from below Undertow, once that is done with the read it is in. */
  private void refuse(ProblemResponse answer) {
    phase = Phase.OUT;
    conn.execute(
        () -> {
          leave();
          LingeringClose.say(conn, answer.closing(server.now(), Map.of()));
        });
  }

  @Override
  public long read(ByteBuffer[] into, int offset, int length) throws IOException {
    for (int i = offset; i < offset + length; i++) {
      if (into[i].hasRemaining()) {
        return read(into[i]);
      }
    }
    return 0;
  }

  @Override
  public long transferTo(long position, long count, FileChannel target) throws IOException {
    return target.transferFrom(new ConduitReadableByteChannel(this), position, count);
  }

  @Override
  public long transferTo(long count, ByteBuffer through, StreamSinkChannel target)
      throws IOException {
    return IoUtils.transfer(new ConduitReadableByteChannel(this), count, through, target);
  }

  @Override
  public void resumeReads() {
    if (!held.hasRemaining() && !forUndertow.hasRemaining()) {
      super.resumeReads();
    } else if (++pipelined % TURN != 0) {
      super.wakeupReads(); // the socket may have nothing more to be readable for
    } else {
      conn.after(SHORT_REST, this::goOn); // others of the thread have their turn
    }
  }

  private void goOn() {
    if (phase != Phase.OUT && conn.isOpen()) {
      super.wakeupReads();
    }
  }
}
