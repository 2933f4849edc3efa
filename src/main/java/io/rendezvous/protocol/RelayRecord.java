package io.rendezvous.protocol;

import io.rendezvous.http.Problem;
import io.rendezvous.http.SeenRequest;
import io.rendezvous.tunnel.Rendezvous;
import java.nio.ByteBuffer;

/** Records the requests of one client's connection while it is relayed. Any thread may call. */
public interface RelayRecord {
  /** Records nothing. */
  RelayRecord NONE = new RelayRecord() {};

  /** Records that the first bytes have come back. They are to be left as they are, and not kept. */
  default void answered(ByteBuffer octets) {}

  /** Records that the client was refused in the end, since its first request was not answered. */
  default void refused(Problem problem) {}

  /** Records the end of the connection. */
  default void over(Rendezvous rendezvous) {}

  /** Returns how a request ended with its connection. */
  static SeenRequest.End end(Rendezvous over) {
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
