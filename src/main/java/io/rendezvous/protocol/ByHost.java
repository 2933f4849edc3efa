package io.rendezvous.protocol;

import io.rendezvous.entry.Entry;
import io.rendezvous.http.undertow.HttpRequest;
import java.util.Optional;

/**
 * A protocol that shares the listener of another, and is told from it by the host names in
 * requests. Called on the I/O thread of the request.
 */
public interface ByHost {
  /** No such protocol. */
  ByHost NONE =
      new ByHost() {
        @Override
        public boolean takes(HttpRequest request) {
          return false;
        }

        @Override
        public boolean takes(
            HttpRequest request, Optional<Entry> entry, String label, boolean otherwiseServed) {
          return false;
        }
      };

  /** Takes the request over if its host is one of the protocol's own. */
  boolean takes(HttpRequest request);

  /**
   * Takes the request over if it is the protocol's to answer.
   *
   * @param entry whose the label is, if anybody's
   * @param label in the request's host
   * @param otherwiseServed whether the other protocol would find the hidden server connected
   */
  boolean takes(HttpRequest request, Optional<Entry> entry, String label, boolean otherwiseServed);
}
