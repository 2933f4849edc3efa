package io.rendezvous.net;

import java.io.IOException;

/** A connection whose peer can be asked for a sign of life that its application does not notice. */
public interface Probeable {
  /**
   * Asks the peer. Called on the connection's I/O thread, while reads are resumed.
   *
   * @param heard runs on that thread, at most once, soon after anything has arrived from the peer
   * @return false if the peer cannot be asked, and nothing was sent
   */
  boolean probe(Runnable heard) throws IOException;
}
