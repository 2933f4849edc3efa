package io.rendezvous.http.relay;

import io.rendezvous.http.BodySkipper;
import io.rendezvous.http.HeadEditor;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.ResponseHead;
import io.rendezvous.http.ResponseHead.Framing;
import io.rendezvous.http.SeenRequest;
import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import io.rendezvous.net.FailureText;
import io.rendezvous.net.Pump;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request and its answer, between the connection of a client (near) and that of a server (far).
 * It owns both from {@link #start} on, until it tells its listener what has become of it.
 *
 * <pre>
 *   WAITING --- the head of the answer came ---> ANSWERING --- both complete ---> COMPLETE
 *      |                                             |
 *      |--- no answer came ---> UNANSWERED           +--- a connection broke ---> BROKEN
 *      |--- 101, 2xx to CONNECT ---> SWITCHED
 *      +--- the client left ---> BROKEN
 *
 *   COMPLETE     near, far: the listener's again
 *   UNANSWERED   near: the listener's again     far: reset
 *   SWITCHED     near, far: the listener's again, and what has been read of both
 *   BROKEN       near, far: reset
 * </pre>
 *
 * <p>Whoever sets the state first has decided; any thread may. The two connections may be on two
 * I/O threads, and each is used on its own only. Bodies move as in {@link io.rendezvous.net.Relay},
 * with its back pressure. The answer may come before the request is complete: both go on.
 */
final class HttpExchange implements Pump.Owner {
  private static final Logger LOG = LoggerFactory.getLogger(HttpExchange.class);
  private static final int SWITCHING_PROTOCOLS = 101;

  private enum State {
    WAITING,
    ANSWERING,
    COMPLETE,
    UNANSWERED,
    SWITCHED,
    BROKEN
  }

  /** Receives what becomes of the exchange: one of these, once, on the near connection's thread. */
  interface Listener {
    /**
     * Handles that the request and the answer are complete.
     *
     * @param keepsNear whether the client may send a further request
     * @param keepsFar whether the server may be sent a further request
     */
    void onComplete(boolean keepsNear, boolean keepsFar);

    /**
     * Handles that there is no answer.
     *
     * @param unwritten the interim responses that the client has not been sent
     * @param untouched whether nothing came back, and the server was sent no body
     */
    void onUnanswered(Failure failure, ByteBuffer unwritten, boolean untouched);

    /**
     * Handles that both have switched to another protocol.
     *
     * @param unwritten what the client has not been sent, the head of the answer at least
     */
    void onSwitched(ByteBuffer unwritten);

    /** Handles that a connection broke, or that the exchange was ended. */
    void onBroken(SeenRequest.End how);
  }

  /** What the owner of the relay decides. */
  interface Policy {
    /** Edits the head of an answer. Called on the far connection's thread. */
    void edit(ResponseHead answer, HeadEditor editor);

    /** Returns whether the client's connection ends after this answer. Any thread may call. */
    boolean isLast(ResponseHead answer);

    /** Returns how long the server may take to begin its answer; zero for any time. */
    Duration timeout();
  }

  private final Conn near;
  private final Conn far;
  private final RequestHead request;
  private final Policy policy;
  private final Listener listener;
  private final HttpTraffic traffic;
  private final Observation observation;
  private final ReadAhead readAhead; // on the near connection's thread
  private final Pump up;
  private final Pump down;
  private final AnswerFilter answer; // on the far connection's thread
  private final BodySkipper body; // on the near connection's thread
  private final AtomicReference<State> state = new AtomicReference<>(State.WAITING);

  // Written by the near connection's thread, read by any.
  private volatile boolean requestRead;
  private volatile boolean nearEnded;

  // Written by the far connection's thread, read by any.
  private volatile boolean last;
  private volatile boolean farPersists;
  private volatile boolean cutShort;

  /** The two connections of an exchange, with what has been read of the client's. */
  record Ends(Conn near, ReadAhead readAhead, Conn far) {}

  /**
   * Creates an exchange that has not started.
   *
   * @param upgrades whether the request that is sent asks to switch protocols
   */
  HttpExchange(
      Ends ends,
      RequestHead request,
      boolean upgrades,
      Policy policy,
      Listener listener,
      HttpTraffic traffic,
      Observation observation) {
    this.near = ends.near();
    this.readAhead = ends.readAhead();
    this.far = ends.far();
    this.request = request;
    this.policy = policy;
    this.listener = listener;
    this.traffic = traffic;
    this.observation = observation;
    this.up = new Pump(this, near, far);
    this.down = new Pump(this, far, near);
    this.body = new BodySkipper(request.bodyLength());
    this.answer = new AnswerFilter(request, upgrades, new Editor(), near.buffers());
  }

  /**
   * Sends the request and passes its answer on. Called on the near connection's thread.
   *
   * @param head the edited head of the request
   */
  void start(ByteBuffer head) {
    readAhead.stop();
    ByteBuffer rest = readAhead.take();
    ByteBuffer first = BufferPool.joined(head, bodyOf(rest));
    if (requestRead) {
      up.putOnly(first);
    } else {
      up.put(first);
    }
    far.execute(this::startFar);
    near.onWritable(down::write);
    if (!isRunning()) {
      return;
    }
    limitTime();
    if (requestRead) {
      nearEnded = readAhead.isOver();
      awaitAnswer();
    } else {
      near.onReadable(up::read);
      up.read();
    }
  }

  private void startFar() {
    if (!isRunning()) {
      return;
    }
    if (!far.isOpen()) { // it ended after it was chosen
      fail(Failure.Kind.ENDED, "");
      return;
    }
    far.onReadable(down::read);
    far.onWritable(up::write);
    up.write();
    down.read();
  }

  // The request.

  /** Returns what belongs to the body, and keeps what follows it for the next request. */
  private ByteBuffer bodyOf(ByteBuffer read) {
    int start = read.position();
    BodySkipper.Progress progress = body.skip(read);
    int end = read.position();
    if (progress == BodySkipper.Progress.MALFORMED) {
      fail(Failure.Kind.BAD_REQUEST, "malformed chunk");
    } else if (progress == BodySkipper.Progress.END) {
      readAhead.keep(read);
      requestRead = true;
    }
    read.limit(end).position(start);
    observation.body(read);
    return read;
  }

  /** Reads ahead, since the client may leave, and answers may take long. */
  private void awaitAnswer() {
    if (nearEnded) {
      up.endKept();
    } else if (isRunning()) {
      readAhead.start();
    }
  }

  /** Handles that the client has ended its stream. It may await this answer, and further ones. */
  void onNearEnd() {
    if (readAhead.isOver()) {
      nearEnded = true;
      up.endKept();
    }
  }

  /** Handles that the client has left. Any thread may call. */
  void onNearLeft() {
    breakOff(SeenRequest.End.CLIENT_BROKE);
  }

  private void limitTime() {
    Duration timeout = policy.timeout();
    if (!timeout.isZero()) {
      near.deadline(timeout, this::onLate);
    }
  }

  private void onLate() {
    if (state.get() != State.WAITING || answer.hasBegun()) {
      return;
    }
    if (requestRead && up.isOver()) {
      fail(Failure.Kind.LATE, "");
    } else {
      limitTime(); // the client is the slow one
    }
  }

  // The pumps.

  @Override
  public boolean isRunning() {
    State now = state.get();
    return now == State.WAITING || now == State.ANSWERING;
  }

  @Override
  public @Nullable ByteBuffer filter(Pump pump, ByteBuffer read) {
    if (pump == up) {
      traffic.addUp(read.remaining());
      ByteBuffer passed = bodyOf(read);
      if (requestRead) {
        up.finish();
        near.execute(this::awaitAnswer);
      }
      return passed;
    }
    traffic.addDown(read.remaining());
    ByteBuffer passed = answerOf(read);
    observation.passedOn(passed);
    return passed;
  }

  private @Nullable ByteBuffer answerOf(ByteBuffer read) {
    ByteBuffer passed;
    try {
      passed = answer.apply(read);
    } catch (AnswerFilter.HeadTooLongException e) {
      fail(Failure.Kind.TOO_LONG, "");
      return null;
    } catch (ProtocolException e) {
      fail(Failure.Kind.MALFORMED, String.valueOf(e.getMessage()));
      return null;
    }
    if (answer.part() == AnswerFilter.Part.OTHER_PROTOCOL) {
      switchProtocols(passed);
      return null;
    }
    if (answer.part() == AnswerFilter.Part.NOTHING) {
      farPersists &= !answer.hasSurplus();
      down.finish();
    }
    return passed;
  }

  @Override
  public boolean toleratesLoss(Pump pump) {
    return pump == down || far.isHandshaken(); // otherwise its certificate was not trusted
  }

  @Override
  public void ended(Pump pump) {
    if (pump == up) {
      if (near.isTruncated()) {
        breakOff(SeenRequest.End.CLIENT_BROKE);
      } else {
        nearEnded = true;
        up.end();
      }
    } else if (answer.endsWithConnection()) {
      down.end();
    } else if (state.get() == State.ANSWERING && !answer.isUnframed()) {
      cutShort = true;
      down.cut(); // the client receives what has come, and notices that the rest is missing
    } else if (answer.hasBegun()) {
      fail(Failure.Kind.MALFORMED, "ended within its head");
    } else {
      fail(Failure.Kind.ENDED, "");
    }
  }

  @Override
  public void broken(Conn conn, Exception why) {
    if (why instanceof RuntimeException) {
      LOG.error("{}: its exchange ends because of an error of this program", conn, why);
    }
    if (conn == far) {
      fail(Failure.Kind.BROKEN, FailureText.of(why));
    } else {
      breakOff(SeenRequest.End.CLIENT_BROKE);
    }
  }

  @Override
  public void delivered(Pump pump) {
    near.execute(this::completeIfOver);
  }

  @Override
  public void lost(Pump pump) {
    if (pump == down) {
      breakOff(SeenRequest.End.CLIENT_BROKE);
    } else {
      near.execute(this::completeIfOver);
    }
  }

  /** Edits the heads of answers, on the far connection's thread. */
  private final class Editor implements AnswerFilter.Editor {
    @Override
    public void editInterim(ResponseHead head, HeadEditor editor) {
      if (head.status() == SWITCHING_PROTOCOLS || head.status() / 100 != 1) {
        observation.answered(head);
      }
      policy.edit(head, editor);
    }

    @Override
    public boolean begin(ResponseHead head, AnswerBody answerBody, HeadEditor editor) {
      boolean toEnd = answerBody.framing() == Framing.END;
      last =
          toEnd
              || answerBody.unframed()
              || nearEnded
              || !request.persists()
              || isBodyUncertain()
              || !requestRead && !head.persists() // the rest of the request is in vain
              || policy.isLast(head);
      farPersists = !toEnd && head.persists() && request.isHttp11();
      policy.edit(head, editor);
      if (last && editor.fields().noneMatch(HttpExchange::isClose)) {
        editor.set("Connection", "close");
      }
      boolean inTime = state.compareAndSet(State.WAITING, State.ANSWERING);
      if (inTime) {
        observation.answered(head);
      }
      return inTime;
    }
  }

  private static boolean isClose(io.rendezvous.http.HeaderField field) {
    return field.is("Connection") && field.value().equalsIgnoreCase("close");
  }

  /** Returns whether the client may leave its body out, since it was not told to continue. */
  private boolean isBodyUncertain() {
    return request.expectsContinue() && !answer.hasContinued() && !requestRead && up.bytes() == 0;
  }

  // The end.

  private void completeIfOver() {
    if (!down.isDelivered()) {
      return;
    }
    boolean whole = requestRead && up.isOver();
    boolean neverWhole =
        nearEnded && !requestRead
            || last && isBodyUncertain()
            || up.isOver() && !up.isDelivered()
            || cutShort;
    if ((whole || neverWhole) && state.compareAndSet(State.ANSWERING, State.COMPLETE)) {
      release();
      if (cutShort) {
        observation.over(SeenRequest.End.SERVER_BROKE);
      }
      boolean keeps = whole && !nearEnded && !cutShort;
      far.execute(this::releaseFar);
      listener.onComplete(keeps && !last, keeps && up.isDelivered() && farPersists);
    }
  }

  private void release() {
    near.clearDeadline();
    readAhead.stop();
    near.onWritable(null);
    near.suspendWrites();
  }

  private void releaseFar() {
    far.onReadable(null);
    far.onWritable(null);
    far.suspendReads();
    far.suspendWrites();
  }

  private void switchProtocols(ByteBuffer head) {
    if (!up.isDelivered()) {
      fail(Failure.Kind.MALFORMED, "switched protocols before the request was complete");
    } else if (state.compareAndSet(State.WAITING, State.SWITCHED)) {
      releaseFar();
      near.execute(
          () -> {
            release();
            near.suspendReads();
            listener.onSwitched(BufferPool.joined(down.takeUnwritten(), head));
          });
    }
  }

  private void fail(Failure.Kind kind, String detail) {
    if (!state.compareAndSet(State.WAITING, State.UNANSWERED)) {
      breakOff(SeenRequest.End.SERVER_BROKE);
      return;
    }
    boolean untouched = !answer.hasBegun() && request.bodyLength() == 0;
    far.execute(
        () -> {
          far.abort();
          near.execute(
              () -> {
                release();
                near.suspendReads();
                listener.onUnanswered(new Failure(kind, detail), down.takeUnwritten(), untouched);
              });
        });
  }

  private void breakOff(SeenRequest.End how) {
    if (state.compareAndSet(State.WAITING, State.BROKEN)
        || state.compareAndSet(State.ANSWERING, State.BROKEN)) {
      far.execute(far::abort);
      near.execute(
          () -> {
            near.abort();
            listener.onBroken(how);
          });
    }
  }

  /** Ends the exchange now, with resets. Any thread may call. */
  void end() {
    breakOff(SeenRequest.End.CUT_OFF);
  }

  /**
   * Ends the exchange if it has stood still for too long. To be called periodically, on any thread.
   *
   * @param now the time of {@link System#nanoTime}
   * @param linger how long a server may be silent once the client has ended its stream, and how
   *     long a client may take to go on with a request that is answered
   * @param stall how long a peer may leave bytes unread that wait for it
   */
  void check(long now, Duration linger, Duration stall) {
    if (up.isStalled(now, stall)
        || down.isStalled(now, stall)
        || nearEnded && down.isSilent(now, up, linger)
        || down.isOver() && up.isSilent(now, down, linger)) {
      breakOff(SeenRequest.End.STOOD_STILL);
    }
  }
}
