package io.rendezvous.protocol;

import io.rendezvous.http.Problem;
import io.rendezvous.http.RequestRecorder;
import io.rendezvous.http.SeenRequest;
import io.rendezvous.http.StatusLine;
import io.rendezvous.tunnel.Rendezvous;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The record of the first request of a connection whose bytes are relayed as they are. It does
 * nothing if requests are not recorded. Any thread may call.
 */
public final class FirstRequest {
  /** The record of a request that is not recorded. */
  public static final FirstRequest NONE = new FirstRequest(Optional.empty(), 0);

  private final Optional<RequestRecorder> recorder;
  private final int length;

  /**
   * Creates a record.
   *
   * @param length the length of the head, in octets
   */
  FirstRequest(Optional<RequestRecorder> recorder, int length) {
    this.recorder = recorder;
    this.length = length;
  }

  /** Records that the answer has begun. */
  public void answered(ByteBuffer octets) {
    recorder.ifPresent(
        known -> known.answered(StatusLine.statusOf(octets), length, octets.remaining()));
  }

  /** Records that the client was refused in the end. */
  public void refused(Problem problem) {
    recorder.ifPresent(known -> known.unanswered(OptionalInt.of(problem.status()), length, 0));
  }

  /** Records the end of the connection. */
  public void over(Rendezvous rendezvous) {
    recorder.ifPresent(
        known -> known.over(end(rendezvous), rendezvous.bytesIn(), rendezvous.bytesOut()));
  }

  private static SeenRequest.End end(Rendezvous over) {
    return switch (over.ended().orElseThrow()) {
      case WHOLE -> SeenRequest.End.WHOLE;
      case CLIENT_BROKE -> SeenRequest.End.CLIENT_BROKE;
      case SERVER_BROKE -> SeenRequest.End.SERVER_BROKE;
      case STOOD_STILL -> SeenRequest.End.STOOD_STILL;
      case REVOKED, BROKER_ENDED -> SeenRequest.End.CUT_OFF;
      case UNANSWERED -> SeenRequest.End.UNANSWERED;
    };
  }
}
