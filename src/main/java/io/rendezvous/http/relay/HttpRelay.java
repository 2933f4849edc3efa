package io.rendezvous.http.relay;

import io.rendezvous.http.HeadEditor;
import io.rendezvous.http.HeadReader;
import io.rendezvous.http.Problem;
import io.rendezvous.http.ProblemResponse;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.ResponseHead;
import io.rendezvous.http.SeenRequest;
import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Conn;
import io.rendezvous.net.Dialer;
import io.rendezvous.net.FailureText;
import io.rendezvous.net.LingeringClose;
import io.rendezvous.net.Relay;
import io.rendezvous.net.Relays;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Passes the requests of one client's connection (near) on to a server, one after the other, and
 * their answers back. Its owner edits the head of each, and provides the connection to the server
 * (far), which is kept for the next request if the server allows it. Requests that the client sends
 * ahead wait; at most 64 KiB of them are read.
 *
 * <p>When both ends switch to another protocol, a {@link Relay} takes both connections over.
 *
 * <p>All methods are called on the near connection's I/O thread, except those that allow any.
 */
public final class HttpRelay {
  private static final int MAX_HEAD = 64 * 1024;
  private static final Set<String> REPEATABLE = Set.of("GET", "HEAD", "OPTIONS");

  /** Decides what is sent on, and where. */
  public interface Owner {
    /**
     * Edits the head of a request. Called on the near connection's thread.
     *
     * @return why the request is refused, if it is
     */
    Optional<Problem> editRequest(RequestHead request, HeadEditor editor);

    /**
     * Edits the head of an answer, an interim one too. What concerns the framing of the body is
     * edited already. Called on the far connection's thread.
     */
    void editAnswer(RequestHead request, ResponseHead answer, HeadEditor editor);

    /** Provides a connection to the server, on the near connection's thread. */
    void connect(Dialer.Result result);

    /** Returns the whole answer to a request that the server has not answered. */
    ByteBuffer answer(RequestHead request, Failure failure);

    /** Returns how long the server may take to begin an answer; zero for any time. */
    Duration timeout();

    /** Returns whether a further request may go to another connection to the server. */
    boolean reconnects();

    /**
     * Returns the observer of a request that is about to be sent on, if it has one. Called on the
     * near connection's thread.
     *
     * @param sent the edited head, which is to be left as it is
     */
    default Optional<RequestObserver> observer(RequestHead request, ByteBuffer sent) {
      return Optional.empty();
    }

    /** Handles that the near connection was closed. Called once. */
    void over();
  }

  /** What HTTP relays have in common. */
  public record Context(InstantSource clock, Relays relays, HttpTraffic traffic) {}

  private enum Phase {
    /** The next head is read. */
    HEAD,
    /** A connection to the server is awaited. */
    CONNECTING,
    /** A request is under way. */
    EXCHANGE,
    /** Bytes are relayed, or the near connection ends. */
    GONE
  }

  private final Conn near;
  private final Owner owner;
  private final Context context;
  private final ReadAhead readAhead;
  private final Events events = new Events();
  private Phase phase = Phase.HEAD;
  private HeadReader reader = new HeadReader(MAX_HEAD);
  private @Nullable Conn kept;
  private @Nullable Observation observation; // of the request that is under way
  private @Nullable Relay switched; // once both ends speak another protocol
  private volatile @Nullable HttpExchange exchange;
  private volatile boolean draining;

  /** Creates a relay that has not started. */
  public HttpRelay(Conn near, Owner owner, Context context) {
    this.near = near;
    this.owner = owner;
    this.context = context;
    this.readAhead = new ReadAhead(near, events, context.traffic()::addUp);
  }

  /**
   * Takes the connection over and begins.
   *
   * @param first what has been read of it
   */
  public void start(ByteBuffer first) {
    near.onClosed(this::onClosed);
    context.traffic().addUp(first.remaining());
    readAhead.keep(first);
    awaitHead();
  }

  // Heads.

  private void awaitHead() {
    phase = Phase.HEAD;
    reader = new HeadReader(MAX_HEAD);
    near.onReadable(this::onReadable);
    ByteBuffer ahead = readAhead.take();
    if (!onBytes(ahead)) {
      if (readAhead.hasEnded()) {
        end();
      } else {
        near.resumeReads();
      }
    }
  }

  private void onReadable() {
    ByteBuffer buffer = near.buffers().take();
    try {
      int n = 1;
      while (n > 0) {
        n = near.read(buffer.clear());
        if (n > 0) {
          context.traffic().addUp(n);
          if (onBytes(buffer.flip())) {
            return;
          }
        }
      }
      if (n < 0) {
        onEnd();
      }
    } catch (IOException e) {
      near.abort();
    } finally {
      near.buffers().give(buffer);
    }
  }

  private void onEnd() {
    if (near.isTruncated()) {
      near.abort();
    } else {
      end();
    }
  }

  /** Reads the head on. Returns whether it is whole or refused. */
  private boolean onBytes(ByteBuffer bytes) {
    switch (reader.read(bytes)) {
      case MORE -> {
        return false;
      }
      case WHOLE -> {
        readAhead.keep(bytes);
        onHead();
      }
      case TOO_LONG -> refuse(Problem.permanent(431, "the request head is too long"));
      case MALFORMED -> refuse(Problem.permanent(400, "malformed request head"));
    }
    return true;
  }

  private void onHead() {
    RequestHead request;
    try {
      request = RequestHead.parse(reader.head());
      request.checkForward();
    } catch (ProtocolException e) {
      refuse(Problem.permanent(400, String.valueOf(e.getMessage())));
      return;
    }
    context.traffic().addRequest();
    HeadEditor editor = request.edit();
    Optional<Problem> refusal = owner.editRequest(request, editor);
    if (refusal.isPresent()) {
      say(ProblemResponse.to(request, refusal.get()).closing(context.clock().instant(), Map.of()));
      return;
    }
    boolean upgrades = request.isUpgrade() && editor.has("Upgrade");
    ByteBuffer edited = editor.octets();
    Observation begun = new Observation(request, owner.observer(request, edited), context.clock());
    observation = begun;
    new Request(request, edited, upgrades, begun).send();
  }

  /** A request, which may be sent twice. */
  private final class Request implements HttpExchange.Policy, HttpExchange.Listener {
    private final RequestHead head;
    private final ByteBuffer edited;
    private final boolean upgrades;
    private final Observation observed;
    private boolean reused;

    Request(RequestHead head, ByteBuffer edited, boolean upgrades, Observation observed) {
      this.head = head;
      this.edited = edited;
      this.upgrades = upgrades;
      this.observed = observed;
    }

    void send() {
      Conn far = takeKept();
      if (far != null) {
        reused = true;
        exchangeWith(far);
      } else {
        connect();
      }
    }

    private void connect() {
      reused = false;
      phase = Phase.CONNECTING;
      readAhead.start();
      owner.connect(new Connected(this));
    }

    void exchangeWith(Conn far) {
      phase = Phase.EXCHANGE;
      kept = far;
      HttpExchange begun =
          new HttpExchange(
              new HttpExchange.Ends(near, readAhead, far),
              head,
              upgrades,
              this,
              this,
              context.traffic(),
              observed);
      exchange = begun;
      begun.start(edited.duplicate());
    }

    @Override
    public void edit(ResponseHead answer, HeadEditor editor) {
      owner.editAnswer(head, answer, editor);
    }

    @Override
    public boolean isLast(ResponseHead answer) {
      return draining || !owner.reconnects() && !answer.persists();
    }

    @Override
    public Duration timeout() {
      return owner.timeout();
    }

    @Override
    public void onComplete(boolean keepsNear, boolean keepsFar) {
      exchange = null;
      observation = null;
      observed.over(SeenRequest.End.WHOLE);
      if (keepsFar) {
        awaitFar();
      } else {
        closeKept();
      }
      if (keepsNear && !draining) {
        awaitHead();
      } else {
        HttpRelay.this.end();
      }
    }

    @Override
    public void onUnanswered(Failure failure, ByteBuffer unwritten, boolean untouched) {
      exchange = null;
      kept = null;
      boolean ended = failure.kind() != Failure.Kind.LATE;
      boolean repeatable = untouched && REPEATABLE.contains(head.method());
      // A server whose connection was idle may have closed it. One that was passed the client's end
      // may have closed it because of that, with the request.
      if (reused && ended && repeatable && !readAhead.hasEnded()) {
        connect();
      } else {
        fail(failure, unwritten);
      }
    }

    void fail(Failure failure, ByteBuffer unwritten) {
      ByteBuffer answer = owner.answer(head, failure);
      observed.unanswered(answer);
      say(BufferPool.joined(unwritten, answer));
    }

    @Override
    public void onSwitched(ByteBuffer unwritten) {
      exchange = null;
      observation = null;
      observed.over(SeenRequest.End.UPGRADED);
      Conn far = kept;
      kept = null;
      phase = Phase.GONE;
      if (far != null) {
        relay(far, unwritten);
      }
    }

    @Override
    public void onBroken(SeenRequest.End how) {
      exchange = null;
      observed.over(how);
      kept = null;
      phase = Phase.GONE;
    }
  }

  /** Receives the connection to the server. */
  private final class Connected implements Dialer.Result {
    private final Request request;

    Connected(Request request) {
      this.request = request;
    }

    @Override
    public void opened(Conn far) {
      readAhead.look(); // the client may have left a moment ago
      if (phase == Phase.CONNECTING && near.isOpen()) {
        request.exchangeWith(far);
      } else {
        far.close(); // meanwhile the client has left
      }
    }

    @Override
    public void failed(IOException reason) {
      if (phase == Phase.CONNECTING && near.isOpen()) {
        Failure failure = new Failure(Failure.Kind.UNREACHABLE, FailureText.of(reason));
        request.fail(failure, ByteBuffer.allocate(0));
      }
    }
  }

  /** Receives what is read ahead. */
  private final class Events implements ReadAhead.Listener {
    @Override
    public void onEnd() {
      HttpExchange current = exchange;
      if (current != null) {
        current.onNearEnd();
      }
    }

    @Override
    public void onLeft() {
      near.abort();
    }
  }

  // The server's connection between two requests.

  private @Nullable Conn takeKept() {
    Conn far = kept;
    kept = null;
    return far != null && far.isOpen() ? far : null;
  }

  /** Closes the kept connection when the server ends it, or says something unasked. */
  private void awaitFar() {
    Conn far = kept;
    if (far != null) {
      far.execute(
          () -> {
            far.onReadable(() -> onFarEnd(far));
            far.resumeReads();
          });
    }
  }

  private void onFarEnd(Conn far) {
    far.close();
    if (!owner.reconnects()) {
      near.execute(this::endIfIdle);
    }
  }

  private void closeKept() {
    Conn far = kept;
    kept = null;
    if (far != null) {
      far.execute(far::close);
    }
  }

  private void relay(Conn far, ByteBuffer toNear) {
    Relay[] relay = new Relay[1];
    relay[0] =
        new Relay(
            near,
            far,
            new Relay.Owner() {
              @Override
              public boolean takesBack() {
                return false;
              }

              @Override
              public void unanswered(Relay.Sent sent) {
                throw new IllegalStateException();
              }

              @Override
              public void over() {
                context.relays().remove(relay[0]);
              }
            });
    context.relays().add(relay[0]);
    switched = relay[0];
    relay[0].resume(readAhead.take(), toNear);
  }

  // The end.

  private void refuse(Problem problem) {
    say(ProblemResponse.json(problem).closing(context.clock().instant(), Map.of()));
  }

  private void say(ByteBuffer answer) {
    phase = Phase.GONE;
    readAhead.stop();
    closeKept();
    LingeringClose.say(near, answer);
  }

  private void end() {
    phase = Phase.GONE;
    near.onReadable(null);
    closeKept();
    LingeringClose.end(near);
  }

  private void onClosed() {
    phase = Phase.GONE;
    HttpExchange current = exchange;
    if (current != null) {
      current.onNearLeft();
    } else if (observation != null) {
      observation.over(SeenRequest.End.CLIENT_BROKE); // it left before there was a connection
    }
    closeKept();
    owner.over();
  }

  private void endIfIdle() {
    if (phase == Phase.HEAD && reader.isEmpty()) {
      end();
    }
  }

  /**
   * Ends the connection once no request is under way. Answers from now on tell the client so. Any
   * thread may call.
   */
  public void drain() {
    draining = true;
    near.execute(this::endIfIdle);
  }

  /** Ends the connection now, with a reset. Any thread may call. */
  public void cutOff() {
    near.execute(
        () -> {
          Relay relay = switched;
          if (relay != null) {
            relay.end(); // which owns both connections
          } else {
            near.abort();
          }
        });
  }

  /** Ends the relay if a request has stood still for too long: see {@link Relays#sweep}. */
  public void check(long now, Duration linger, Duration stall) {
    HttpExchange current = exchange;
    if (current != null) {
      current.check(now, linger, stall);
    }
  }
}
