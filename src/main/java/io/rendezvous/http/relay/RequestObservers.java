package io.rendezvous.http.relay;

import io.rendezvous.http.RequestHead;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Chooses who observes the requests of HTTP relays. Any thread may call. */
@FunctionalInterface
public interface RequestObservers {
  /** Observes nothing. */
  RequestObservers NONE = (request, sent) -> Optional.empty();

  /**
   * Returns the observer of a request that is about to be sent on, if it has one.
   *
   * @param sent the edited head, which is to be left as it is
   */
  Optional<RequestObserver> of(RequestHead request, ByteBuffer sent);
}
