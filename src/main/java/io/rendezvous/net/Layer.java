package io.rendezvous.net;

import java.nio.ByteBuffer;
import org.xnio.StreamConnection;
import org.xnio.ssl.SslConnection;

/** Puts TLS on a socket. */
public interface Layer {
  /**
   * Returns a connection that reads and writes plaintext. Called on the socket's I/O thread, once
   * nothing else listens to the socket's events.
   *
   * @param early bytes that were already read from the socket; they are the first that TLS reads
   */
  SslConnection over(StreamConnection socket, ByteBuffer early);
}
