package io.rendezvous.http;

import io.rendezvous.net.Conn;
import io.rendezvous.net.LingeringClose;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection until a relay has it: reads one request head after the other, octet for
 * octet as it came, and gives each to a handler, who either answers it and keeps the connection, or
 * takes the connection over. After an answer the request's body is read and dropped.
 *
 * <p>Lives on the connection's I/O thread.
 */
public final class ClientConnection {
  private static final int MAX_HEAD = 16 * 1024;
  private static final int MAX_DROPPED = 64 * 1024;
  private static final Duration HEAD_TIME = Duration.ofSeconds(10);
  private static final Duration REQUEST_TIME = Duration.ofSeconds(10); // its body included
  private static final Duration IDLE_TIME = Duration.ofSeconds(60);
  private static final Duration SHORT_REST = Duration.ofMillis(1);

  /** Requests that are answered before other connections of the thread have their turn. */
  private static final int TURN = 16;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private enum Phase {
    /** A request is awaited. */
    HEAD,
    /** The handler has a request, or its answer is being written. */
    REQUEST,
    /** The request was answered, and its body is being dropped. */
    BODY,
    /** Somebody else owns the connection. */
    GONE
  }

  private final Conn conn;
  private final InstantSource clock;
  private final Consumer<ClientConnection> handler;
  private Phase phase = Phase.HEAD;
  private HeadReader reader = new HeadReader(MAX_HEAD);
  private ByteBuffer unread = NOTHING; // from the connection, but not processed
  private @Nullable RequestHead head;
  private BodySkipper body = new BodySkipper(0);
  private ByteBuffer answer = NOTHING;
  private boolean headTimed = true;
  private long dropped;
  private boolean inTurn;
  private boolean draining;

  /**
   * Creates one that does not read yet.
   *
   * @param clock for the Date of answers
   * @param handler is given each request, as this object, on the I/O thread
   */
  public ClientConnection(Conn conn, InstantSource clock, Consumer<ClientConnection> handler) {
    this.conn = conn;
    this.clock = clock;
    this.handler = handler;
  }

  /**
   * Takes the connection over and begins to read.
   *
   * @param left how much time is left for the first head
   */
  public void start(Duration left) {
    unread = conn.takeEarly();
    conn.deadline(left, this::onLate);
    conn.onDrain(this::onDrain);
    conn.onReadable(this::onReadable);
    onReadable();
  }

  // What a handler may ask and do.

  /** Returns the head of the request that is being handled. */
  public RequestHead head() {
    RequestHead current = head;
    if (current == null) {
      throw new IllegalStateException("no request is being handled");
    }
    return current;
  }

  /** Returns the connection. It is not the caller's. */
  public Conn conn() {
    return conn;
  }

  /**
   * Returns whether the connection can be kept after an answer: the client wants to keep it, and
   * the body is one that can be dropped.
   */
  public boolean canBeKept() {
    return head().persists() && !head().expectsContinue() && head().bodyLength() <= MAX_DROPPED;
  }

  /**
   * Asks a question that may block, and goes on with its answer on the connection's I/O thread,
   * unless the connection has ended by then.
   */
  public <T> void ask(Executor worker, Supplier<T> question, Consumer<T> then) {
    worker.execute(
        () -> {
          T found = question.get();
          conn.execute(
              () -> {
                if (phase == Phase.REQUEST && conn.isOpen()) { // it may have taken too long
                  then.accept(found);
                }
              });
        });
  }

  /** Answers the request, drops its body, and waits for the next request. */
  public void answerAndKeep(ProblemResponse response, Map<String, String> more) {
    answer = response.keeping(clock.instant(), more);
    conn.onWritable(this::onWritable);
    onWritable();
  }

  /**
   * Gives the connection to the caller. What was read behind the head are its early octets; reads
   * are off.
   */
  public Conn takeOver() {
    phase = Phase.GONE;
    conn.noDeadline();
    conn.onDrain(null);
    conn.onReadable(null);
    conn.onWritable(null);
    conn.suspendReads();
    conn.unread(unread);
    unread = NOTHING;
    return conn;
  }

  // Reading.

  private void onReadable() {
    try {
      inTurn = true;
      advance();
    } catch (IOException e) {
      conn.close();
    } finally {
      inTurn = false;
    }
  }

  /** Goes on until there is nothing to read, or the handler is waited for, or the turn is over. */
  private void advance() throws IOException {
    for (int requests = 0; requests < TURN; ) {
      if (!unread.hasRemaining() && !readMore()) {
        return;
      }
      if (phase == Phase.BODY) {
        dropBody();
      } else if (phase == Phase.HEAD) {
        requests += readHead() ? 1 : 0;
      }
      if (phase == Phase.REQUEST || phase == Phase.GONE) {
        return;
      }
    }
    conn.suspendReads();
    conn.after(SHORT_REST, this::goOn);
  }

  private void goOn() {
    if ((phase == Phase.HEAD || phase == Phase.BODY) && conn.isOpen()) {
      onReadable();
    }
  }

  /** Returns whether something was read. */
  private boolean readMore() throws IOException {
    ByteBuffer buffer = conn.buffers().take();
    try {
      int n = conn.read(buffer);
      if (n < 0) {
        conn.close();
      } else if (n == 0) {
        conn.resumeReads();
      } else {
        unread = ByteBuffer.allocate(n).put(buffer.flip()).flip();
      }
      return n > 0;
    } finally {
      conn.buffers().give(buffer);
    }
  }

  /** Returns whether a request was read whole. */
  private boolean readHead() {
    if (!headTimed) {
      headTimed = true;
      conn.deadline(HEAD_TIME, this::onLate);
    }
    switch (reader.read(unread)) {
      case MORE -> {
        return false;
      }
      case WHOLE -> onHead();
      case TOO_LONG -> refuse(Problem.permanent(431, "the request head is too long"));
      case MALFORMED -> refuse(Problem.permanent(400, "malformed request head"));
    }
    return true;
  }

  private void onHead() {
    RequestHead whole = null;
    try {
      whole = RequestHead.parse(reader.head());
      whole.checkRequest();
    } catch (ProtocolException e) {
      Problem problem = Problem.permanent(400, String.valueOf(e.getMessage()));
      refuse(whole == null ? ProblemResponse.json(problem) : ProblemResponse.to(whole, problem));
      return;
    }
    head = whole;
    body = new BodySkipper(whole.bodyLength());
    phase = Phase.REQUEST;
    conn.suspendReads();
    conn.deadline(REQUEST_TIME, this::onLate);
    handler.accept(this);
  }

  private void dropBody() {
    int before = unread.remaining();
    BodySkipper.Progress progress = body.skip(unread);
    dropped += before - unread.remaining();
    if (progress == BodySkipper.Progress.END) {
      awaitHead();
    } else if (progress == BodySkipper.Progress.MALFORMED || dropped > MAX_DROPPED) {
      part();
    }
  }

  private void awaitHead() {
    phase = Phase.HEAD;
    headTimed = false;
    reader = new HeadReader(MAX_HEAD);
    head = null;
    conn.deadline(IDLE_TIME, this::onLate);
  }

  // Writing.

  private void onWritable() {
    try {
      while (answer.hasRemaining()) {
        if (conn.write(answer) == 0) {
          conn.resumeWrites();
          return;
        }
      }
      if (!conn.flush()) {
        conn.resumeWrites();
        return;
      }
    } catch (IOException e) {
      conn.close();
      return;
    }
    conn.suspendWrites();
    conn.onWritable(null);
    onAnswered();
  }

  private void onAnswered() {
    phase = Phase.BODY;
    dropped = 0;
    dropBody();
    if (draining) {
      onDrain();
    } else if (!inTurn && phase != Phase.GONE) {
      onReadable();
    }
  }

  // The end.

  /** Handles the end of the time for whatever is awaited. */
  private void onLate() {
    if (phase == Phase.HEAD && !reader.isEmpty()) {
      refuse(Problem.permanent(408, "the request took too long"));
    } else {
      part();
    }
  }

  /** Ends the connection because the broker is shutting down; what has begun is told so. */
  private void onDrain() {
    draining = true;
    if (phase == Phase.HEAD && !reader.isEmpty()) {
      refuse(Problem.DRAINING);
    } else if (phase == Phase.HEAD || phase == Phase.BODY) {
      part();
    }
  }

  private void part() {
    LingeringClose.end(takeOver());
  }

  private void refuse(Problem problem) {
    refuse(ProblemResponse.json(problem));
  }

  private void refuse(ProblemResponse response) {
    LingeringClose.say(takeOver(), response.closing(clock.instant(), Map.of()));
  }
}
