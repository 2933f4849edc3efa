package io.rendezvous.http;

import io.rendezvous.net.Conn;
import io.rendezvous.net.ConnectionLimiter;
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
 * The connection of a client until a relay takes it over. It reads one request head after the other
 * and passes each to a handler. The handler either answers the request and keeps the connection, or
 * takes the connection over. The body of an answered request is read and discarded.
 *
 * <p>All methods are called on the connection's I/O thread.
 */
public final class ClientConnection {
  private static final int MAX_HEAD = 16 * 1024;
  private static final int MAX_DISCARDED = 64 * 1024;
  private static final Duration HEAD_TIME = Duration.ofSeconds(10);
  private static final Duration REQUEST_TIME = Duration.ofSeconds(10); // includes the body
  private static final Duration IDLE_TIME = Duration.ofSeconds(60);
  private static final Patience PATIENCE = new Patience(20, Duration.ofMinutes(2), HEAD_TIME);
  private static final Duration PAUSE = Duration.ofMillis(1);

  /** Requests that are handled before the other connections of the thread have their turn. */
  private static final int MAX_REQUESTS_PER_TURN = 16;

  private static final ByteBuffer EMPTY = ByteBuffer.allocate(0);

  private enum Phase {
    /** The next head is read. */
    HEAD,
    /** The handler has a request, or the response is written. */
    REQUEST,
    /** The request was answered, and its body is discarded. */
    BODY,
    /** The connection has another owner. */
    GONE
  }

  private final Conn conn;
  private final InstantSource clock;
  private final Consumer<ClientConnection> handler;
  private final Patience patience;
  private Phase phase = Phase.HEAD;
  private HeadReader reader = new HeadReader(MAX_HEAD);
  private ByteBuffer unread = EMPTY; // read from the connection, but not processed
  private @Nullable RequestHead head;
  private BodySkipper body = new BodySkipper(0);
  private ByteBuffer response = EMPTY;
  private boolean headIsTimed = true;
  private int answered; // requests after which the connection was kept
  private long keptUntil;
  private long discarded;
  private boolean inTurn;
  private boolean draining;

  /**
   * Wraps a connection, without reading from it.
   *
   * @param clock tells the time for the Date header
   * @param handler receives this object for each request, on the I/O thread
   */
  public ClientConnection(Conn conn, InstantSource clock, Consumer<ClientConnection> handler) {
    this(conn, clock, handler, PATIENCE);
  }

  ClientConnection(
      Conn conn, InstantSource clock, Consumer<ClientConnection> handler, Patience patience) {
    this.conn = conn;
    this.clock = clock;
    this.handler = handler;
    this.patience = patience;
  }

  /**
   * What a connection may do before another owner takes it over. Afterwards it is closed.
   *
   * @param answers maximum number of requests that are answered
   * @param time from the first request on
   * @param headTime from the first octet of a head on, or of the TLS record that it begins in
   */
  record Patience(int answers, Duration time, Duration headTime) {}

  /**
   * Takes the connection over and starts to read.
   *
   * @param left the time that is left for the first head
   */
  public void start(Duration left) {
    unread = conn.takeEarly();
    keptUntil = System.nanoTime() + patience.time().toNanos();
    conn.deadline(left, this::onLate);
    conn.onDrain(this::onDrain);
    conn.onReadable(this::onReadable);
    onReadable();
  }

  // For the handler.

  /** Returns the head of the current request. */
  public RequestHead head() {
    RequestHead current = head;
    if (current == null) {
      throw new IllegalStateException("there is no current request");
    }
    return current;
  }

  /** Returns the connection, which the caller does not own: see {@link #takeOver}. */
  public Conn conn() {
    return conn;
  }

  /**
   * Returns whether the connection can stay open after a response: the client wants that, the body
   * is sent and short enough to be discarded, and the broker has patience with the client.
   */
  public boolean canBeKept() {
    return head().persists()
        && !head().expectsContinue()
        && head().bodyLength() <= MAX_DISCARDED
        && !isPatienceOver();
  }

  /** Returns whether the next response is the last, since there were too many or took too long. */
  public boolean isPatienceOver() {
    return answered + 1 >= patience.answers() || timeLeft().isZero();
  }

  private Duration timeLeft() {
    return Duration.ofNanos(Math.max(0, keptUntil - System.nanoTime()));
  }

  /**
   * Runs a query that may block on a worker, and passes its result on, on the connection's I/O
   * thread. Nothing is passed on if the connection has ended by then.
   */
  public <T> void ask(Executor worker, Supplier<T> query, Consumer<T> then) {
    worker.execute(
        () -> {
          T result;
          try {
            result = query.get();
          } catch (RuntimeException e) {
            conn.execute(
                () -> {
                  throw e; // which ends the connection
                });
            return;
          }
          conn.execute(
              () -> {
                if (phase == Phase.REQUEST && conn.isOpen()) { // the query may have taken too long
                  then.accept(result);
                }
              });
        });
  }

  /** Answers the request, discards its body, and waits for the next request. */
  public void answerAndKeep(ProblemResponse problem) {
    answered++;
    response = problem.keeping(clock.instant());
    conn.onWritable(this::onWritable);
    onWritable();
  }

  /**
   * Gives the connection to the caller. The octets that were read after the head are its early
   * octets. Reads are off.
   */
  public Conn takeOver() {
    phase = Phase.GONE;
    conn.clearDeadline();
    conn.onDrain(null);
    conn.onReadable(null);
    conn.onWritable(null);
    conn.suspendReads();
    conn.unread(unread);
    unread = EMPTY;
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

  /** Processes what can be read, until the handler is waited for or the turn is over. */
  private void advance() throws IOException {
    for (int requests = 0; requests < MAX_REQUESTS_PER_TURN; ) {
      if (!unread.hasRemaining() && !readMore()) {
        return;
      }
      if (phase == Phase.BODY) {
        discardBody();
      } else if (phase == Phase.HEAD) {
        requests += readHead() ? 1 : 0;
      }
      if (!unread.hasRemaining()) {
        unread = EMPTY; // not to be held until the next bytes arrive
      }
      if (phase == Phase.REQUEST || phase == Phase.GONE) {
        return;
      }
    }
    conn.suspendReads();
    conn.after(PAUSE, this::resume);
  }

  private void resume() {
    if ((phase == Phase.HEAD || phase == Phase.BODY) && conn.isOpen()) {
      onReadable();
    }
  }

  /** Reads more octets. Returns whether there were any. */
  private boolean readMore() throws IOException {
    unread = EMPTY; // a buffer that was processed need not be kept until the next octet comes
    ByteBuffer buffer = conn.buffers().take();
    try {
      int n = conn.read(buffer);
      if (n < 0) {
        conn.close();
      } else if (n == 0) {
        if (phase == Phase.HEAD && conn.isMidRecord()) {
          limitHeadTime();
        }
        conn.resumeReads();
      } else {
        unread = ByteBuffer.allocate(n).put(buffer.flip()).flip();
      }
      return n > 0;
    } finally {
      conn.buffers().give(buffer);
    }
  }

  /** Reads the head on. Returns whether it is complete or refused. */
  private boolean readHead() {
    limitHeadTime();
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

  /** Starts the time for the head, once its first octet or that of its first record is there. */
  private void limitHeadTime() {
    if (!headIsTimed) {
      headIsTimed = true;
      conn.deadline(patience.headTime(), this::onLate);
    }
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

  private void discardBody() {
    int before = unread.remaining();
    BodySkipper.Progress progress = body.skip(unread);
    discarded += before - unread.remaining();
    if (progress == BodySkipper.Progress.END) {
      awaitHead();
    } else if (progress == BodySkipper.Progress.MALFORMED || discarded > MAX_DISCARDED) {
      end();
    }
  }

  private void awaitHead() {
    phase = Phase.HEAD;
    headIsTimed = false;
    reader = new HeadReader(MAX_HEAD);
    head = null;
    Duration left = timeLeft();
    if (left.compareTo(IDLE_TIME) < 0) {
      conn.deadline(left, this::onPatienceOver);
    } else {
      conn.deadline(IDLE_TIME, this::onLate);
    }
  }

  // Writing.

  private void onWritable() {
    try {
      while (response.hasRemaining()) {
        if (conn.write(response) == 0) {
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
    discarded = 0;
    discardBody();
    if (draining) {
      onDrain();
    } else if (!inTurn && phase != Phase.GONE) {
      onReadable();
    }
  }

  // The end.

  private void onPatienceOver() {
    conn.met(ConnectionLimiter.Limit.CHALLENGES);
    end();
  }

  /** Ends the connection because the time for the current phase is over. */
  private void onLate() {
    if (phase == Phase.HEAD && !reader.isEmpty()) {
      refuse(Problem.permanent(408, "the request took too long"));
    } else if (conn.isMidRecord()) {
      conn.close(); // nothing was asked that could be answered
    } else {
      end();
    }
  }

  /**
   * Ends the connection because the broker is shutting down. A request that has begun is answered.
   */
  private void onDrain() {
    draining = true;
    if (phase == Phase.HEAD && !reader.isEmpty()) {
      refuse(Problem.DRAINING);
    } else if (phase == Phase.HEAD || phase == Phase.BODY) {
      end();
    }
  }

  private void end() {
    LingeringClose.end(takeOver());
  }

  private void refuse(Problem problem) {
    refuse(ProblemResponse.json(problem));
  }

  private void refuse(ProblemResponse problem) {
    LingeringClose.say(takeOver(), problem.closing(clock.instant(), Map.of()));
  }
}
