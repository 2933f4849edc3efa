package io.rendezvous.protocol;

import io.rendezvous.http.Problem;
import io.rendezvous.http.RequestHead;
import io.rendezvous.http.RequestRecorder;
import io.rendezvous.http.relay.HttpGuard;
import io.rendezvous.http.relay.RequestObservers;
import io.rendezvous.tunnel.Rendezvous;
import io.rendezvous.tunnel.TunnelListener;
import java.net.InetSocketAddress;
import java.time.InstantSource;
import java.util.Optional;
import java.util.UUID;

/**
 * Records the requests of clients: each one that a guard follows, and the first of a connection
 * whose bytes are relayed as they are. Any thread may call.
 */
public final class RequestRecords {
  private final boolean enabled;
  private final TunnelListener listener;
  private final InstantSource clock;

  /**
   * Creates records that are told to a listener.
   *
   * @param enabled whether requests are recorded at all
   */
  public RequestRecords(boolean enabled, TunnelListener listener, InstantSource clock) {
    this.enabled = enabled;
    this.listener = listener;
    this.clock = clock;
  }

  /**
   * Begins the record of a connection whose bytes are relayed as they are.
   *
   * @param id the hidden server
   * @param first the head of its first request, which is sent on now
   */
  public RelayRecord raw(UUID id, InetSocketAddress client, RequestHead first) {
    if (!enabled) {
      return RelayRecord.NONE;
    }
    RequestRecorder recorder =
        new RequestRecorder(first, true, clock, seen -> listener.requested(id, client, seen));
    return new RawRecord(recorder, first.octets().remaining());
  }

  /**
   * Returns what a guard records the requests of a client with.
   *
   * @param id the hidden server
   */
  public HttpGuard.Records guarded(UUID id, InetSocketAddress client) {
    RequestObservers observers =
        enabled
            ? (request, sent) -> Optional.of(seen -> listener.requested(id, client, seen))
            : RequestObservers.NONE;
    return new HttpGuard.Records(observers, clock);
  }

  /** Begins the record of a connection that a guard follows. */
  public RelayRecord of(HttpGuard guard) {
    return new RelayRecord() {
      @Override
      public void refused(Problem problem) {
        guard.recordRefusal(problem.status());
      }

      @Override
      public void over(Rendezvous rendezvous) {
        guard.recordEnd(RelayRecord.end(rendezvous));
      }
    };
  }
}
