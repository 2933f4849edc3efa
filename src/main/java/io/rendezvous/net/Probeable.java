package io.rendezvous.net;

import java.io.IOException;

/** A connection whose peer can be asked whether it is alive without its application noticing. */
public interface Probeable {
  /**
   * Asks the peer. Called on the connection's I/O thread, while reads are on.
   *
   * @param heard runs on that thread, at most once, soon after anything has come from the peer
   * @return false where the peer cannot be asked, and nothing was sent
   */
  boolean probe(Runnable heard) throws IOException;
}
