package io.rendezvous.protocol;

import io.rendezvous.http.RequestHead;
import io.rendezvous.http.RequestRecorder;
import io.rendezvous.http.relay.RequestObserver;
import io.rendezvous.tunnel.TunnelListener;
import java.net.InetSocketAddress;
import java.time.InstantSource;
import java.util.Optional;
import java.util.UUID;

/**
 * Records the requests of clients: each one of an HTTP relay, and the first of a connection whose
 * bytes are relayed as they are. Any thread may call.
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
   * Begins the record of a client's first request, which is sent on now.
   *
   * @param id the hidden server
   */
  public FirstRequest begin(UUID id, InetSocketAddress client, RequestHead head) {
    if (!enabled) {
      return FirstRequest.NONE;
    }
    RequestRecorder recorder =
        new RequestRecorder(head, true, clock, seen -> listener.requested(id, client, seen));
    return new FirstRequest(Optional.of(recorder), head.octets().remaining());
  }

  /**
   * Returns the observer of the requests of an HTTP relay, if requests are recorded.
   *
   * @param id the hidden server
   */
  public Optional<RequestObserver> observer(UUID id, InetSocketAddress client) {
    return enabled ? Optional.of(seen -> listener.requested(id, client, seen)) : Optional.empty();
  }
}
