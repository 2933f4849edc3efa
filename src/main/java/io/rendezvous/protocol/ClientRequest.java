package io.rendezvous.protocol;

import io.rendezvous.entry.Entry;
import io.rendezvous.http.ClientConnection;
import io.rendezvous.http.RequestHead;
import java.util.Optional;

/**
 * A client's request, and the hidden server that its host name stands for.
 *
 * @param connection answers the request, or hands the connection over
 * @param named the label in the host name; empty if the name is not in the broker's domain
 */
public record ClientRequest(ClientConnection connection, Optional<Named> named) {
  /**
   * A label in the request's host name.
   *
   * @param label in lower case
   * @param found the outcome of looking it up
   */
  public record Named(String label, LabelResolver.Found found) {
    /** Returns the entry that the label belongs to, if there is one. */
    public Optional<Entry> entry() {
      return found instanceof LabelResolver.Found.Known known
          ? Optional.of(known.entry())
          : Optional.empty();
    }
  }

  /** Returns the request's head. */
  public RequestHead head() {
    return connection.head();
  }
}
