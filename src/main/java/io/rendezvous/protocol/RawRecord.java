package io.rendezvous.protocol;

import io.rendezvous.http.Problem;
import io.rendezvous.http.RequestRecorder;
import io.rendezvous.http.StatusLine;
import io.rendezvous.tunnel.Rendezvous;
import java.nio.ByteBuffer;
import java.util.OptionalInt;

/** Records the first request of a connection whose bytes are relayed as they are. */
final class RawRecord implements RelayRecord {
  private final RequestRecorder recorder;
  private final int length;

  /**
   * Creates a record.
   *
   * @param length the length of the head, in octets
   */
  RawRecord(RequestRecorder recorder, int length) {
    this.recorder = recorder;
    this.length = length;
  }

  @Override
  public void answered(ByteBuffer octets) {
    recorder.answered(StatusLine.statusOf(octets), length, octets.remaining());
  }

  @Override
  public void refused(Problem problem) {
    recorder.unanswered(OptionalInt.of(problem.status()), length, 0);
  }

  @Override
  public void over(Rendezvous rendezvous) {
    recorder.over(RelayRecord.end(rendezvous), rendezvous.bytesIn(), rendezvous.bytesOut());
  }
}
