package io.rendezvous.net;

import java.nio.ByteBuffer;
import org.xnio.StreamConnection;
import org.xnio.ssl.SslConnection;

/** A way to put TLS on a socket: {@link Conn#startTls()} uses the one of its listener or dialer. */
public interface Layer {
  /**
   * Returns a connection that reads and writes plaintext over a socket. Called on the socket's I/O
   * thread, when nothing else listens for the socket's events.
   *
   * @param early bytes that were already read from the socket: TLS reads them first. The layer may
   *     keep the buffer
   */
  SslConnection over(StreamConnection socket, ByteBuffer early);
}
