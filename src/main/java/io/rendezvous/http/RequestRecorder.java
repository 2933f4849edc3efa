package io.rendezvous.http;

import io.rendezvous.http.SeenRequest.End;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Follows one request from when it is sent on. It tells its listener about it once when the answer
 * begins, and once when the request is over. Any thread may call.
 */
public final class RequestRecorder {
  private static final int MAX_METHOD = 32;
  private static final AtomicLong NUMBERS = new AtomicLong();

  private final long number = NUMBERS.incrementAndGet();
  private final long startedAt = System.nanoTime();
  private final boolean first;
  private final Instant began;
  private final String method;
  private final String path;
  private final Consumer<SeenRequest> listener;

  // Guarded by this.
  private OptionalInt status = OptionalInt.empty();
  private Optional<Duration> answeredAfter = Optional.empty();
  private boolean over;

  /**
   * Starts to follow a request.
   *
   * @param first whether it is the first request of a connection whose bytes are relayed as they
   *     are
   * @param listener is called with a lock held, on the thread that calls; it must not block
   */
  public RequestRecorder(
      RequestHead request, boolean first, InstantSource clock, Consumer<SeenRequest> listener) {
    this.first = first;
    this.began = clock.instant();
    this.method = ShownText.cut(request.method(), MAX_METHOD);
    this.path = ShownText.path(request);
    this.listener = listener;
  }

  /**
   * Records that the answer has begun. Only the first call has an effect.
   *
   * @param newStatus the status of the answer, if it is known
   */
  public synchronized void answered(OptionalInt newStatus, long bytesIn, long bytesOut) {
    if (!over && answeredAfter.isEmpty()) {
      status = newStatus;
      answeredAfter = Optional.of(sinceStart());
      tell(bytesIn, bytesOut, Optional.empty());
    }
  }

  /** Records the end. Only the first call has an effect. */
  public synchronized void over(End end, long bytesIn, long bytesOut) {
    if (!over) {
      over = true;
      tell(bytesIn, bytesOut, Optional.of(end));
    }
  }

  /**
   * Records that the server gave no answer.
   *
   * @param newStatus the status of the error that the client is sent in its place
   */
  public synchronized void unanswered(OptionalInt newStatus, long bytesIn, long bytesOut) {
    if (!over) {
      status = newStatus;
      over(End.UNANSWERED, bytesIn, bytesOut);
    }
  }

  private Duration sinceStart() {
    return Duration.ofNanos(System.nanoTime() - startedAt);
  }

  private void tell(long bytesIn, long bytesOut, Optional<End> end) {
    listener.accept(
        new SeenRequest(
            number,
            first,
            began,
            method,
            path,
            status,
            answeredAfter,
            sinceStart(),
            bytesIn,
            bytesOut,
            end));
  }
}
