package io.rendezvous.http.relay;

import io.rendezvous.http.RequestHead;
import io.rendezvous.http.SeenRequest;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The answers that a server owes on one connection, in their order. One thread adds, and one
 * removes; any thread may ask.
 */
final class OwedAnswers {
  /** Requests that may be sent ahead of their answers. Each is remembered. */
  static final int MAX = 256;

  /** What has to be known of a request to follow its answer. */
  enum Kind {
    /** Nothing. */
    ORDINARY,
    /** The answer has no body. */
    HEAD,
    /** The answer may be 101, and another protocol follows. */
    UPGRADE,
    /** A successful answer is followed by another protocol. */
    CONNECT;

    static Kind of(RequestHead request) {
      return switch (request.method()) {
        case "CONNECT" -> CONNECT;
        case "HEAD" -> HEAD;
        default -> request.field("Upgrade").isPresent() ? UPGRADE : ORDINARY;
      };
    }

    /** Returns whether another protocol may follow the answer. */
    boolean maySwitch() {
      return this == UPGRADE || this == CONNECT;
    }
  }

  /** An answer, with the observation of its request. */
  record Owed(Kind kind, Observation observation) {}

  private final Queue<Owed> answers = new ConcurrentLinkedQueue<>();
  private final AtomicInteger size = new AtomicInteger();
  private volatile boolean undecided;

  /** Adds the answer to a request that is about to be sent. */
  void add(Kind kind, Observation observation) {
    if (kind.maySwitch()) {
      undecided = true;
    }
    answers.add(new Owed(kind, observation));
    size.incrementAndGet();
  }

  /** Returns the answer that comes next, if one is owed. On the thread that removes. */
  @Nullable Owed next() {
    return answers.peek();
  }

  /** Removes the answer that came next, which is complete. */
  void remove() {
    answers.remove();
    size.decrementAndGet();
  }

  /** Records the end of the requests whose answers are owed. Any thread may call. */
  void recordEnd(SeenRequest.End how) {
    answers.forEach(owed -> owed.observation().ended(how));
  }

  /** Records that no other protocol follows the answer that comes next. */
  void decide() {
    undecided = false;
  }

  /** Returns whether no answer is owed. */
  boolean isEmpty() {
    return size.get() == 0;
  }

  /**
   * Returns whether further requests have to wait, because another protocol may come in their place
   * or because too many answers are owed.
   */
  boolean holdsRequests() {
    return undecided || size.get() >= MAX;
  }
}
