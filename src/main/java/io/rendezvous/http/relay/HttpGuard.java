package io.rendezvous.http.relay;

import io.rendezvous.http.BodySkipper;
import io.rendezvous.http.HeadReader;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.SeenRequest;
import io.rendezvous.net.BufferPool;
import io.rendezvous.net.Pump;
import io.rendezvous.net.Relay;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows HTTP/1.1 through a {@link Relay}, so that every request head of a client passes its
 * owner, and not only the first. Bodies pass by their framing, and answers octet for octet.
 *
 * <pre>
 *                         a head with Upgrade, a CONNECT;
 *                         too many answers owed
 *   FOLLOWING  ------------------------------------------>  HOLDING
 *     |    ^                                                 |   |
 *     |    +------------- it is answered otherwise ----------+   |
 *     |                                                          |  101, 2xx to CONNECT
 *     |  a head that may not pass, a malformed one               |
 *     v                                                          v
 *   REFUSED                                                   SWITCHED
 *
 *   FOLLOWING   heads pass the owner; a further request need not wait for the last answer
 *   HOLDING     what follows the request is held back, 64 KiB of it, since it may be no head
 *   SWITCHED    all passes, both ways
 *   REFUSED     nothing more is read of the client; when the last answer owed is delivered,
 *               the relay ends
 * </pre>
 *
 * <p>An answer that cannot be followed ends the relay, too, after what came was passed on. The
 * relay owns both connections, and decides when else it ends: a guard only filters.
 *
 * <p>{@link #up} lives on the client's I/O thread, {@link #down} on the server's. Between them are
 * the answers owed, and flags that one of the two sets and the other reads.
 */
public final class HttpGuard implements Relay.Filter {
  private static final Logger LOG = LoggerFactory.getLogger(HttpGuard.class);
  private static final int MAX_HEAD = 16 * 1024;

  /** Decides about the heads that follow the first. */
  public interface Owner {
    /**
     * Returns the head that is passed on in place of one that was read. Called on the client's I/O
     * thread.
     *
     * @throws ProtocolException if it may not pass; the message says why
     */
    ByteBuffer pass(RequestHead head) throws ProtocolException;

    /** Handles that the client's direction has ended, since a head may not pass. */
    void refused(String why);
  }

  /**
   * How the requests are recorded.
   *
   * @param observers choose who observes them
   * @param clock tells when they began
   */
  public record Records(RequestObservers observers, InstantSource clock) {
    private Observation of(RequestHead request, ByteBuffer sent) {
      return new Observation(request, observers.of(request, sent), clock);
    }
  }

  private final Owner owner;
  private final BufferPool buffers;
  private final Records records;
  private final Observation first;
  private final OwedAnswers owed = new OwedAnswers();
  private final AnswerFollower answers = new AnswerFollower(owed);

  // Of the client's direction.
  private HeadReader reader = new HeadReader(MAX_HEAD);
  private BodySkipper body;
  private boolean inBody;
  private Observation observation; // of the latest request

  // Written by the client's direction, read by the other.
  private volatile boolean holding;
  private volatile boolean refused;

  // Written by the server's direction, read by the other.
  private volatile boolean switched;
  private volatile boolean lost;

  /**
   * Creates the guard of a relay, which passes the first head without asking it.
   *
   * @param first the first head
   * @param buffers for heads and what is passed on together with them
   */
  public HttpGuard(RequestHead first, Owner owner, BufferPool buffers, Records records) {
    this.owner = owner;
    this.buffers = buffers;
    this.records = records;
    this.first = records.of(first, first.octets());
    this.observation = this.first;
    this.body = new BodySkipper(first.bodyLength());
    this.inBody = first.bodyLength() != 0;
    owed.add(OwedAnswers.Kind.of(first), observation);
  }

  // The client's direction.

  @Override
  public ByteBuffer up(ByteBuffer read, Pump up, Pump down) {
    if (switched) {
      return read;
    }
    holding = false;
    int start = read.position();
    boolean valid = !inBody || skipBody(read);
    int end = read.position();
    observation.bodyPassed(end - start);
    if (!valid) {
      refuse("malformed chunk", up, down);
    }
    if (!valid || end == read.limit()) {
      return read.limit(end).position(start);
    }
    List<ByteBuffer> passed = new ArrayList<>();
    passed.add(read.duplicate().position(start).limit(end));
    while (read.hasRemaining() && !refused) {
      followOn(read, passed, up, down);
    }
    return buffers.joined(passed);
  }

  /** Consumes octets of the body, but not the one that is malformed. Returns false for that. */
  private boolean skipBody(ByteBuffer read) {
    BodySkipper.Progress progress = body.skip(read);
    inBody = progress == BodySkipper.Progress.MORE;
    if (progress == BodySkipper.Progress.MALFORMED) {
      read.position(read.position() - 1);
      return false;
    }
    return true;
  }

  private void followOn(ByteBuffer read, List<ByteBuffer> passed, Pump up, Pump down) {
    if (inBody) {
      ByteBuffer part = read.duplicate();
      if (!skipBody(read)) {
        refuse("malformed chunk", up, down);
      }
      part.limit(read.position());
      observation.bodyPassed(part.remaining());
      passed.add(part);
    } else if (mustHold() && reader.isEmpty()) {
      holding = true;
      up.hold(read);
      if (!mustHold()) { // the answer may have come at the same time
        up.release();
      }
    } else {
      switch (reader.read(read)) {
        case MORE -> {}
        case WHOLE -> onHead(passed, up, down);
        case TOO_LONG -> refuse("the request head is too long", up, down);
        case MALFORMED -> refuse("malformed request head", up, down);
      }
    }
  }

  private void onHead(List<ByteBuffer> passed, Pump up, Pump down) {
    try {
      RequestHead head = RequestHead.parse(reader.head());
      ByteBuffer octets = owner.pass(head);
      OwedAnswers.Kind kind = OwedAnswers.Kind.of(head);
      if (kind == OwedAnswers.Kind.CONNECT && head.bodyLength() != 0) {
        throw new ProtocolException("CONNECT with a body");
      }
      observation = records.of(head, octets);
      owed.add(kind, observation);
      passed.add(octets);
      body = new BodySkipper(head.bodyLength());
      inBody = head.bodyLength() != 0;
      reader = new HeadReader(MAX_HEAD);
    } catch (ProtocolException e) {
      refuse(String.valueOf(e.getMessage()), up, down);
    }
  }

  private boolean mustHold() {
    return !switched && owed.holdsRequests();
  }

  private void refuse(String why, Pump up, Pump down) {
    refused = true;
    up.finish();
    if (owed.isEmpty()) {
      down.endAfterFlush();
    }
    owner.refused(why);
  }

  // The server's direction.

  @Override
  public ByteBuffer down(ByteBuffer read, Pump up, Pump down) {
    int start = read.position();
    try {
      while (read.hasRemaining() && !switched) {
        follow(read, up, down);
      }
    } catch (ProtocolException e) {
      LOG.debug("An answer cannot be followed: {}", e.getMessage());
      lost = true;
      down.finish();
    }
    return read.position(start);
  }

  private void follow(ByteBuffer read, Pump up, Pump down) throws ProtocolException {
    OwedAnswers.Owed next = owed.next();
    int start = read.position();
    AnswerFollower.Progress progress = answers.follow(read);
    if (next != null) {
      record(next.observation(), read.position() - start, progress);
    }
    if (progress == AnswerFollower.Progress.SWITCHED) {
      switched = true;
    } else if (progress == AnswerFollower.Progress.ANSWERED && refused && owed.isEmpty()) {
      read.limit(read.position());
      down.finish();
    }
    if (holding && !mustHold()) {
      up.release();
    }
  }

  private static void record(Observation of, int octets, AnswerFollower.Progress progress) {
    of.passedOn(octets);
    switch (progress) {
      case MORE -> {}
      case ANSWERED -> of.over(SeenRequest.End.WHOLE);
      case SWITCHED -> of.over(SeenRequest.End.UPGRADED);
    }
  }

  /**
   * Records that the first request was not answered.
   *
   * @param status the status of the error that the client is sent in place of an answer
   */
  public void recordRefusal(int status) {
    first.unanswered(OptionalInt.of(status), 0);
  }

  /** Records the end of the requests that go on. Any thread may call. */
  public void recordEnd(SeenRequest.End how) {
    owed.recordEnd(how);
  }

  @Override
  public boolean hasLostFar() {
    return lost;
  }
}
