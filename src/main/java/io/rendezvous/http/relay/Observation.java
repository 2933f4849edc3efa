package io.rendezvous.http.relay;

import io.rendezvous.http.RequestHead;
import io.rendezvous.http.RequestRecorder;
import io.rendezvous.http.ResponseHead;
import io.rendezvous.http.SeenRequest;
import io.rendezvous.http.StatusLine;
import java.nio.ByteBuffer;
import java.time.InstantSource;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Tells the observer of one request what happens to it, if it has one. Otherwise it does nothing.
 */
@SuppressWarnings("NonAtomicVolatileUpdate") // each counter has one thread that writes it
final class Observation {
  private final @Nullable RequestObserver observer;
  private final @Nullable RequestRecorder recorder;
  private volatile long bytesIn; // written on the near connection's thread
  private volatile long bytesOut; // written on the far connection's thread
  private volatile boolean answered;

  /** Begins to observe a request that is about to be sent on. */
  Observation(RequestHead request, Optional<RequestObserver> observer, InstantSource clock) {
    this.observer = observer.orElse(null);
    this.recorder =
        observer.map(o -> new RequestRecorder(request, false, clock, o::onSeen)).orElse(null);
    this.bytesIn = request.octets().remaining();
  }

  /** Observes that octets of the body are passed on. On the near connection's thread. */
  void bodyPassed(int octets) {
    if (observer != null) {
      bytesIn = bytesIn + octets;
    }
  }

  /** Observes a part of the body. On the near connection's thread. */
  void body(ByteBuffer part) {
    if (observer != null) {
      bytesIn = bytesIn + part.remaining();
      observer.onBody(part);
    }
  }

  /** Observes the head of the answer. On the far connection's thread. */
  void answered(ResponseHead answer) {
    if (observer != null && recorder != null) {
      answered = true;
      observer.onAnswer(answer);
      recorder.answered(OptionalInt.of(answer.status()), bytesIn, bytesOut);
    }
  }

  /** Observes a part of the answer that is passed on. On the far connection's thread. */
  void passedOn(@Nullable ByteBuffer part) {
    if (part != null) {
      passedOn(part.remaining());
    }
  }

  /** Observes octets of the answer that are passed on. On the far connection's thread. */
  void passedOn(int octets) {
    if (observer != null) {
      bytesOut = bytesOut + octets;
    }
  }

  /** Observes that the client is sent an answer in place of the server's. */
  void unanswered(ByteBuffer answer) {
    unanswered(StatusLine.statusOf(answer), answer.remaining());
  }

  /** Observes that the client is sent an error of that status. Any thread may call. */
  void unanswered(OptionalInt status, int length) {
    if (recorder != null) {
      recorder.unanswered(status, bytesIn, length);
    }
  }

  /** Observes the end of the connection. Any thread may call. */
  void ended(SeenRequest.End how) {
    over(how == SeenRequest.End.WHOLE && !answered ? SeenRequest.End.UNANSWERED : how);
  }

  /** Observes the end. Any thread may call. */
  void over(SeenRequest.End end) {
    if (recorder != null) {
      recorder.over(end, bytesIn, bytesOut);
    }
  }
}
