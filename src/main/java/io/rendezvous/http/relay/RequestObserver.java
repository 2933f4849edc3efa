package io.rendezvous.http.relay;

import io.rendezvous.http.ResponseHead;
import io.rendezvous.http.SeenRequest;
import java.nio.ByteBuffer;

/** Observes one request of an {@link HttpRelay}. Its methods must not block. */
public interface RequestObserver {
  /**
   * Receives a part of the request's body, with its framing, before it is sent on. Called on the
   * near connection's thread. The buffer is to be left as it is, and not kept.
   */
  default void onBody(ByteBuffer part) {}

  /**
   * Receives the head of the answer as the server sent it. Called on the far connection's thread.
   */
  default void onAnswer(ResponseHead answer) {}

  /**
   * Receives what is known of the request: once when its answer begins, unless it was over before,
   * and once when it is over. Called on either connection's thread.
   */
  void onSeen(SeenRequest request);
}
