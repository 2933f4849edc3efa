package io.rendezvous.protocol.link;

import io.rendezvous.http.RequestHead;
import java.util.Optional;

/**
 * Tells forms of the broker's own pages from those of other sites, which must neither choose a
 * hidden server nor leave it. Browsers say where a form comes from, in headers that no page can
 * change.
 */
final class OwnOrigin {
  private final boolean tls;

  /**
   * Creates a test.
   *
   * @param tls whether the broker speaks TLS itself, so that no page of it is at http://
   */
  OwnOrigin(boolean tls) {
    this.tls = tls;
  }

  /** Returns whether a form was sent by a page of the host that it is sent to. */
  boolean sent(RequestHead head) {
    Optional<String> site = head.value("Sec-Fetch-Site");
    if (site.isPresent()) {
      return site.get().equals("same-origin");
    }
    String host = head.value("Host").orElse("");
    String origin = head.value("Origin").orElse("");
    return !host.isEmpty()
        && (origin.equalsIgnoreCase("https://" + host)
            || !tls && origin.equalsIgnoreCase("http://" + host));
  }
}
